"""A run's folder: ``run.json`` (what is run), ``results.jsonl`` (a line a result, as they come),
``audio/``. A run that was stopped goes on where it was: what has a line is not run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from assistant.batch.play import Record
from assistant.batch.work import Done
from assistant.errors import UsageError

RUN, RESULTS, AUDIO = "run.json", "results.jsonl", "audio"
_NEEDED = {"ordinal", "id", "status"}  # what a line has at least
_SAME = ("place", "fingerprint", "seed", "repeat", "filter", "model")


class Journal:
    """Writes results; each ordinal is written once, whoever finishes it how often."""

    def __init__(self, folder: Path, file: IO[str], seen: bytearray) -> None:
        self.folder = folder
        self._file, self._seen = file, seen  # a bit an ordinal: 100 000 results are 12 KB

    @classmethod
    def open(cls, folder: Path, facts: dict[str, Any], resume: bool) -> Journal:
        """A new run in ``folder``, or with ``resume`` the one that is there.

        Raises UsageError ``batch-run-exists``, ``batch-run-other``, ``batch-write``."""
        try:
            return cls._open(folder, facts, resume)
        except OSError as error:
            raise UsageError(
                "batch-write",
                f"Không ghi được lượt chạy vào {folder}: {error.strerror or type(error).__name__}.",
                "Chọn bằng --out một thư mục khác, mới hoặc ghi được.",
            ) from None

    @classmethod
    def _open(cls, folder: Path, facts: dict[str, Any], resume: bool) -> Journal:
        folder.mkdir(parents=True, exist_ok=True)
        results, seen = folder / RESULTS, bytearray()
        if results.exists() and not resume:
            raise UsageError(
                "batch-run-exists",
                f"{folder} đã có một lượt chạy.",
                "Thêm --resume để chạy tiếp, hoặc chọn thư mục khác với --out.",
            )
        if resume and results.exists():
            _same_run(read_run(folder), facts)
            _cut_torn_line(results)
            for record in read_records(folder):
                _set(seen, int(record["ordinal"]))
        (folder / RUN).write_text(json.dumps(facts, ensure_ascii=False, indent=1), "utf-8")
        return cls(folder, results.open("a", encoding="utf-8"), seen)

    def has(self, ordinal: int) -> bool:
        byte = ordinal >> 3
        return byte < len(self._seen) and bool(self._seen[byte] >> (ordinal & 7) & 1)

    def write(self, done: Done) -> bool:
        """Keep a result; False when this ordinal was already there."""
        if self.has(done.ordinal):
            return False
        if not done.record["invented"]:
            for name in (RUN, RESULTS):
                keep_private(self.folder / name)
        if done.audio:
            (self.folder / AUDIO).mkdir(exist_ok=True)
            for side, sound in done.audio.items():
                path = self.folder / AUDIO / f"{done.ordinal}-{side}.mp3"
                keep_private(path)
                path.write_bytes(sound)
        done.record["audio"] = sorted(done.audio)
        self._file.write(json.dumps(done.record, ensure_ascii=False) + "\n")
        self._file.flush()
        _set(self._seen, done.ordinal)
        return True

    def close(self) -> None:
        self._file.close()


def keep_private(path: Path) -> None:
    """Only the owner may read ``path``, from before anything is in it."""
    path.touch(0o600)
    path.chmod(0o600)


def model_id(folder: Path) -> str:
    """Tells models apart: a digest of the description that names their files' checksums."""
    try:
        content = (folder / "model.json").read_bytes()
    except OSError:
        return folder.name
    return f"{folder.name}:{hashlib.sha256(content).hexdigest()[:12]}"


def read_run(folder: Path) -> dict[str, Any]:
    """What a run was of; UsageError ``batch-run-missing``."""
    try:
        found: dict[str, Any] = json.loads((folder / RUN).read_text("utf-8"))
        if not {*_SAME, "started"} <= found.keys():
            raise ValueError
    except (OSError, ValueError, AttributeError):
        raise UsageError(
            "batch-run-missing",
            f"{folder} không phải là thư mục của một lượt chạy.",
            "Truyền thư mục mà assistant batch run đã ghi (--out).",
        ) from None
    return found


def read_records(folder: Path) -> Iterator[Record]:
    """The results of a run, one at a time. Raises UsageError ``batch-run-damaged``."""
    number = 0
    try:
        with (folder / RESULTS).open("rb") as lines:
            for line in lines:
                number += 1
                if line.endswith(b"\n"):
                    record: Record = json.loads(line)
                    if not (isinstance(record, dict) and record.keys() >= _NEEDED):
                        raise ValueError
                    yield record
    except (OSError, ValueError) as error:
        where = f"dòng {number}" if number else getattr(error, "strerror", None) or "không đọc được"
        raise UsageError(
            "batch-run-damaged",
            f"{folder / RESULTS} bị hỏng: {where}.",
            "Xóa dòng hỏng đó (kịch bản của nó chạy lại với --resume), hoặc chạy mới với --out.",
        ) from None


def _set(seen: bytearray, ordinal: int) -> None:
    byte = ordinal >> 3
    if byte >= len(seen):
        seen.extend(bytes(byte + 1 - len(seen)))
    seen[byte] |= 1 << (ordinal & 7)


def _same_run(old: dict[str, Any], new: dict[str, Any]) -> None:
    changed = [name for name in _SAME if old.get(name) != new.get(name)]
    if changed:
        raise UsageError(
            "batch-run-other",
            f"Lượt chạy cũ khác lượt này ở: {', '.join(changed)}.",
            "Chạy lại từ đầu vào một thư mục --out khác.",
        )


def _cut_torn_line(results: Path) -> None:
    """A process that was killed may have left half a line."""
    with results.open("rb+") as file:
        content_end = file.seek(0, 2)
        position = content_end
        while position:
            step = min(4096, position)
            file.seek(position - step)
            newline = file.read(step).rfind(b"\n")
            if newline >= 0:
                file.truncate(position - step + newline + 1)
                return
            position -= step
        file.truncate(0)
