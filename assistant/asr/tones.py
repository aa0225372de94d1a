"""Which tone a word was said with, by how its voice rises and falls.

The recognizer's network hears bands too wide to tell a voice's pitch, and through noise it knows
"ba" from "tám" and "không" from "sáu" hardly otherwise than by a consonant that the noise has
taken. Their tones are another witness: a small network, taught by people's sentences
(``assistant train tones``), reads them off the pitch along a word.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assistant.asr.lexicon import pronunciations
from assistant.asr.network import OUTPUT_SECONDS
from assistant.asr.pitch import FIRST_SECONDS, STEP_SECONDS, Pitch
from assistant.errors import ModelError

Array = npt.NDArray[np.float64]
Ratios = tuple[float, ...]
"""Of each class of tones: nepers by which it is likelier than usual."""

FILE = "am/tones.json"
# By what bears them (``lexicon.TONES``), and apart where a stop ends the syllable: there a voice
# has no time to rise.
_OPEN = {"1": 0, "2": 1, "3": 2, "5": 3, "6": 4}
_STOPPED = {"5": 5, "6": 6}
CLASSES = 7
NOTHING: Ratios = (0.0,) * CLASSES
_STOPS = ("C:k", "C:p", "C:t", "C:ch")

_VOICED = 4  # frames at least, of which a tone is read
_HOLE = 3  # frames from one voice to the next that part no voice
_PLACES = np.linspace(-0.4, 0.4, 5)  # along a voice, where its height is taken
_TAIL = 3  # frames
_LOUDEST = 50.0  # dB over the line's own noise; more says no more
FAR = 4.0  # standard deviations; more says no more
_WEIGHTS = ("mean", "scale", "inside", "inside_bias", "outside", "outside_bias", "usual")


class Span(NamedTuple):
    """Where a word is, in outputs: ``first`` and ``stop`` (one past the last) of its phones,
    ``begin`` and ``end`` of what is nearer to it than to its neighbours."""

    first: int
    stop: int
    begin: int
    end: int


@cache
def tone_class(word: str) -> int | None:
    """That of a syllable's tone; None for what is no single syllable."""
    ways = pronunciations(word)
    tones = [phone[-1] for phone in ways[0] if phone[-2:-1] == "_"] if ways else []
    if len(tones) != 1:
        return None
    return _STOPPED.get(tones[0], _OPEN[tones[0]]) if ways[0][-1] in _STOPS else _OPEN[tones[0]]


@dataclass(frozen=True, slots=True)
class Melody:
    """The pitch of an utterance, and what is usual in it. ``height``: its median, semitones;
    ``loud``, ``quiet``: levels of its loudest twentieth and quietest tenth, dB."""

    pitch: Pitch
    height: float
    loud: float
    quiet: float

    @classmethod
    def of(cls, pcm: bytes) -> Melody:
        """Of 16-bit PCM at 8 kHz."""
        pitch = Pitch.of(pcm)
        heights = pitch.height[~np.isnan(pitch.height)]
        loud, quiet = np.percentile(pitch.level, (95, 10)) if len(pitch.level) else (0.0, 0.0)
        median = float(np.median(heights)) if len(heights) else 0.0
        return cls(pitch, median, float(loud), float(quiet))

    def values(self, span: Span) -> list[float] | None:
        """What a tone is read from; None where there is hardly a voice."""
        begin = math.ceil((span.begin * OUTPUT_SECONDS - 0.005 - FIRST_SECONDS) / STEP_SECONDS)
        end = math.ceil((span.end * OUTPUT_SECONDS + 0.025 - FIRST_SECONDS) / STEP_SECONDS)
        low = max(0, begin)
        voiced = low + np.flatnonzero(~np.isnan(self.pitch.height[low : max(low, end)]))
        if len(voiced) < _VOICED:
            return None
        runs = np.split(voiced, np.flatnonzero(np.diff(voiced) > _HOLE) + 1)
        run = max(runs, key=lambda one: float(self.pitch.strength[one].sum()))
        if len(run) < _VOICED:
            return None
        height, level = self.pitch.height[run], self.pitch.level[run]
        mean, top, half = float(height.mean()), float(level.max()), len(run) // 2
        shape = np.interp(_PLACES, np.linspace(-0.5, 0.5, len(run)), height) - mean
        return [
            mean - self.height,
            *shape.tolist(),
            float(height.max()) - mean,
            float(height.min()) - mean,
            math.log(len(run)),
            len(voiced) / len(run) - 1,
            float(level[:half].mean()) - top,
            float(level[half:].mean()) - top,
            float(level[-_TAIL:].mean()) - top,
            math.log(span.end - span.begin),
            math.log(max(1, span.stop - span.first)),
            top - self.loud,
            min(_LOUDEST, top - self.quiet),
        ]


@dataclass(frozen=True, slots=True)
class Tones:
    """A network of one hidden layer. ``mean``, ``scale`` (values); ``inside`` (values, hidden),
    ``outside`` (hidden, classes), each with its bias; ``usual``: the log of how often each class
    was among what it was taught."""

    mean: Array = field(repr=False)
    scale: Array = field(repr=False)
    inside: Array = field(repr=False)
    inside_bias: Array = field(repr=False)
    outside: Array = field(repr=False)
    outside_bias: Array = field(repr=False)
    usual: Array = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Tones | None:
        """Of a model folder; None: it has none. Raises ModelError ``model-tones``."""
        file = folder / FILE
        if not file.is_file():
            return None
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            found = cls(*(np.asarray(content[name], np.float64) for name in _WEIGHTS))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            raise _unusable(folder) from None
        if not found._fits():
            raise _unusable(folder)
        return found

    def _fits(self) -> bool:
        hidden = len(self.inside_bias)
        shapes = [getattr(self, name).shape for name in _WEIGHTS]
        values = (_VALUES,)
        wanted = [values, values, (_VALUES, hidden), (hidden,), (hidden, CLASSES),
                  (CLASSES,), (CLASSES,)]  # fmt: skip
        sound = all(np.isfinite(getattr(self, name)).all() for name in _WEIGHTS)
        return shapes == wanted and sound and bool((self.scale > 0).all())

    def text(self) -> str:
        """For ``FILE``."""
        rounded = {name: np.round(getattr(self, name), 4).tolist() for name in _WEIGHTS}
        return json.dumps(rounded) + "\n"

    def along(self, melody: Melody, span: Span) -> Ratios:
        """Of each class of tones, for the word that is there; nothing is known where there is
        hardly a voice."""
        values = melody.values(span)
        if values is None:
            return NOTHING
        x = np.clip((np.asarray(values) - self.mean) / self.scale, -FAR, FAR)
        out = np.tanh(x @ self.inside + self.inside_bias) @ self.outside + self.outside_bias
        ratios: list[float] = (out - np.logaddexp.reduce(out) - self.usual).tolist()
        return tuple(ratios)


_VALUES = 17  # of ``Melody.values``


def _unusable(folder: Path) -> ModelError:
    return ModelError(
        "model-tones",
        f"Tệp {FILE} của mô hình {folder.name} không dùng được.",
        "Cài lại chương trình, hoặc làm lại tệp đó: assistant train tones.",
    )
