"""Everything that is wrong with a scenario file, each with its line and its scenario. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from assistant.batch.complaints import did_you_mean, why
from assistant.batch.scenario import Account, ScenarioFile
from assistant.batch.scenario_text import CALLERS, DRAWN_CODES, NAME, PLACE
from assistant.errors import UsageError

Loc = tuple[int | str, ...]
_SHOWN = 10  # faults of a file; whoever mends these sees the others next
_PHONE_DIGITS = 10

# What PyYAML says, and what it means to whoever wrote the file.
_SYNTAX = (
    (r"mapping values are not allowed", "dấu hai chấm ở chỗ không được có; chữ có “: ” bên trong "
     "thì đặt trong ngoặc kép"),
    (r"could not find expected ':'", "thiếu dấu hai chấm sau tên trường"),
    (r"expected ',' or '([\]}])', but got", r"thiếu dấu phẩy hoặc dấu đóng {0}"),
    (r"expected <block end>|expected the node content", "thụt đầu dòng sai, hoặc thiếu dấu đóng"),
    (r"cannot start any token", "ký tự không được đứng đầu ở đây; thụt đầu dòng bằng dấu cách, "
     "chữ có ký tự lạ thì đặt trong ngoặc kép"),
    (r"unexpected end of stream|while scanning a quoted", "thiếu dấu ngoặc kép đóng"),
    (r"found undefined alias", "nhắc tới một nhãn & chưa có ở trên"),
    (r"unknown escape character", "dấu \\ trong ngoặc kép; dùng ngoặc đơn"),
    (r"special characters are not allowed|unacceptable character", "có ký tự điều khiển"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """``loc``: where, from the top of the file, as pydantic counts."""

    loc: Loc
    why: str


def invalid(source: str, told: Sequence[tuple[int, str]]) -> UsageError:
    """The error of a file: (line, sentence) of everything that is wrong with it."""
    lines = [f"dòng {line}: {_ended(text)}" for line, text in told[:_SHOWN]]
    if len(told) > _SHOWN:
        lines.append(f"… và {len(told) - _SHOWN} lỗi nữa.")
    message = f"{source}, {lines[0]}"
    if len(lines) > 1:
        message = "\n  ".join([f"{source} có {len(told)} lỗi:", *lines]) + "\n "
    return UsageError("scenario-invalid", message, "Các trường được phép: assistant batch schema.")


def _ended(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def syntax_fault(error: yaml.YAMLError) -> tuple[int, str]:
    """A file that is no YAML."""
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    found = ((re.search(pattern, problem), text) for pattern, text in _SYNTAX)
    what = next((text.format(*match.groups()) for match, text in found if match), problem)
    return mark.line + 1 if mark else 1, f"sai cú pháp YAML: {what}"


def repeated_keys(
    node: yaml.Node | None, seen: frozenset[int] = frozenset()
) -> Iterator[tuple[int, str]]:
    """Keys that a mapping has twice: YAML would keep the last one without a word."""
    if node is None or id(node) in seen:
        return
    inside = seen | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from repeated_keys(one, inside)
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            if key.value in names and key.value != "<<":
                yield key.start_mark.line + 1, f"trường “{key.value}” được ghi hai lần"
            if isinstance(key, yaml.ScalarNode):
                names.add(key.value)
            yield from repeated_keys(value, inside)


# --- what the models say --------------------------------------------------------------------


def model_faults(error: ValidationError, raw: Any) -> Iterator[Fault]:
    """Every error of the models, where it is in ``raw``."""
    for one in error.errors():
        if one["type"] == "too_short" and len(one["input"]) >= one["ctx"]["min_length"]:
            continue  # pydantic counts only the good ones; the bad ones are told
        loc = _in_file(one["loc"], raw)
        loc = (*loc, one["loc"][-1]) if one["type"] == "missing" else loc
        yield Fault(loc, why(one, _fields_at(loc)))


def _in_file(loc: Loc, raw: Any) -> Loc:
    """What of ``loc`` the file has; the rest is which form of a value pydantic tried."""
    kept: list[int | str] = []
    for part in loc:
        known = raw if isinstance(raw, dict) else range(len(raw) if isinstance(raw, list) else 0)
        if part in known:
            raw = raw[part]
            kept.append(part)
    return tuple(kept)


def _fields_at(loc: Loc) -> list[str]:
    model: type[BaseModel] | None = ScenarioFile
    for part in loc[:-1]:
        if isinstance(part, str) and model is not None:
            info = model.model_fields.get(part)
            model = _model_in(info.annotation) if info else None
    return list(model.model_fields) if model else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = (_model_in(one) for one in get_args(annotation))
    return next((model for model in inside if model), None)


# --- what only a whole file shows -----------------------------------------------------------


def file_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Names that are given twice or to nobody. ``raw``: with defaults, whatever else is wrong."""
    defaults, scenarios = raw.get("defaults"), raw.get("scenarios")
    for own in ("name", "turns"):
        if isinstance(defaults, dict) and own in defaults:
            yield Fault(("defaults", own), "chỉ từng kịch bản mới có trường này")
    names: set[str | None] = set()
    for number, one in enumerate(scenarios if isinstance(scenarios, list) else ()):
        if not isinstance(one, dict):
            continue
        name = str(one["name"]) if "name" in one else None
        if name is not None and name in names:
            yield Fault(("scenarios", number, "name"), f"đã có kịch bản tên “{name}” ở trên")
        names.add(name)
        for fault in _account_faults(one):
            yield Fault(("scenarios", number, *fault.loc), fault.why)


