"""Settings that a scenario changes: which there are, and what each may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails

from assistant.batch.complaints import did_you_mean, why
from assistant.batch.scenario_text import trouble
from assistant.settings import Settings

Value = str | int | float | bool
_OWN = {"database_url", "security.key_file", "remote.url"}  # every scenario has its own


@cache
def setting_fields() -> Mapping[str, FieldInfo]:
    """Every setting that a scenario may change, by its dotted name."""
    found: dict[str, FieldInfo] = {}
    for name, info in Settings.model_fields.items():
        group = info.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            found |= {f"{name}.{inner}": one for inner, one in group.model_fields.items()}
        else:
            found[name] = info
    return {name: info for name, info in found.items() if name not in _OWN}


def check_settings(values: dict[str, Value]) -> dict[str, Value]:
    """A validator: every name that is no setting and every value that does not fit is an error."""
    wrong = {name: told for name, value in values.items() if (told := _trouble(name, value))}
    if wrong:
        errors = [
            InitErrorDetails(type=trouble(told), loc=(name,), input=values[name])
            for name, told in wrong.items()
        ]
        raise ValidationError.from_exception_data("settings", errors)
    return values


def _trouble(name: str, value: Value) -> str | None:
    info = setting_fields().get(name)
    if name in _OWN:
        return "mỗi kịch bản có một cơ sở dữ liệu riêng, không đổi được"
    if info is None:
        return f"không có thiết lập “{name}”{did_you_mean(name, setting_fields())}"
    kind: Any = Annotated[info.annotation, info]
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        return why(error.errors()[0])
    return None
