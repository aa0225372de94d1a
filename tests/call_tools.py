"""A scripted recognizer and a voice of silence, so that the loop is tested without a model.

The caller's "speech" is noise; what it says is written beside it: the fake recognizer hears the
words of a stretch once that stretch has been fed, exactly as a decoder's partial would grow.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from assistant.accounts.types import Outcome
from assistant.asr.types import EndReason, Transcript, Word
from assistant.call import Call, CallParts
from assistant.dialogue.types import Action, Ask, Event, Reply, Say, SayDigits
from assistant.nlu.types import DigitSpan, Intent, Interpretation, Prior
from assistant.tts.renderer import Part, Rendered

RATE = 8000
FRAME = 320  # bytes of 20 ms
QUIET = bytes(FRAME)


def noise(level: int, seed: int = 0) -> bytes:
    """One frame of white noise of ``level`` (16-bit rms)."""
    return (np.random.default_rng(seed).standard_normal(FRAME // 2) * level).astype("<i2").tobytes()


def spoken(words: str, seconds: float | None = None) -> list[bytes]:
    """Frames that the fake recognizer hears as ``words``; 0.3 s a word unless told.

    Every fifth frame is quiet: steady noise would be a noise floor, not a voice."""
    texts = words.split()
    frames = round((seconds if seconds is not None else 0.3 * len(texts)) / 0.02)
    out = []
    for i in range(frames):
        frame = bytearray(noise(30 if i % 5 == 4 else 3000, i))
        index = i * len(texts) // frames
        last = (i + 1) * len(texts) // frames > index
        frame[:2] = (CODES[texts[index]] if last else 0).to_bytes(2, "little", signed=True)
        out.append(bytes(frame))
    return out


def silence(seconds: float) -> list[bytes]:
    return [QUIET] * round(seconds / 0.02)


class _Codes(dict[str, int]):
    """Words by the first sample of the frame that ends them; 16-bit, from 20001 up."""

    def __missing__(self, word: str) -> int:
        self[word] = 20001 + len(self)
        return self[word]

    def word(self, code: int) -> str | None:
        return next((word for word, known in self.items() if known == code), None)


CODES = _Codes()


class FakeRecognizer:
    """Hears the words that ``spoken`` marked in the sound, at the frame where each ends."""

    def __init__(self) -> None:
        self.open = False
        self.begun: list[tuple[str, ...] | None] = []
        self._words: tuple[Word, ...] = ()
        self._partial = Transcript()
        self._at = 0

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        assert not self.open
        assert rate == RATE
        self.open, self._words, self._partial, self._at = True, (), Transcript(), 0
        self.begun.append(phrases)

    def feed(self, pcm: bytes) -> Transcript:
        assert self.open
        self._at += 1
        word = CODES.word(int.from_bytes(pcm[:2], "little", signed=True))
        if word is not None:
            end = self._at * 0.02
            self._words += (Word(word, end - 0.2, end, 0.9),)
            self._partial = Transcript(self._words)
        return self._partial

    def end(self, reason: EndReason) -> Transcript:
        assert self.open
        self.open = False
        return Transcript(self._words, reason)


class FakeModel:
    def __init__(self) -> None:
        self.made: list[FakeRecognizer] = []

    def recognizer(self) -> FakeRecognizer:
        self.made.append(FakeRecognizer())
        return self.made[-1]


class FakeVoice:
    """Says everything in ``seconds`` of a constant tone-like level, digits in their own part."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.rate = RATE
        self.seconds = seconds
        self.said: list[Reply] = []

    def render(self, reply: Reply) -> Rendered:
        self.said.append(reply)
        parts = []
        for i, part in enumerate(reply.parts):
            label = part.key if isinstance(part, Say) else "digits"
            secret = isinstance(part, SayDigits) and part.secret
            parts.append(Part(label, i * self.seconds, (i + 1) * self.seconds, secret))
        samples = np.full(round(len(parts) * self.seconds * RATE), 1000, "<i2")
        return Rendered(samples.tobytes(), RATE, " ".join(p.label for p in parts), tuple(parts))


NAMES = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
DIGITS = {name: str(digit) for digit, name in enumerate(NAMES)}


def understand(words: tuple[Word, ...], ask: Ask) -> Interpretation:
    """Digits, "đúng", "sai", "quên": enough to drive the loop."""
    digits = "".join(DIGITS[w.text] for w in words if w.text in DIGITS)
    texts = {w.text for w in words}
    return Interpretation(
        text=" ".join(w.text for w in words),
        intent=Intent.RESET if "quên" in texts else None,
        digits=DigitSpan(digits) if digits else None,
        yes_no=True if "đúng" in texts else False if "sai" in texts else None,
    )


class ScriptedTalk:
    """Returns the given actions one after the other, then the last again; keeps the events."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._actions = list(actions)
        self.events: list[Event] = []

    def next(self, event: Event) -> Action:
        self.events.append(event)
        return self._actions[min(len(self.events), len(self._actions)) - 1]


@dataclass
class FakeAccounts:
    outcome: Outcome
    calls: list[tuple[str | None, str, str]] = field(default_factory=list)

    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> Outcome:
        self.calls.append((phone, code, call_id))
        return self.outcome


def ticks() -> float:
    """A clock that moves one millisecond a look."""
    return next(_TICKS) / 1000


_TICKS = itertools.count()


def make_parts(**changes: object) -> CallParts:
    from assistant.dialogue.types import Refused

    parts: dict[str, object] = {
        "model": FakeModel(),
        "understand": understand,
        "phrases": lambda expect: (expect.value,),
        "voice": FakeVoice(),
        "accounts": FakeAccounts(Refused()),
        "clock": ticks,
    }
    return CallParts(**{**parts, **changes})  # type: ignore[arg-type]


def play(call: Call, frames: Iterable[bytes], keys: dict[int, str] | None = None) -> list[bytes]:
    """Step through ``frames``; ``keys``: by index of the frame during which they are pressed."""
    pressed = keys or {}
    return [call.step(frame, pressed.get(i, "")) for i, frame in enumerate(frames)]


def until_listening(call: Call, limit: float = 60.0) -> None:
    for _ in range(round(limit / 0.02)):
        if call.listening or call.ended:
            return
        call.step(QUIET)
    raise AssertionError("the call never listened")
