"""Captured turns at rest: AES-256-GCM, a key of their own, and an end.

One file a turn, named by the moment and a random number, never by who called, so that the names
of a call's turns are in their order; the name is bound into the cipher. Files older than the
retention are removed whenever one is written."""

from __future__ import annotations

import base64
import csv
import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assistant.accounts.keys import NONCE_BYTES, create_keys, read_keys
from assistant.audio import write_wav
from assistant.call.capture import Utterance
from assistant.errors import UsageError
from assistant.nlu.types import Expect
from assistant.settings import Capture

_SUFFIX = ".capture"
_SETTING = "ASSISTANT_CAPTURE__KEY_FILE"
_MOMENT = "%Y%m%dT%H%M%SZ"
_FINER = "%f"  # after the moment in a name; older names have none
_TICK = timedelta(microseconds=1)
_COLUMNS = ("path", "text", "speaker", "note", "seconds", "listen")


@dataclass(frozen=True, slots=True)
class Captured:
    """One turn. ``label``: what was really said, None until a person listened; "" is noise."""

    id: str
    expect: Expect
    heard: str = field(repr=False)
    rate: int
    pcm: bytes = field(repr=False)
    label: str | None = field(default=None, repr=False)

    @property
    def seconds(self) -> float:
        return len(self.pcm) / (2 * self.rate)

    @property
    def at(self) -> datetime:
        return datetime.strptime(self.id.partition("-")[0], _MOMENT).replace(tzinfo=UTC)


class Captures:
    """The captured turns in a folder. ``unreadable``: names of the files that were passed over when
    the turns were last gone through."""

    def __init__(self, settings: Capture) -> None:
        self._folder, self._days = settings.folder, settings.days
        key_file = settings.key_file or settings.folder.with_suffix(".key")
        create_keys(key_file, _SETTING)
        self._cipher = AESGCM(read_keys(key_file, _SETTING).contact)
        self._newest = datetime.min.replace(tzinfo=UTC)
        self.unreadable: list[str] = []

    def add(self, utterance: Utterance, now: datetime) -> Captured:
        """Keep a turn; what has become too old goes."""
        self.purge(now)
        # A call's turns come all at once: each gets a moment after the one before.
        self._newest = max(now.astimezone(UTC), self._newest + _TICK)
        name = f"{self._newest.strftime(f'{_MOMENT}-{_FINER}')}-{secrets.token_hex(6)}"
        captured = Captured(name, utterance.expect, utterance.heard, utterance.rate, utterance.pcm)
        self.write(captured)
        return captured

    def write(self, captured: Captured) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = asdict(captured) | {"pcm": base64.b64encode(captured.pcm).decode("ascii")}
        nonce = secrets.token_bytes(NONCE_BYTES)
        text = json.dumps(content, ensure_ascii=False).encode()
        sealed = nonce + self._cipher.encrypt(nonce, text, captured.id.encode())
        path = self._folder / f"{captured.id}{_SUFFIX}"
        part = path.with_suffix(".part")
        try:
            part.touch(mode=0o600)
            part.write_bytes(sealed)
            part.replace(path)
        except OSError:  # a full disk: no half file stays, it would take room for ever
            part.unlink(missing_ok=True)
            raise

    def label(self, captured: Captured, text: str) -> None:
        self.write(replace(captured, label=text))

    def __iter__(self) -> Iterator[Captured]:
        """The oldest first; what cannot be read is passed over. Raises UsageError
        ``capture-unreadable`` where nothing at all can."""
        self.unreadable = []
        readable = False
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            captured = self._read(path)
            if captured is not None:
                readable = True
                yield captured
            elif path.exists():  # not purged by another process meanwhile
                self.unreadable.append(path.name)
        if self.unreadable and not readable:
            raise UsageError(
                "capture-unreadable",
                f"Không giải mã được tệp nào trong {len(self.unreadable)} tệp ở {self._folder}: "
                "khóa khác, hoặc tệp bị sửa, cắt cụt, đổi tên.",
                f"Chép lại đúng tệp khóa, hoặc chỉ tới nó bằng {_SETTING}; nếu khóa đã mất, xóa "
                "hết: assistant captures purge --all.",
            )

    def _read(self, path: Path) -> Captured | None:
        """None: changed, cut short, renamed, of another key, or not ours to read."""
        try:
            sealed = path.read_bytes()
            nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            content = json.loads(self._cipher.decrypt(nonce, text, path.stem.encode()))
        except (OSError, InvalidTag, ValueError):
            return None
        content["pcm"] = base64.b64decode(content["pcm"])
        content["expect"] = Expect(content["expect"])
        return Captured(**content)

    def purge(self, now: datetime, everything: bool = False) -> int:
        """Remove what is older than the retention; how many went."""
        oldest = (now.astimezone(UTC) - timedelta(days=self._days)).strftime(_MOMENT)
        removed = 0
        for path in self._folder.glob(f"*{_SUFFIX}"):
            if everything or path.stem.partition("-")[0] < oldest:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def export(self, folder: Path) -> int:
        """Every labelled turn as WAV with ``labels.csv``: for ``batch run``, ``asr eval`` and
        adaptation. No longer encrypted: readable by this user only."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        count = 0
        labels = folder / "labels.csv"
        labels.touch(mode=0o600)
        with labels.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(_COLUMNS)
            for one in self:
                if one.label is None:
                    continue
                write_wav(folder / f"{one.id}.wav", one.pcm, one.rate, private=True)
                seconds = f"{one.seconds:.2f}"
                rows.writerow([f"{one.id}.wav", one.label, "", "captured", seconds, one.expect])
                count += 1
        return count
