"""What of a call may become a test: the caller's sound of every turn that carries no digits.

The sound is taken where the recognizer takes it; which turns are kept is decided at the end of
the call, when it is known what each of them was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from assistant.asr.types import EndReason, Recognizer, RecognizerModel, Transcript, Word
from assistant.call.record import Turn
from assistant.nlu.types import Expect, Prior

_MOST = 200  # utterances of a call


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn of the caller. ``heard``: what the recognizer made of it."""

    pcm: bytes = field(repr=False)
    rate: int
    expect: Expect
    heard: str = field(repr=False)


@dataclass(slots=True)
class CapturingModel:
    """A model of one call, whose recognizers also keep what they are fed."""

    inner: RecognizerModel
    kept: list[tuple[tuple[Word, ...], bytes, int]] = field(default_factory=list, repr=False)

    def recognizer(self) -> Recognizer:
        return _Capturing(self.inner.recognizer(), self.kept)

    def utterances(self, turns: Sequence[Turn], invented: bool) -> Iterator[Utterance]:
        """What may be kept: turns with words, and none that may hold a code or a password -
        unless every account of the call is invented."""
        for turn in turns:
            if turn.expect is None or not turn.words:
                continue
            if not invented and (turn.sensitive or turn.expect is Expect.SECRET):
                continue
            for words, pcm, rate in self.kept:
                if words is turn.words:
                    heard = " ".join(word.text for word in words)
                    yield Utterance(pcm, rate, turn.expect, heard)


class _Capturing:
    def __init__(self, inner: Recognizer, kept: list[tuple[tuple[Word, ...], bytes, int]]) -> None:
        self._inner, self._kept = inner, kept
        self._pcm = bytearray()
        self._rate = 0

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        self._pcm.clear()
        self._rate = rate
        self._inner.begin(phrases, rate, prior)

    def feed(self, pcm: bytes) -> Transcript:
        self._pcm += pcm
        return self._inner.feed(pcm)

    def end(self, reason: EndReason) -> Transcript:
        transcript = self._inner.end(reason)
        if transcript.words and len(self._kept) < _MOST:
            self._kept.append((transcript.words, bytes(self._pcm), self._rate))
        return transcript
