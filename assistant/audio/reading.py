"""Reading audio files that strangers made: block by block, with a code for every refusal."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from assistant.audio.resampling import to_pcm
from assistant.audio.riff import RiffHead, read_riff_head
from assistant.audio.types import AudioChunk
from assistant.errors import AudioError
from assistant.settings import AudioLimits

_BLOCK_SECONDS = 0.25  # how much is decoded at a time; also what a broken end may cost
_FULL_SCALE = 0.999
_CLIPPED_SHARE = 0.01  # of all samples at full scale: the recording was overdriven
_CANCELLED = 0.1  # of the power that the strongest channel alone would leave in the mix
# RMS of the loudest block: -60 dBFS. The embedded model begins to err at -65 (the demo's turns,
# turned down step by step) and hears nothing at -80.
_QUIET = 10 ** (-60 / 20)
_KINDS = "WAV, FLAC, OGG, MP3"


class AudioWarning(StrEnum):
    """What was wrong with a recording that could be used all the same."""

    TRUNCATED = "truncated"  # shorter than its head says, or broken in the middle
    NON_FINITE = "non_finite"  # NaN or infinite samples, read as silence
    CLIPPED = "clipped"  # overdriven: more than 1 % of the samples at full scale
    QUIET = "quiet"  # so quiet that words are lost; a file of nothing but zeros is a pause


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole file in memory."""

    audio: AudioChunk
    warnings: frozenset[AudioWarning]


class AudioFile:
    """An open audio file: its facts, and its samples as blocks of mono PCM.

    Use as a context manager and iterate once; ``warnings`` is complete after the last block.
    ``declared_seconds`` is what the head says, None when it does not say.
    """

    def __init__(self, path: Path, limits: AudioLimits) -> None:
        self._limits = limits
        self._name = path.name
        self._file = _open(path, limits)
        try:
            head = read_riff_head(self._file)
            self._sound = _decoder(self._file, head)
            self.warnings: set[AudioWarning] = set()
            self._check_format()
            if head and _is_short(head, os.fstat(self._file.fileno()).st_size):
                self.warnings.add(AudioWarning.TRUNCATED)
        except BaseException:
            self._file.close()
            raise
        self._samples = self._clipped = 0
        self._loudest = 0.0  # RMS of a block, without its offset

    @property
    def rate(self) -> int:
        return int(self._sound.samplerate)

    @property
    def channels(self) -> int:
        return int(self._sound.channels)

    @property
    def encoding(self) -> str:
        """For people, e.g. "WAV/PCM_16"."""
        return f"{self._sound.format}/{self._sound.subtype}"

    @property
    def declared_seconds(self) -> float | None:
        frames = int(self._sound.frames)
        return frames / self.rate if 0 < frames < 1 << 60 else None

    def __enter__(self) -> AudioFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._sound.close()
        self._file.close()

    def __iter__(self) -> Iterator[AudioChunk]:
        """Blocks in order.

        Raises AudioError ``audio-empty``, ``audio-broken`` or ``audio-too-long``.
        """
        block = max(1, int(self.rate * _BLOCK_SECONDS))
        while (samples := self._read(block)) is not None:
            start = self._samples / self.rate
            self._samples += len(samples)
            if self._samples > self._limits.max_seconds * self.rate:
                raise _too_long(self._limits)
            yield AudioChunk(self._to_pcm(samples), self.rate, start)
        if not self._samples:
            raise self._nothing()
        if self._clipped > _CLIPPED_SHARE * self._samples:
            self.warnings.add(AudioWarning.CLIPPED)
        if 0 < self._loudest < _QUIET:
            self.warnings.add(AudioWarning.QUIET)

    def _read(self, block: int) -> NDArray[np.float32] | None:
        """The next mono block; None at the end. A decoder that gives up ends the file there."""
        try:
            samples = self._sound.read(block, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError):
            self.warnings.add(AudioWarning.TRUNCATED)
            return None
        if not len(samples):
            return None
        if not np.isfinite(samples).all():
            self.warnings.add(AudioWarning.NON_FINITE)
            samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        self._clipped += int((np.abs(samples) >= _FULL_SCALE).any(axis=1).sum())
        mono = _mixed(samples)
        self._loudest = max(self._loudest, float(mono.std(dtype=np.float64)))
        return mono

    @staticmethod
    def _to_pcm(samples: NDArray[np.float32]) -> bytes:
        return to_pcm(samples * np.float32(32768))  # the way back of soundfile's own scaling

    def _nothing(self) -> AudioError:
        if AudioWarning.TRUNCATED in self.warnings:
            return _broken()
        return _empty()

    def _check_format(self) -> None:
        limits = self._limits
        if self.channels > limits.max_channels:
            raise AudioError(
                "audio-channels",
                f"Tệp có {self.channels} kênh, nhiều hơn mức {limits.max_channels} kênh.",
                "Trộn về một kênh rồi thử lại.",
            )
        if not limits.min_rate <= self.rate <= limits.max_rate:
            raise AudioError(
                "audio-rate",
                f"Tần số lấy mẫu {self.rate} Hz nằm ngoài khoảng "
                f"{limits.min_rate}-{limits.max_rate} Hz.",
                "Đổi về 8000 hoặc 16000 Hz rồi thử lại.",
            )
        if (self.declared_seconds or 0) > limits.max_seconds:
            raise _too_long(limits)


