"""What a speaker agrees to, and the one line that is kept of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assistant.errors import AssistantError, UsageError

FOLDER = Path("var/speech")  # where recordings go unless told else
VERSION = "vi-1"  # of the text; a change of words is a new version
AGREED = "đồng ý"  # what is typed


class Scope(StrEnum):
    """What recordings may be used for."""

    TRAIN = "train"  # models and measuring; recordings stay with whoever collects them
    PUBLISH = "publish"  # the recordings themselves may be given to others


_USES = {
    Scope.TRAIN: (
        "dùng để huấn luyện và đo mô hình nhận dạng tiếng nói; mô hình được phát hành, bản ghi âm "
        "thì không đưa cho ai khác"
    ),
    Scope.PUBLISH: (
        "dùng để huấn luyện và đo mô hình nhận dạng tiếng nói, và được công bố để người khác "
        "cùng dùng vào việc đó"
    ),
}
_TEXT = """\
Bạn sắp đọc những câu, những con số do máy đặt ra. Giọng đọc của bạn được ghi lại.
- Bản ghi âm được {use}.
- Chỉ có mã người đọc "{speaker}" đi kèm, không có tên; đừng đọc số hay tên thật của ai.
- Không ai phải đọc. Dừng lúc nào cũng được, và không cần nói lý do.
- Bạn có thể đòi xóa bất cứ lúc nào: assistant train collect{out} --delete {speaker}. Bản ghi âm và
  nhãn bị xóa hẳn; mô hình đã huấn luyện xong từ trước thì không học lại được."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One row of ``consent.csv``. ``event``: ``agreed`` or ``deleted``; ``text``: its version."""

    date: str
    speaker: str
    scope: str
    text: str
    event: str


def consent_text(speaker: str, scope: Scope, folder: Path = FOLDER) -> str:
    """What is shown before anything is recorded."""
    out = "" if folder == FOLDER else f" --out {shlex.quote(str(folder))}"
    return _TEXT.format(speaker=speaker, use=_USES[scope], out=out)


def require_agreement(answer: str) -> None:
    """Raises AssistantError ``collect-no-consent`` unless the answer is the word itself."""
    if answer.strip().lower() != AGREED:
        raise AssistantError(
            "collect-no-consent",
            "Chưa có sự đồng ý nên không ghi âm gì.",
            f'Nếu đồng ý, chạy lại và gõ đúng chữ "{AGREED}".',
        )


def require_scope(given: Consent, scope: Scope) -> None:
    """Raises UsageError ``collect-scope`` when a speaker agreed to something else."""
    if given.scope != scope:
        raise UsageError(
            "collect-scope",
            f"Người đọc {given.speaker} đã đồng ý với phạm vi {given.scope}, không phải {scope}.",
            f"Dùng --scope {given.scope}; hoặc xóa (--delete) rồi thu lại từ đầu.",
        )
