"""Calls from files: the caller's turns as WAV files and keys, played into the live loop.

The caller of a file is polite: it speaks only while the assistant listens. A file's end never
ends a turn; silence follows it, as on a line, until the assistant has spoken again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from assistant.asr.vad import VoiceActivity, levels
from assistant.audio.reading import AudioWarning, open_audio
from assistant.audio.resampling import Resampler
from assistant.audio.types import SAMPLE_BYTES
from assistant.call import Call
from assistant.settings import AudioLimits, Turns, Vad

_KEY_GAP = 0.2  # s between two keys of one turn
_AFTER_SPEECH = 0.1  # s after a file's last speech that still belong to it
_AFTER_LAST = 120.0  # s of silence after the last turn, then the caller hangs up


@dataclass(frozen=True, slots=True)
class FileTurn:
    path: Path


@dataclass(frozen=True, slots=True)
class KeyTurn:
    keys: str = field(repr=False)


CallerTurn = FileTurn | KeyTurn


@dataclass(frozen=True, slots=True)
class Tape:
    """Both sides of a finished call, 16-bit mono PCM at ``rate`` Hz and of equal length.

    ``warnings``: what was wrong with a caller's file that could be used all the same."""

    caller: bytes = field(repr=False)
    assistant: bytes = field(repr=False)
    rate: int
    warnings: tuple[tuple[str, AudioWarning], ...] = ()


class Source(Protocol):
    """One caller turn: a frame and keys at a time, while the assistant listens."""

    @property
    def begun(self) -> bool: ...

    def next(self) -> tuple[bytes, str] | None: ...


class FileSource:
    """A file as frames at the call's rate, read block by block and never whole."""

    def __init__(self, path: Path, rate: int, limits: AudioLimits, turns: Turns, vad: Vad) -> None:
        self.warnings: set[AudioWarning] = set()
        self._frame = round(rate * turns.frame) * SAMPLE_BYTES
        self._path, self._rate, self._limits = path, rate, limits
        self._last_speech = self._find_last_speech(turns, vad)
        self._frames = self._read()
        self._played = 0

    def next(self) -> tuple[bytes, str] | None:
        frame = next(self._frames, None)
        if frame is None:
            return None
        self._played += 1
        return frame, ""

    @property
    def begun(self) -> bool:
        return self._played > 0

    @property
    def silent(self) -> bool:
        """Whether nothing but silence is left."""
        return self._played >= self._last_speech

    def _find_last_speech(self, turns: Turns, vad: Vad) -> int:
        """Frames up to the end of the last speech; a pass of its own, so nothing is kept."""
        activity = VoiceActivity(vad, turns.frame, self._rate)
        last = seen = 0
        for pcm in self._blocks():
            for now in levels(pcm, self._rate, self._frame // SAMPLE_BYTES):
                seen += 1
                if activity.accept_level(now):
                    last = seen
        return last + round(_AFTER_SPEECH / turns.frame) if last else 0

    def _read(self) -> Iterator[bytes]:
        for pcm in self._blocks():
            for at in range(0, len(pcm), self._frame):
                yield pcm[at : at + self._frame]

    def _blocks(self) -> Iterator[bytes]:
        """The file in whole frames, the last one filled up."""
        with open_audio(self._path, self._limits) as file:
            resampler = Resampler(file.rate, self._rate)
            pending = bytearray()
            for chunk in file:
                pending += resampler.feed(chunk.pcm)
                whole = len(pending) - len(pending) % self._frame
                yield bytes(pending[:whole])
                del pending[:whole]
            pending += resampler.feed(b"", last=True)
            yield bytes(pending).ljust(-(-len(pending) // self._frame) * self._frame, b"\0")
            self.warnings |= file.warnings


class KeySource:
    """Keys pressed one after the other, with silence between them."""

    def __init__(self, keys: str, rate: int, frame: float) -> None:
        self._silence = bytes(round(rate * frame) * SAMPLE_BYTES)
        gap = [""] * (round(_KEY_GAP / frame) - 1)
        self._pressed = iter([press for key in keys for press in (key, *gap)])
        self._begun = False

    @property
    def begun(self) -> bool:
        return self._begun

    def next(self) -> tuple[bytes, str] | None:
        self._begun = True
        key = next(self._pressed, None)
        return None if key is None else (self._silence, key)


def read_turns(names: Sequence[str], keys: str | None = None) -> list[CallerTurn]:
    """Turns as the command line names them: files, and ``keys:0123#`` in between. ``keys`` are
    pressed first."""
    turns: list[CallerTurn] = [KeyTurn(keys)] if keys else []
    for name in names:
        pressed = name.removeprefix("keys:")
        turns.append(KeyTurn(pressed) if pressed != name else FileTurn(Path(name)))
    return turns


class WavCaller:
    """Plays the turns into a call and keeps both sides."""

    def __init__(
        self,
        call: Call,
        turns: Sequence[CallerTurn],
        limits: AudioLimits,
        timing: Turns,
        vad: Vad,
    ) -> None:
        self._call = call
        self._limits, self._timing, self._vad = limits, timing, vad
        # Opened before the call begins: a file that cannot be read must not cost a call.
        self._sources: deque[tuple[str, Source]] = deque(
            (turn.path.name if isinstance(turn, FileTurn) else "", self._open(turn))
            for turn in turns
        )
        self._silence = bytes(call.frame_bytes)
        self._must_wait = False  # the last turn is used up; the assistant has not spoken since
        self._caller = bytearray()
        self._assistant = bytearray()
        self._warnings: list[tuple[str, AudioWarning]] = []

    def _open(self, turn: CallerTurn) -> Source:
        if isinstance(turn, KeyTurn):
            return KeySource(turn.keys, self._call.rate, self._timing.frame)
        return FileSource(turn.path, self._call.rate, self._limits, self._timing, self._vad)

    def run(self, progress: Callable[[float, int], None] = lambda _s, _n: None) -> Tape:
        """The whole call, as fast as it can be computed. ``progress``: seconds so far and
        turns left."""
        call = self._call
        quiet = 0.0
        while call.ended is None and quiet < _AFTER_LAST:
            frame, keys = self._frame()
            self._caller += frame
            self._assistant += call.step(frame, keys)
            quiet = 0.0 if self._sources else quiet + self._timing.frame
            progress(call.now, len(self._sources))
        call.hang_up()
        warnings = tuple(self._warnings)
        return Tape(bytes(self._caller), bytes(self._assistant), call.rate, warnings)

    def _frame(self) -> tuple[bytes, str]:
        call = self._call
        if call.speaking:
            self._must_wait = False
            self._drop_silent_rest()
        if not self._sources or self._must_wait:
            return self._silence, ""
        name, source = self._sources[0]
        pressing = isinstance(source, KeySource) and source.begun  # nobody stops in mid-number
        if not (call.listening or pressing):
            return self._silence, ""
        found = source.next()
        if found is None:
            self._use_up(name, source)
            self._must_wait = True
        return found or (self._silence, "")

    def _drop_silent_rest(self) -> None:
        """The assistant speaks: a file whose rest is silence is over, another is paused."""
        if not self._sources:
            return
        name, source = self._sources[0]
        if isinstance(source, FileSource) and source.begun and source.silent:
            self._use_up(name, source)

    def _use_up(self, name: str, source: Source) -> None:
        self._sources.popleft()
        if isinstance(source, FileSource):
            self._warnings += [(name, warning) for warning in sorted(source.warnings)]
