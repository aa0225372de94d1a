"""The prompts: ``prompts.yaml`` (key → Vietnamese text), validated before anything uses it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assistant.errors import PromptError

FILE = "prompts.yaml"
DIGIT_KEYS = tuple(f"digit_{digit}" for digit in "0123456789")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FIELDS = {"text", "speak", "when"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing the assistant says. ``speak``: a respelling for synthesizers, where ``text``
    would be misread; ``when``: a note for people."""

    key: str
    text: str
    speak: str | None = None
    when: str | None = None

    @property
    def spoken(self) -> str:
        return self.speak or self.text


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All prompts by key, in the order of the file."""

    prompts: Mapping[str, Prompt]

    def __getitem__(self, key: str) -> Prompt:
        try:
            return self.prompts[key]
        except KeyError:
            raise PromptError(
                "prompt-unknown",
                f"Không có câu thoại {key!r}.",
                "Xem các câu có sẵn: assistant prompts list.",
            ) from None


class _UniqueLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice instead of keeping the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise _invalid(f"khóa {key_node.value!r} được ghi hai lần")
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def load_catalogue(folder: Path) -> Catalogue:
    """The catalogue of a prompts folder; raises PromptError (``prompts-missing``,
    ``prompts-invalid``)."""
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PromptError(
            "prompts-missing",
            f"Không thấy tệp {path}.",
            "Đặt ASSISTANT_PROMPTS hoặc --dir trỏ đến thư mục có prompts.yaml.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(f"không đọc được {path} ({type(error).__name__})") from None
    return parse_catalogue(text)


def parse_catalogue(text: str) -> Catalogue:
    """The catalogue written in ``text`` (YAML); raises PromptError (``prompts-invalid``)."""
    try:
        # A SafeLoader, only stricter about duplicates.
        data = yaml.load(text, Loader=_UniqueLoader)  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" ở dòng {mark.line + 1}" if mark else ""
        raise _invalid(f"YAML sai cú pháp{where}") from None
    entries = data.get("prompts") if isinstance(data, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise _invalid("thiếu mục 'prompts'")
    prompts = {str(key): _prompt(key, entry) for key, entry in entries.items()}
    missing = [key for key in DIGIT_KEYS if key not in prompts]
    if missing:
        raise _invalid(f"thiếu các chữ số: {', '.join(missing)}")
    return Catalogue(prompts)


def _prompt(key: object, entry: object) -> Prompt:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise _invalid(f"khóa {key!r} chỉ được gồm a-z, 0-9 và _")
    if not isinstance(entry, dict):
        raise _invalid(f"{key}: cần dạng {{text: …}}")
    unknown = sorted(str(field) for field in set(entry) - _FIELDS)
    if unknown:
        raise _invalid(f"{key}: không rõ mục {', '.join(unknown)}")
    text = _sentence(key, "text", entry.get("text"))
    if text is None:
        raise _invalid(f"{key}: thiếu 'text'")
    return Prompt(
        key,
        text,
        _sentence(key, "speak", entry.get("speak")),
        _sentence(key, "when", entry.get("when")),
    )


def _sentence(key: str, field: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise _invalid(f"{key}: '{field}' phải là một câu chữ")
    if value != unicodedata.normalize("NFC", value):
        raise _invalid(f"{key}: '{field}' chưa ở dạng Unicode NFC")
    return " ".join(value.split())


def _invalid(what: str) -> PromptError:
    return PromptError("prompts-invalid", f"prompts.yaml: {what}.", "Sửa tệp rồi chạy lại.")