def _mixed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Channels as one: their average, or where they cancel each other (one of them wired the wrong
    way round) the first of the strong ones."""
    mono: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    channels = samples.shape[1]
    if channels == 1:
        return mono
    powers = samples.var(axis=0)  # without their offsets
    if mono.var() >= _CANCELLED * powers.max() / channels**2:
        return mono
    strong = int(np.argmax(powers >= powers.max() / 2))  # the same one from block to block
    return samples[:, strong]


class _Tail:
    """A file seen from ``offset`` on, as the file-like object that soundfile reads."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file = file
        self._offset = offset
        file.seek(offset)

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell() - self._offset

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        start = self._offset if whence == os.SEEK_SET else 0
        return self._file.seek(position + start, whence) - self._offset


def open_audio(path: Path, limits: AudioLimits) -> AudioFile:
    """Open a recording; raises AudioError with a code for everything that cannot be used."""
    return AudioFile(path, limits)


def read_audio(path: Path, limits: AudioLimits) -> Recording:
    """A whole recording in memory (within ``limits``: one hour of 8 kHz is 58 MB)."""
    with open_audio(path, limits) as file:
        pcm = b"".join(chunk.pcm for chunk in file)
        return Recording(AudioChunk(pcm, file.rate), frozenset(file.warnings))


def _open(path: Path, limits: AudioLimits) -> BinaryIO:
    """The file's bytes, once it is known to be a file of a bearable size."""
    try:
        info = path.stat()
    except FileNotFoundError:
        raise AudioError(
            "audio-missing", f"Không có tệp {path.name}.", "Kiểm tra lại đường dẫn."
        ) from None
    except (OSError, ValueError):  # too long a name, a loop of links, an embedded zero
        raise _unreadable(path.name) from None
    if stat.S_ISDIR(info.st_mode):
        raise AudioError(
            "audio-directory", f"{path.name} là một thư mục.", "Đưa vào từng tệp âm thanh."
        )
    if not stat.S_ISREG(info.st_mode):
        raise AudioError(
            "audio-not-file", f"{path.name} không phải là một tệp.", "Ghi ra tệp trước."
        )
    if info.st_size == 0:
        raise _empty()
    if info.st_size > limits.max_bytes:
        raise _too_long(limits)
    try:
        return path.open("rb")
    except OSError:
        raise _unreadable(path.name) from None


def _decoder(file: BinaryIO, head: RiffHead | None) -> soundfile.SoundFile:
    if head and head.bits < 8 and head.tag == 1:
        raise AudioError(
            "audio-encoding",
            f"Không đọc được âm thanh {head.bits} bit.",
            "Đổi sang WAV 16 bit rồi thử lại.",
        )
    try:
        if head and head.unfinished and head.subtype:
            return soundfile.SoundFile(
                _Tail(file, head.data_offset),
                samplerate=head.rate,
                channels=head.channels,
                format="RAW",
                subtype=head.subtype,
                endian="LITTLE",
            )
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return soundfile.SoundFile(file.fileno(), closefd=False)
    except (soundfile.LibsndfileError, ValueError, TypeError, OverflowError):
        pass
    if _known_start(file):
        raise _broken()
    raise AudioError(
        "audio-format",
        "Tệp này không phải là âm thanh đọc được.",
        f"Dùng {_KINDS}; tệp RAW không có phần đầu thì phải đổi sang WAV.",
    )


def _known_start(file: BinaryIO) -> bool:
    file.seek(0)
    start = file.read(4)
    return start in (b"RIFF", b"fLaC", b"OggS", b"FORM") or start[:3] == b"ID3"


def _is_short(head: RiffHead, size: int) -> bool:
    return not head.unfinished and head.data_offset + head.data_size > size


def _empty() -> AudioError:
    return AudioError("audio-empty", "Tệp không có âm thanh nào.", "Ghi âm lại.")


def _broken() -> AudioError:
    return AudioError(
        "audio-broken", "Tệp âm thanh bị hỏng, không đọc được gì.", "Tải hoặc ghi âm lại tệp."
    )


def _too_long(limits: AudioLimits) -> AudioError:
    return AudioError(
        "audio-too-long",
        f"Tệp dài hơn {limits.max_seconds:.0f} giây hoặc lớn hơn {limits.max_bytes >> 20} MB.",
        "Cắt thành các đoạn ngắn hơn.",
    )


def _unreadable(name: str) -> AudioError:
    return AudioError("audio-permission", f"Không mở được tệp {name}.", "Kiểm tra quyền đọc tệp.")
