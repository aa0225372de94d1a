"""What is wrong with a value, as a Vietnamese sentence: pydantic's errors by table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic_core import ErrorDetails
from rapidfuzz import fuzz, process

_ALIKE = 60.0  # of 100 (fuzz.ratio): below, a name is another one and no typo

_MAPPING = "phải là các dòng “trường: giá trị”"
_WHOLE = "phải là một số nguyên"
_CHOICE = "không nhận {input}; chỉ nhận: {expected}"

# By pydantic's type of error; {names} come from its context.
_WHY = {
    "missing": "thiếu trường này",
    "string_type": "phải là chữ; nếu là số thì đặt trong ngoặc kép",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": "phải là một số, không có ngoặc kép",
    "float_parsing": "phải là một số",
    "finite_number": "phải là một số hữu hạn",
    "bool_type": "phải là true hoặc false",
    "bool_parsing": "phải là true hoặc false",
    "tuple_type": "phải là một danh sách",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "literal_error": _CHOICE,
    "enum": _CHOICE,
    "greater_than_equal": "nhỏ nhất là {ge}, không nhận {input}",
    "less_than_equal": "lớn nhất là {le}, không nhận {input}",
    "greater_than": "phải lớn hơn {gt}, không nhận {input}",
    "less_than": "phải nhỏ hơn {lt}, không nhận {input}",
    "too_short": "cần ít nhất {min_length} mục",
    "too_long": "nhiều nhất là {max_length} mục",
    "path_type": "phải là một đường dẫn",
    "value_error": "{error}",
}


def why(error: ErrorDetails, fields: Iterable[str] = ()) -> str:
    """The error as a sentence without its end. ``fields``: those that are known where it is."""
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        return f"không có trường “{name}” ở đây{did_you_mean(name, fields)}"
    template = _WHY.get(error["type"])
    if template is None:
        return f"không hợp lệ ({error['msg']})"
    context: dict[str, Any] = dict(error.get("ctx", {}))
    if "expected" in context:
        context["expected"] = context["expected"].replace(" or ", ", ")
    text = template.format(**context, input=_shown(error["input"]))
    if template is _CHOICE:
        text += did_you_mean(str(error["input"]), str(context["expected"]).split("'")[1::2])
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; ý bạn là “…”?`` with the name most like ``word``; empty where none is like it."""
    best = process.extractOne(word, list(known), scorer=fuzz.ratio, score_cutoff=_ALIKE)
    return f"; ý bạn là “{best[0]}”?" if best else ""


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "ô trống"}[value]
    return str(value) if isinstance(value, int | float) else "danh sách hay nhóm trường"
