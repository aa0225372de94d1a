"""Engines that turn a text of the catalogue into speech, ahead of time, never during a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from assistant.errors import UsageError
from assistant.settings import Voice
from assistant.tts import espeak
from assistant.tts.catalogue import Catalogue
from assistant.tts.gtts_voice import GttsSynthesizer
from assistant.tts.piper_voice import PiperSynthesizer

Samples = npt.NDArray[np.float32]


class Synthesizer(Protocol):
    """``name`` and ``settings`` say which voice speaks: a change of either makes clips stale."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> str: ...

    def speak(self, text: str) -> tuple[Samples, int]:
        """Mono samples in -1..1 and their rate in Hz; raises PromptError or DependencyError."""
        ...


@dataclass(frozen=True, slots=True)
class Cast:
    """Who speaks the sentences and who speaks the lone digits."""

    prompts: Synthesizer
    digits: Synthesizer


@dataclass(frozen=True, slots=True)
class EspeakSynthesizer:
    """espeak-ng in process; offline."""

    voice: str = "vi"
    variant: str | None = None
    wpm: int = 175
    name: str = "espeak"

    @property
    def settings(self) -> str:
        return f"voice={self.voice} variant={self.variant} wpm={self.wpm} volume={_VOLUME}"

    def speak(self, text: str) -> tuple[Samples, int]:
        samples, rate = espeak.synthesize(
            _LONE.get(text, text), self.voice, self.wpm, volume=_VOLUME, variant=self.variant
        )
        return samples.astype(np.float32) / np.float32(32768), rate


# At espeak-ng's default of 100 loud vowels reach full scale and flatten; 70 leaves 3 dB.
_VOLUME = 70

# espeak-ng takes a lone "không" for the unstressed "not": quieter and shorter than a digit is.
_LONE = {"không": "[[x'oN]]"}


def _espeak_cast(voice: Voice, _catalogue: Catalogue) -> Cast:
    return Cast(
        EspeakSynthesizer(voice.espeak_voice, voice.espeak_variant, voice.espeak_wpm),
        EspeakSynthesizer(voice.espeak_voice, voice.espeak_variant, voice.espeak_digit_wpm),
    )


def _gtts_cast(voice: Voice, catalogue: Catalogue) -> Cast:
    texts = frozenset(prompt.spoken for prompt in catalogue.prompts.values())
    engine = GttsSynthesizer(texts, voice.gtts_tld)
    return Cast(engine, engine)


def _piper_cast(voice: Voice, _catalogue: Catalogue) -> Cast:
    engine = PiperSynthesizer(voice.piper_voice)
    return Cast(engine, engine)


_CASTS: Mapping[str, Callable[[Voice, Catalogue], Cast]] = {
    "espeak": _espeak_cast,
    "gtts": _gtts_cast,
    "piper": _piper_cast,
}
ENGINES = tuple(_CASTS)


def cast_of(engine: str, voice: Voice, catalogue: Catalogue) -> Cast:
    """The voices of ``engine`` with the settings ``voice``; loads no engine yet.
    Raises UsageError (``engine-unknown``)."""
    if engine not in _CASTS:
        raise UsageError(
            "engine-unknown",
            f"Không có bộ đọc {engine!r}.",
            f"Chọn một trong: {', '.join(ENGINES)}.",
        )
    return _CASTS[engine](voice, catalogue)
