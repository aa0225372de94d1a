"""A file as a row of utterances: the same end-pointing as a call, with nobody to talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.asr.endpoint import EndPointer, Slot
from assistant.asr.types import EndReason, RecognizerModel, Word
from assistant.asr.vad import VoiceActivity
from assistant.audio.reading import AudioWarning, open_audio
from assistant.audio.types import SAMPLE_BYTES, AudioChunk
from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Utterance:
    """``start``: seconds of the file at which listening began; word times are the file's too."""

    start: float
    words: tuple[Word, ...]
    end_reason: EndReason

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Heard:
    """A transcribed file and its facts."""

    seconds: float
    rate: int
    channels: int
    encoding: str
    warnings: frozenset[AudioWarning]
    utterances: tuple[Utterance, ...]


def transcribe_file(
    path: Path,
    model: RecognizerModel,
    grammar: tuple[str, ...] | None,
    settings: Settings,
    progress: Callable[[float, float | None], None] = lambda _now, _total: None,
) -> Heard:
    """All utterances of a file, in constant memory. ``progress``: seconds done, seconds in all.

    Raises AudioError for a file that cannot be used, ModelError when recognition fails.
    """
    with open_audio(path, settings.audio) as file:
        splitter = _Splitter(model, grammar, file.rate, settings)
        seconds = 0.0
        try:
            for chunk in file:
                seconds = chunk.start + chunk.seconds
                splitter.feed(chunk)
                progress(seconds, file.declared_seconds)
        finally:
            splitter.finish()
        facts = (seconds, file.rate, file.channels, file.encoding, frozenset(file.warnings))
        return Heard(*facts, utterances=tuple(splitter.utterances))


class _Splitter:
    """Feeds frames to one utterance after another."""

    def __init__(
        self,
        model: RecognizerModel,
        grammar: tuple[str, ...] | None,
        rate: int,
        settings: Settings,
    ) -> None:
        self.utterances: list[Utterance] = []
        self._recognizer = model.recognizer()
        self._grammar, self._rate, self._turns = grammar, rate, settings.turns
        self._vad = VoiceActivity(settings.vad, settings.turns.frame, rate)
        self._frame = round(rate * settings.turns.frame) * SAMPLE_BYTES
        self._pending = bytearray()
        self._frames = 0
        self._end_pointer: EndPointer | None = None
        self._start = 0.0

    def feed(self, chunk: AudioChunk) -> None:
        self._pending += chunk.pcm
        for frame in self._take_frames():
            self._accept(frame)

    def finish(self) -> None:
        """The file is over, and with it the last utterance."""
        if self._pending:
            self._accept(bytes(self._pending))
        if self._end_pointer is not None:
            self._end(EndReason.INTERRUPTED)

    def _take_frames(self) -> Iterator[bytes]:
        whole = len(self._pending) - len(self._pending) % self._frame
        taken = bytes(self._pending[:whole])
        del self._pending[:whole]
        return (taken[at : at + self._frame] for at in range(0, whole, self._frame))

    def _accept(self, frame: bytes) -> None:
        if self._end_pointer is None:
            self._start = self._frames * self._turns.frame
            self._recognizer.begin(self._grammar, self._rate)
            self._end_pointer = EndPointer(self._turns, self._turns.frame)
        self._frames += 1
        partial = self._recognizer.feed(frame)
        reason = self._end_pointer.accept(self._vad.accept(frame), len(partial.words), Slot.OPEN)
        if reason is not None:
            self._end(reason)

    def _end(self, reason: EndReason) -> None:
        self._end_pointer = None
        words = self._recognizer.end(reason).words
        if words:
            placed = tuple(
                replace(word, start=word.start + self._start, end=word.end + self._start)
                for word in words
            )
            self.utterances.append(Utterance(self._start, placed, reason))
