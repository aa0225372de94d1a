"""What the assistant says in a call: clips of the catalogue, spliced. No engine, no network.

Everything is loaded and checked before the first call, at the rate of the calls; a reply is
then put together from memory in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from assistant.dialogue.types import Reply, Say, SayDigits, Spoken
from assistant.errors import PromptError
from assistant.settings import Voice
from assistant.tts import clips
from assistant.tts.catalogue import DIGIT_KEYS, Catalogue, load_catalogue
from assistant.tts.loudness import CLIP_RATE, to_rate
from assistant.tts.splice import Piece, Splicer
from assistant.tts.stretch import stretch

MASK = "•"


@dataclass(frozen=True, slots=True)
class Part:
    """Where one part of a reply lies. ``label``: the prompt's key, or ``digits``;
    ``start``, ``end``: seconds in the rendered audio."""

    label: str
    start: float
    end: float
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """A reply as audio. ``pcm``: 16-bit mono at ``rate``; ``secret_spans``: seconds at which a
    password is heard; ``text``: for display and logs, every spoken digit masked."""

    pcm: bytes = field(repr=False)
    rate: int
    text: str
    parts: tuple[Part, ...]

    @property
    def seconds(self) -> float:
        return len(self.pcm) / (2 * self.rate)

    @property
    def secret_spans(self) -> tuple[tuple[float, float], ...]:
        """Where recordings must carry a tone instead: passwords."""
        return tuple((part.start, part.end) for part in self.parts if part.secret)

    @property
    def digit_spans(self) -> tuple[tuple[float, float], ...]:
        """Where any number of the caller's is heard: codes and passwords."""
        return tuple((part.start, part.end) for part in self.parts if part.label == "digits")


class Renderer:
    """Renders replies at one rate; safe to share between calls and threads."""

    def __init__(
        self,
        catalogue: Catalogue,
        sounds: Mapping[str, npt.NDArray[np.float32]],
        rate: int,
        voice: Voice,
    ) -> None:
        self.catalogue = catalogue
        self.rate = rate
        self._voice = voice
        self._sounds = sounds
        self._lock = Lock()
        self._pieces: dict[tuple[str, bool], Piece] = {}

    @classmethod
    def open(
        cls, folder: Path, rate: int, voice: Voice | None = None, required: Iterable[str] = ()
    ) -> Renderer:
        """Load every clip of ``folder`` at ``rate`` Hz. ``required``: keys that the dialogue
        uses, which the catalogue must have. Raises PromptError (``prompts-missing``,
        ``prompts-invalid``, ``clips-missing`` naming the keys, ``clip-broken``)."""
        catalogue = load_catalogue(folder)
        keys = [*catalogue.prompts, *(k for k in required if k not in catalogue.prompts)]
        missing = [
            key
            for key in keys
            if key not in catalogue.prompts or not clips.clip_path(folder, key).is_file()
        ]
        if missing:
            raise PromptError(
                "clips-missing",
                f"Thiếu âm thanh của {len(missing)} câu: {', '.join(missing)}.",
                "Chạy: assistant prompts build.",
            )
        sounds = {key: _load(clips.clip_path(folder, key), rate) for key in catalogue.prompts}
        return cls(catalogue, sounds, rate, voice or Voice())

    def render(self, reply: Reply) -> Rendered:
        """The reply as audio; ``reply.slow``: all of it slower, with longer pauses. Raises
        PromptError (``prompt-unknown``, ``digits-grouping``)."""
        voice, slow = self._voice, reply.slow
        splicer = Splicer(self.rate, voice.slow_pause if slow else 1.0)
        parts: list[Part] = []
        for number, spoken in enumerate(reply.parts):
            if number:
                splicer.pause(voice.part_gap)
            start = splicer.seconds
            if isinstance(spoken, Say):
                splicer.add(self._piece(spoken.key, slow))
                parts.append(Part(spoken.key, start, splicer.seconds))
            else:
                self._digits(splicer, spoken, slow)
                parts.append(Part("digits", start, splicer.seconds, spoken.secret))
        return Rendered(splicer.pcm(), self.rate, self.text(reply), tuple(parts))

    def text(self, reply: Reply) -> str:
        """What is said, for people to read, with the digits of codes and passwords masked."""
        return " ".join(self._shown(spoken) for spoken in reply.parts)

    def _shown(self, spoken: Spoken) -> str:
        if isinstance(spoken, Say):
            return self.catalogue[spoken.key].text
        if spoken.secret:
            return MASK * len(spoken.digits)
        return " ".join(MASK * size for size in spoken.groups)

    def _digits(self, splicer: Splicer, spoken: SayDigits, slow: bool) -> None:
        voice, secret = self._voice, spoken.secret
        digit_gap = voice.secret_digit_gap if secret else voice.digit_gap
        group_gap = voice.secret_group_gap if secret else voice.group_gap
        for number, group in enumerate(_groups(spoken)):
            if number:
                splicer.pause(group_gap)
            for place, digit in enumerate(group):
                if place:
                    splicer.pause(digit_gap)
                splicer.add(self._piece(DIGIT_KEYS[int(digit)], slow))

    def _piece(self, key: str, slow: bool) -> Piece:
        """A clip ready to splice, made once for each speed."""
        with self._lock:
            piece = self._pieces.get((key, slow))
        if piece is None:
            self.catalogue[key]  # raises prompt-unknown
            samples = self._sounds[key]
            speed = self._voice.slow_speed if slow else 1.0
            piece = Splicer.piece(stretch(samples, self.rate, speed), self.rate)
            with self._lock:
                self._pieces[key, slow] = piece
        return piece


def _groups(spoken: SayDigits) -> list[str]:
    """The digits cut into their groups; raises PromptError without naming a digit."""
    digits, groups = spoken.digits, spoken.groups
    plain = digits.isascii() and digits.isdigit()
    if not plain or sum(groups) != len(digits) or min(groups, default=0) < 1:
        raise PromptError(
            "digits-grouping",
            "Dãy số cần đọc không khớp với cách chia nhóm.",
            "Báo lỗi này cho người phát triển.",
        )
    ends = np.cumsum(groups)
    return [digits[end - size : end] for end, size in zip(ends, groups, strict=True)]


def _load(path: Path, rate: int) -> npt.NDArray[np.float32]:
    frames, clip_rate, channels = clips.read_clip(path)
    if clip_rate != CLIP_RATE or channels != 1 or not frames.any():
        raise PromptError(
            "clip-broken",
            f"Tệp {path.name} không phải âm thanh 16 kHz một kênh, hoặc im lặng.",
            "Chạy: assistant prompts check.",
        )
    return to_rate(frames[:, 0], clip_rate, rate)