def _account_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    accounts = raw.get("accounts", [{}])
    if not (isinstance(accounts, list) and all(isinstance(one, dict) for one in accounts)):
        return  # the models have said so
    known: dict[str, Mapping[str, Any]] = {}
    for number, one in enumerate(accounts):
        name = str(one.get("name", Account().name))
        if name in known:
            yield Fault(("accounts", number), f"đã có tài khoản tên “{name}” ở trên")
        known.setdefault(name, one)
    yield from _caller_fault(raw.get("caller"), known)
    for part in ("turns", "expect"):
        for loc, text in _texts(raw.get(part), (part,)):
            for place in re.finditer(PLACE, text):
                if told := _place_fault(place, known):
                    yield Fault(loc, told)


def _caller_fault(caller: Any, known: Mapping[str, Any]) -> Iterator[Fault]:
    phone = caller.get("phone") if isinstance(caller, dict) else None
    if not isinstance(phone, str) or not re.fullmatch(NAME, phone):
        return  # a number, or the models have said so
    if phone not in (*CALLERS, *known):
        guess = did_you_mean(phone, (*CALLERS, *known))
        names = ", ".join((*CALLERS, *known))
        yield Fault(
            ("caller", "phone"),
            f"không có tài khoản tên “{phone}”; chỉ nhận: {names}, hoặc một số điện thoại{guess}",
        )


def _place_fault(place: re.Match[str], known: Mapping[str, Mapping[str, Any]]) -> str | None:
    name, field, change, start, stop, _ = place.groups()
    if name is not None and name not in known:
        names = f"các tài khoản: {', '.join(known)}" if known else "kịch bản này không có tài khoản"
        return f"{place[0]}: không có tài khoản tên “{name}”; {names}{did_you_mean(name, known)}"
    if field == "password":
        return None  # how long it is, the settings say
    if not known:
        return f"{place[0]}: kịch bản này không có tài khoản nào"
    account = known[name] if name else next(iter(known.values()))
    length = _length(field, str(account.get(field, "random")))
    if change and change != "last" and int(change) > length:
        return f"{place[0]}: chỉ có {length} chữ số, đếm từ 1"
    if start is not None and not range(length)[_int(start) : _int(stop)]:
        return f"{place[0]}: không còn chữ số nào; có {length} chữ số, đếm từ 0"
    return None


def _length(field: str, value: str) -> int:
    if field == "phone":
        return _PHONE_DIGITS if value == "random" else len(value)
    return DRAWN_CODES.get(value, len(value))


def _int(text: str) -> int | None:
    return int(text) if text.lstrip("-") else None


def _texts(raw: Any, loc: Loc) -> Iterator[tuple[Loc, str]]:
    if isinstance(raw, str):
        yield loc, raw
    elif isinstance(raw, dict):
        for key, value in raw.items():
            yield from _texts(value, (*loc, str(key)))
    elif isinstance(raw, list):
        for number, value in enumerate(raw):
            yield from _texts(value, (*loc, number))


# --- where it is in the text ----------------------------------------------------------------


def told(
    faults: Iterable[Fault], root: yaml.Node | None, raw: Mapping[str, Any]
) -> list[tuple[int, str]]:
    """Faults as (line, sentence), in the order of the file; a fault of the defaults once."""
    return sorted({_told(fault, root, raw) for fault in faults})


def _told(fault: Fault, root: yaml.Node | None, raw: Mapping[str, Any]) -> tuple[int, str]:
    loc = fault.loc
    line, found = _line(root, loc)
    names: list[str] = []
    if loc[:1] == ("scenarios",) and len(loc) > 1:
        shared, deep = _line(root, ("defaults", *loc[2:]))
        loc = loc[2:]
        if deep > max(found - 1, 1):
            line, names = shared, ["defaults"]
        else:
            names = [_scenario(raw, int(fault.loc[1]))]
    names.append(_field(loc))
    return line, ": ".join([", ".join(name for name in names if name), fault.why]).lstrip(": ")


def _scenario(raw: Mapping[str, Any], number: int) -> str:
    one = raw["scenarios"][number]
    name = one.get("name") if isinstance(one, dict) else None
    return f"kịch bản “{name}”" if isinstance(name, str) else f"kịch bản thứ {number + 1}"


def _field(loc: Loc) -> str:
    """``lượt 2, expect.reply mục 1``: people count from one."""
    words: list[str] = []
    if loc[:1] == ("turns",) and len(loc) > 1:
        words, loc = [f"lượt {int(loc[1]) + 1}"], loc[2:]
    text = ""
    for part in loc:
        text += f" mục {part + 1}" if isinstance(part, int) else f".{part}"
    return ", ".join([*words, *([text.strip(".")] if text else [])]).replace(" .", " ")


def _line(node: yaml.Node | None, loc: Loc) -> tuple[int, int]:
    """The line of the deepest part of ``loc`` that the text has, and how deep that is."""
    line = 1
    for depth, part in enumerate(loc):
        mark, node = _child(node, part)
        if node is None:
            return line, depth
        line = mark.line + 1
    return line, len(loc)


def _child(node: yaml.Node | None, part: int | str) -> tuple[Any, yaml.Node | None]:
    """Where ``part`` of a node begins, and itself; of keys merged in, the last one counts."""
    if isinstance(node, yaml.MappingNode):
        found = [(key.start_mark, value) for key, value in node.value if key.value == part]
        return found[-1] if found else (None, None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None, None
