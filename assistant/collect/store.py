"""Where recordings are kept: ``labels.csv``, FLAC files, ``consent.csv``; never half a file.

``labels.csv`` (path, text, speaker, note, seconds) is what training and measuring read. Files
are replaced whole, and a clip is there before its label is: a crash leaves at most a clip that
nothing names, and the next try writes it again. Several may collect into one folder at once
(not on Windows, which has no ``flock``).
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soundfile

if sys.platform != "win32":
    import fcntl

from assistant.audio import AudioChunk, replace_file
from assistant.collect.consent import VERSION, Consent, Scope, consent_text
from assistant.collect.script import Line
from assistant.errors import AssistantError, UsageError

LABELS, CONSENT, LOCK = "labels.csv", "consent.csv", ".lock"
COLUMNS = ("path", "text", "speaker", "note", "seconds")
_CONSENT_COLUMNS = tuple(field.name for field in fields(Consent))
_SPEAKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")

Row = dict[str, str]


class Collection:
    """A folder of recordings. Every method raises AssistantError ``collect-…``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def consent(self, speaker: str) -> Consent | None:
        """What a speaker agreed to, if they did and it was not deleted since."""
        given = [row for row in self._rows(CONSENT, _CONSENT_COLUMNS) if row["speaker"] == speaker]
        last = Consent(**given[-1]) if given else None
        return last if last and last.event == "agreed" else None

    def agree(self, speaker: str, scope: Scope) -> None:
        """Keep that a speaker agreed, and the words that they saw."""
        given = Consent(_now(), speaker, scope, VERSION, "agreed")
        text = consent_text("…", scope, self.folder) + "\n"
        with self._alone():
            rows = self._rows(CONSENT, _CONSENT_COLUMNS)
            words = self.folder / f"consent-{VERSION}-{scope}.txt"
            replace_file(words, lambda part: part.write_text(text, encoding="utf-8"))
            self._write(CONSENT, _CONSENT_COLUMNS, [*rows, asdict(given)])

    def done(self, speaker: str, seed: int) -> set[int]:
        """Numbers of the lines that are recorded already."""
        name = re.compile(rf"{re.escape(speaker)}/{seed}-(\d+)\.flac")
        found = (name.fullmatch(row["path"]) for row in self._rows(LABELS, COLUMNS))
        return {int(match[1]) for match in found if match}

    def add(self, speaker: str, seed: int, number: int, line: Line, audio: AudioChunk) -> Path:
        """Keep one recording; without consent nothing is kept."""
        if self.consent(speaker) is None:
            raise AssistantError(
                "collect-no-consent",
                f"Người đọc {speaker} chưa đồng ý nên bản ghi không được giữ.",
                "Chạy lại: assistant train collect hỏi ý kiến trước.",
            )
        name = _name(speaker, seed, number)
        samples = np.frombuffer(audio.pcm, "<i2")
        values = (name, line.text, speaker, line.note, f"{audio.seconds:.3f}")
        with self._alone():
            kept = [row for row in self._rows(LABELS, COLUMNS) if row["path"] != name]
            replace_file(
                self.folder / name,
                lambda part: soundfile.write(
                    part, samples, audio.rate, format="FLAC", subtype="PCM_16"
                ),
            )
            self._write(LABELS, COLUMNS, [*kept, dict(zip(COLUMNS, values, strict=True))])
        return self.folder / name

    def delete(self, speaker: str) -> int:
        """Remove a speaker's labels, clips and consent; a note that this was done stays.

        How many clips there were. Labels go first: nobody trains on them any more, whatever
        happens next; done again, it goes on where it stopped.
        """
        self._require_known(speaker)  # before a folder is made for the lock
        with self._alone():
            labels = self._rows(LABELS, COLUMNS)
            consents = self._rows(CONSENT, _CONSENT_COLUMNS)
            theirs = [self._inside(row["path"]) for row in labels if row["speaker"] == speaker]
            self._write(LABELS, COLUMNS, [row for row in labels if row["speaker"] != speaker])
            for file in theirs:
                file.unlink(missing_ok=True)
            shutil.rmtree(self.folder / speaker, ignore_errors=True)
            note = Consent(_now(), speaker, "", VERSION, "deleted")
            others = [row for row in consents if row["speaker"] != speaker]
            self._write(CONSENT, _CONSENT_COLUMNS, [*others, asdict(note)])
        return len(theirs)

    def _require_known(self, speaker: str) -> None:
        rows = (*self._rows(LABELS, COLUMNS), *self._rows(CONSENT, _CONSENT_COLUMNS))
        if not any(row["speaker"] == speaker for row in rows):
            raise UsageError(
                "collect-unknown-speaker",
                f"Không có người đọc {speaker} trong {self.folder}.",
                "Kiểm tra mã người đọc và --out.",
            )

    def _inside(self, path: str) -> Path:
        """A labelled file, which must lie in the folder: labels may be anybody's."""
        file = (self.folder / path).resolve()
        if not file.is_relative_to(self.folder.resolve()):
            raise _unusable(self.folder / LABELS, f"tệp {path} nằm ngoài thư mục")
        return file

    def _rows(self, name: str, columns: Sequence[str]) -> list[Row]:
        file = self.folder / name
        try:
            text = file.read_text(encoding="utf-8-sig") if file.exists() else ""
            reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            rows = list(reader)
        except (OSError, UnicodeDecodeError, csv.Error):
            raise _unusable(file, "không đọc được") from None
        if text and tuple(reader.fieldnames or ()) != tuple(columns):
            raise _unusable(file, f"các cột phải là {','.join(columns)}")
        if any(None in row or None in row.values() for row in rows):
            raise _unusable(file, "có dòng thừa hoặc thiếu ô")
        return rows

    def _write(self, name: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        replace_file(
            self.folder / name,
            lambda part: part.write_text(out.getvalue(), encoding="utf-8", newline=""),
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process writes here; what the disk refuses is a coded error."""
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / LOCK).open("w") as lock:
                if sys.platform != "win32":
                    fcntl.flock(lock, fcntl.LOCK_EX)
                yield


def require_speaker(speaker: str) -> None:
    """Raises UsageError ``collect-speaker``."""
    if not _SPEAKER.fullmatch(speaker):
        raise UsageError(
            "collect-speaker",
            "Mã người đọc không hợp lệ.",
            "Dùng 1-32 chữ cái không dấu, chữ số, - hoặc _, ví dụ nu-hue-01; đừng dùng tên thật.",
        )


def _name(speaker: str, seed: int, number: int) -> str:
    return f"{speaker}/{seed}-{number:04d}.flac"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, soundfile.SoundFileError):
        raise AssistantError(
            "collect-write",
            f"Không ghi được vào thư mục {folder}.",
            "Kiểm tra quyền ghi và chỗ trống, hoặc chọn thư mục khác bằng --out. Những gì đã ghi "
            "vẫn còn nguyên.",
        ) from None


def _unusable(file: Path, problem: str) -> AssistantError:
    return AssistantError(
        "collect-labels",
        f"{file}: {problem}; tệp được giữ nguyên, không ghi thêm gì.",
        "Sửa tệp đó, hoặc chọn thư mục khác bằng --out.",
    )
