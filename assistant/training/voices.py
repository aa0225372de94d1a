"""One person's recording as somebody else would say it: other pitch, other size of head, tempo.

Few women let their voice be used freely; most of what people say here was said by men. Praat's
"Change gender" (PSOLA and a resampling of the spectrum) moves pitch and formants apart, which
changing the speed cannot.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import numpy.typing as npt
import parselmouth
import soxr
from parselmouth.praat import call

_RATE = 16_000  # Hz; room above the telephone's band for formants that move down
_FLOOR, _CEILING = 65.0, 500.0  # Hz, of the search for pitch
_LOWEST, _HIGHEST = 85.0, 270.0  # Hz, medians of the voices that are made
_SHORTEST = 0.2  # s; Praat wants a few periods
_LEISURE = (0.3, 0.65)  # s, of a word said alone; in a running sentence it lasts 0.15 to 0.35
_STRETCH = (0.6, 2.6)  # a word's length is changed by no more than this


def at_leisure(
    samples: npt.NDArray[np.float32], rate: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """A word cut out of a sentence as it is said alone: as long as answers and dictated digits
    are, the voice left as it was. Without this, length alone tells apart the words that the
    recordings hold in isolation from those that they hold in sentences only.
    """
    factor = float(np.clip(rng.uniform(*_LEISURE) * rate / len(samples), *_STRETCH))
    around = np.zeros(int(_SHORTEST * rate), np.float32)  # Praat wants a few periods
    padded = np.concatenate([around, samples, around])
    sound = parselmouth.Sound(soxr.resample(padded, rate, _RATE).astype(np.float64), _RATE)
    made = _changed(sound, 1.0, 0.0, float(rng.uniform(0.8, 1.3)), factor)
    long = np.asarray(soxr.resample(made.values[0], _RATE, rate), np.float32)
    edge = round(len(around) * len(long) / len(padded))
    return long[edge : len(long) - edge]


def another_voice(
    samples: npt.NDArray[np.float32], rate: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """The same words in another voice; what is too short or unvoiced comes back as it was."""
    if len(samples) < _SHORTEST * rate:
        return samples
    sound = parselmouth.Sound(soxr.resample(samples, rate, _RATE).astype(np.float64), _RATE)
    median = call(sound.to_pitch(0.01, _FLOOR, _CEILING), "Get quantile", 0, 0, 0.5, "Hertz")
    if not math.isfinite(median) or median <= 0:
        return samples
    pitch = math.exp(rng.uniform(math.log(_LOWEST), math.log(_HIGHEST)))
    formants = float(np.clip((pitch / median) ** 0.3 * math.exp(rng.normal(0, 0.05)), 0.8, 1.28))
    made = _changed(
        sound, formants, pitch, float(rng.uniform(0.8, 1.3)), float(rng.uniform(0.8, 1.2))
    )
    return np.asarray(soxr.resample(made.values[0], _RATE, rate), np.float32)


def _changed(
    sound: parselmouth.Sound, formants: float, pitch: float, tones: float, length: float
) -> parselmouth.Sound:
    """Praat's "Change gender"; a sound in which it finds no voice keeps its pitch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", parselmouth.PraatWarning)
        try:
            return call(sound, "Change gender", _FLOOR, _CEILING, formants, pitch, tones, length)
        except parselmouth.PraatError:  # a click, say, has no pitch that can be moved
            return sound
