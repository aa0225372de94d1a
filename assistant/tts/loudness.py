"""Trimming and loudness of clips: EBU R128 / ITU-R BS.1770, in float, pure.

Needs pyloudnorm (extra ``voice``): clips are measured when built and checked, never in a call.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

from assistant.errors import DependencyError

Samples = npt.NDArray[np.float32]

CLIP_RATE = 16_000  # Hz, of committed clips
PHONE_RATE = 8_000  # Hz, derived when a telephone call loads them
LOOP_SECONDS = 3.0
_EDGE_LEVEL = 10 ** (-45 / 20)  # of the clip's loudest 5 ms: below it is edge, not speech
_LEAD, _TAIL = 0.015, 0.06  # s kept before and after speech, so that no consonant is cut
_FADE_IN, _FADE_OUT = 0.005, 0.03  # s
_CUT = 0.002  # s of fade where a file begins or ends inside a sound
_LOOKAHEAD = 0.002  # s of the limiter, each side
_ROUNDS = 4


def loudness(samples: Samples, rate: int) -> float | None:
    """Integrated loudness in LUFS, or None for silence.

    BS.1770 gates in blocks of 0.4 s and a lone digit lasts 0.3 s. Padding it with silence would
    measure the silence, so a clip shorter than 3 s is measured looped.
    """
    try:
        import pyloudnorm
    except ImportError:
        raise DependencyError(
            "pyloudnorm-missing",
            "Chưa cài thư viện đo độ to.",
            "Cài: pip install 'vssid-voice-assistant[voice]'.",
        ) from None
    if not len(samples) or not samples.any():
        return None
    loops = max(1, int(np.ceil(LOOP_SECONDS * rate / len(samples))))
    looped = np.tile(samples.astype(np.float64), loops)
    with np.errstate(divide="ignore"):
        measured = float(pyloudnorm.Meter(rate).integrated_loudness(looped))
    return measured if np.isfinite(measured) else None


def true_peak(samples: Samples, rate: int) -> float | None:
    """True peak in dBTP (BS.1770 annex 2: four times oversampled), or None for silence."""
    peak = float(_envelope(samples, rate).max(initial=0.0))
    return 20 * float(np.log10(peak)) if peak > 0 else None


def to_rate(samples: Samples, rate: int, wanted: int) -> Samples:
    if rate == wanted:
        return samples
    return np.asarray(soxr.resample(samples, rate, wanted), dtype=np.float32)


def trim(samples: Samples, rate: int) -> Samples:
    """Without the quiet edges, with short fades; empty when there is nothing but silence.

    Speech that fills its file to the edge is given silence there, so that the fades take
    nothing off its first and last sounds."""
    frame = max(1, int(0.005 * rate))
    samples = np.pad(_faded(samples, rate, _CUT, _CUT), (int(_LEAD * rate), int(_TAIL * rate)))
    count = len(samples) // frame
    levels = np.sqrt(np.mean(np.square(samples[: count * frame].reshape(count, frame)), axis=1))
    if not count or not levels.max() > 0:
        return np.zeros(0, np.float32)
    loud = np.flatnonzero(levels > levels.max() * _EDGE_LEVEL)
    start = max(0, loud[0] * frame - int(_LEAD * rate))
    end = min(len(samples), (loud[-1] + 1) * frame + int(_TAIL * rate))
    return _faded(samples[start:end], rate, _FADE_IN, _FADE_OUT)


def normalise(samples: Samples, target: float, ceiling: float) -> Samples:
    """``samples`` (16 kHz) at ``target`` LUFS, with true peaks at most ``ceiling`` dBTP.

    Both hold at 16 kHz and at the 8 kHz derived from it: a telephone loses the top of an "s",
    so the target lies between the two. Peaks in the way are limited, the rest is gain."""
    result = samples
    for _ in range(_ROUNDS):
        levels = [loudness(at_rate, rate) for at_rate, rate in _both(result)]
        known = [level for level in levels if level is not None]
        if not known:
            return samples
        gain = 10 ** ((target - sum(known) / len(known)) / 20)
        result = _limited(result * np.float32(gain), ceiling)
    peak = max(true_peak(s, r) or -120.0 for s, r in _both(result))
    return result * np.float32(min(1.0, 10 ** ((ceiling - 0.05 - peak) / 20)))


def _both(samples: Samples) -> tuple[tuple[Samples, int], tuple[Samples, int]]:
    return (samples, CLIP_RATE), (to_rate(samples, CLIP_RATE, PHONE_RATE), PHONE_RATE)


def _envelope(samples: Samples, rate: int) -> Samples:
    """Magnitudes four times oversampled; the edges padded, so that filters can ring out."""
    pad = np.zeros(rate // 50, np.float32)
    return np.abs(to_rate(np.concatenate([pad, samples, pad]), rate, rate * 4))


def _limited(samples: Samples, ceiling: float) -> Samples:
    """Peaks above ``ceiling`` dBTP turned down smoothly, 2 ms before and after them."""
    limit = 10 ** ((ceiling - 0.1) / 20)
    pad, count = CLIP_RATE // 50, len(samples)
    wide = _envelope(samples, CLIP_RATE)
    narrow = np.repeat(_envelope(_both(samples)[1][0], PHONE_RATE), 2)  # onto the 64 kHz grid
    narrow = np.pad(narrow, (0, max(0, len(wide) - len(narrow))))[: len(wide)]
    peaks = np.maximum(wide, narrow).reshape(-1, 4).max(axis=1)[pad : pad + count]
    if peaks.max() <= limit:
        return samples
    gain = np.minimum(1.0, limit / np.maximum(peaks, 1e-9))
    reach = int(_LOOKAHEAD * CLIP_RATE)
    held = np.lib.stride_tricks.sliding_window_view(
        np.pad(gain, 2 * reach, constant_values=1.0), 2 * reach + 1
    ).min(axis=1)
    window = np.hanning(2 * reach + 3)[1:-1]
    smooth = np.convolve(held, window / window.sum(), mode="valid")
    return (samples * smooth).astype(np.float32)


def _faded(samples: Samples, rate: int, fade_in: float, fade_out: float) -> Samples:
    faded = samples.astype(np.float32, copy=True)
    rise = min(len(faded) // 2, int(fade_in * rate))
    fall = min(len(faded) // 2, int(fade_out * rate))
    faded[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    faded[len(faded) - fall :] *= np.linspace(1, 0, fall, dtype=np.float32)
    return faded
