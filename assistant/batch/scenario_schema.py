"""The JSON schema of scenario files as an editor shows it: in Vietnamese, with every known name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from assistant.batch.scenario_settings import setting_fields
from assistant.settings import load_settings
from assistant.tts.catalogue import load_catalogue

Schema = dict[str, Any]

# Enumerations of other rooms: their docstrings are for programmers.
_ENUMS = {
    "EndOfCall": "Vì sao cuộc gọi kết thúc: done (xong việc), caller_stopped (người gọi xin thôi), "
    "caller_hung_up (người gọi gác máy), refused (bị từ chối), no_input (im lặng quá nhiều), "
    "not_understood (không hiểu quá nhiều), agent (chuyển tổng đài viên), failed (hệ thống tài "
    "khoản hỏng), busy (quá nhiều cuộc gọi).",
    "Expect": "Trợ lý đang đợi gì: menu (yêu cầu), code (mã số), confirm (mã đọc lại đúng hay "
    "sai), confirm_or_more (đúng hay sai, hoặc đọc tiếp), secret (đã ghi mật khẩu chưa), more (còn "
    "cần gì nữa).",
    "Intent": "Người gọi muốn gì: reset (cấp lại mật khẩu), repeat (nghe lại), slower (chậm hơn), "
    "agent (gặp người), stop (thôi), code_unknown (không nhớ mã số), menu (nghe các lựa chọn), "
    "wait (chờ chút), hello (alo), faq_… (câu hỏi thường gặp).",
    "Rejection": "Vì sao không nhận điều vừa nghe: empty (không nghe ra chữ nào), unknown (không "
    "hiểu), ambiguous (hiểu được hai cách), low_confidence (nghe không chắc).",
    "Phase": "Trạng thái của hội thoại: start, menu, code (lấy mã số), confirm (đọc lại mã), which "
    "(hỏi số nào sai), fix (hỏi lại vài số), verifying (đang kiểm tra), secret (đọc mật khẩu), "
    "more (hỏi còn gì nữa), ended.",
}
_KEY = "PromptKey"
_KEY_LISTS = (("TurnExpect", "reply"), ("CallExpect", "prompts"), ("CallExpect", "never"))


class Untitled(GenerateJsonSchema):
    """Fields without titles: pydantic's are the names again, in English."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def prompt_keys() -> Sequence[str]:
    """The keys of everything that this installation can say. Raises PromptError."""
    return _keys(load_settings().prompts)


@lru_cache(maxsize=4)
def _keys(folder: Path) -> Sequence[str]:
    return tuple(load_catalogue(folder).prompts)


def finish(schema: Schema, never_null: Sequence[str], keys: Sequence[str]) -> Schema:
    """What the models alone do not tell: defaults, known names, and what enumerations mean.

    ``never_null``: fields of a turn that are left out or given, but not empty."""
    definitions: Schema = schema["$defs"]
    for definition in definitions.values():
        definition.pop("title", None)
    for name, description in _ENUMS.items():
        definitions[name]["description"] = description
    definitions[_KEY] = {
        "type": "string",
        "enum": list(keys),
        "description": "Khóa của một câu trợ lý nói (audio_prompts/prompts.yaml).",
    }
    for name, field in _KEY_LISTS:
        definitions[name]["properties"][field]["items"] = {"$ref": f"#/$defs/{_KEY}"}
    for field in never_null:
        _drop_null(definitions["Turn"]["properties"][field])
    scenario = definitions["Scenario"]["properties"]
    scenario["settings"]["propertyNames"] = {"enum": list(setting_fields())}
    definitions["Defaults"] = {
        "type": "object",
        "additionalProperties": False,
        "description": "Như một kịch bản, trừ name và turns.",
        "properties": {k: v for k, v in scenario.items() if k not in ("name", "turns")},
    }
    described = schema["properties"]["defaults"]["description"]
    schema["properties"]["defaults"] = {"$ref": "#/$defs/Defaults", "description": described}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Kịch bản cuộc gọi (*.scenario.yaml)"
    return schema


def _drop_null(field: Schema) -> None:
    del field["default"]
    (kind,) = (one for one in field.pop("anyOf") if one.get("type") != "null")
    field.update(kind)
