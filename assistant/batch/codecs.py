"""Telephone codecs, there and back, at 8 kHz: G.711 µ-law, the real GSM 06.10, and a CELP coder
built like those of the AMR family. Pure.

GSM full rate (13 kbit/s) is libsndfile's own. AMR has no free coder that PyPI serves, so
``celp`` is one of its kind, not AMR bit for bit: linear prediction of order 10 every 20 ms with
quantised log-area ratios, an adaptive codebook and four signed pulses every 5 ms, both chosen by
analysis through synthesis with perceptual weighting. That is the shape of AMR 7.95 kbit/s, and
what it does to speech - smeared consonants, a rougher voice - is the same in kind.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import soundfile

from assistant.audio import mulaw_decode, mulaw_encode

Samples = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]

RATE = 8_000  # Hz
_ORDER = 10
_FRAME, _SUB = 160, 40  # samples: 20 ms and 5 ms
_WINDOW = 240  # samples of analysis around a frame
_LAGS = np.arange(20, 144)  # samples; pitch of 56 to 400 Hz
_TRACKS = [np.arange(start, _SUB, 4) for start in range(4)]  # one pulse in each
_WEIGHT = 0.85  # of the perceptual filter 1/A(z/γ)
_AREA_STEP = 0.25  # of a log-area ratio: about 4 bits each
_GAIN_STEP = 1.8  # dB of the pulses' gain: 5 bits over their range
_PITCH_STEP = 1.2 / 15  # of the adaptive codebook's gain: 4 bits over 0..1.2


def mulaw(samples: Samples) -> Samples:
    """G.711 µ-law there and back."""
    return _floats(mulaw_decode(mulaw_encode(to_pcm(samples))))


def gsm(samples: Samples) -> Samples:
    """GSM 06.10 full rate there and back, as long as it was."""
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="GSM610")
    file.seek(0)
    heard, _ = soundfile.read(file, dtype="float32")
    return np.asarray(np.pad(heard, (0, max(0, len(samples) - len(heard))))[: len(samples)], "f4")


def to_pcm(samples: Samples) -> bytes:
    """16-bit little-endian PCM; beyond full scale it is clipped."""
    return np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def celp(samples: Samples) -> Samples:
    """An AMR-like coder there and back, as long as it was; see the module."""
    frames = -(-len(samples) // _FRAME)
    if not frames:
        return samples
    speech = np.zeros(frames * _FRAME)
    speech[: len(samples)] = samples
    predictors = _quantised(_analysed(speech, frames))
    responses = _impulse(predictors)
    weighted = _impulse(predictors * _WEIGHT ** np.arange(1, _ORDER + 1))
    state = _State()
    out = [
        state.subframe(
            speech[at : at + _SUB], predictors[at // _FRAME], responses[at // _FRAME],
            weighted[at // _FRAME],
        )
        for at in range(0, len(speech), _SUB)
    ]  # fmt: skip
    return np.clip(np.concatenate(out)[: len(samples)], -1, 1).astype(np.float32)


def _floats(pcm: bytes) -> Samples:
    return np.asarray(np.frombuffer(pcm, "<i2") / np.float32(32768), np.float32)


def _analysed(speech: Array, frames: int) -> Array:
    """Reflection coefficients of every frame, by autocorrelation and Levinson-Durbin."""
    side = (_WINDOW - _FRAME) // 2
    padded = np.pad(speech, side)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_FRAME][:frames]
    shaped = windows * np.hamming(_WINDOW)
    lags = [(shaped[:, : _WINDOW - lag] * shaped[:, lag:]).sum(axis=1) for lag in range(_ORDER + 1)]
    correlation = np.stack(lags, axis=1)
    correlation[:, 0] = correlation[:, 0] * 1.0001 + 1e-9
    return _levinson(correlation)[1]


def _levinson(correlation: Array) -> tuple[Array, Array]:
    """(predictor, reflection) coefficients of every row: x̂[n] = Σ a[k] x[n-k]."""
    count = len(correlation)
    predictor, reflection = np.zeros((count, _ORDER)), np.zeros((count, _ORDER))
    error = correlation[:, 0].copy()
    for i in range(_ORDER):
        known = (predictor[:, :i] * correlation[:, i:0:-1]).sum(axis=1)
        reflection[:, i] = np.clip((correlation[:, i + 1] - known) / error, -0.999, 0.999)
        predictor = _step_up(predictor, reflection[:, i], i)
        error *= 1 - reflection[:, i] ** 2
    return predictor, reflection


def _step_up(predictor: Array, reflection: Array, i: int) -> Array:
    stepped = predictor.copy()
    stepped[:, :i] -= reflection[:, None] * predictor[:, :i][:, ::-1]
    stepped[:, i] = reflection
    return stepped


def _quantised(reflection: Array) -> Array:
    """Predictors whose log-area ratios have the few values that a line has bits for."""
    area = np.round(2 * np.arctanh(reflection) / _AREA_STEP) * _AREA_STEP
    coarse = np.clip(np.tanh(area / 2), -0.995, 0.995)
    predictor = np.zeros_like(coarse)
    for i in range(_ORDER):
        predictor = _step_up(predictor, coarse[:, i], i)
    return predictor


def _impulse(predictors: Array) -> Array:
    """Lower triangular matrices that filter a subframe through 1/A(z) from rest."""
    response = np.zeros((len(predictors), _SUB))
    response[:, 0] = 1
    for n in range(1, _SUB):
        span = min(n, _ORDER)
        before = response[:, n - span : n][:, ::-1]
        response[:, n] = (predictors[:, :span] * before).sum(axis=1)
    offsets = np.arange(_SUB)[:, None] - np.arange(_SUB)
    return np.where(offsets >= 0, response[:, np.maximum(offsets, 0)], 0.0)


class _State:
    """What coder and decoder remember from one subframe to the next."""

    def __init__(self) -> None:
        self.excitation = np.zeros(int(_LAGS[-1]) + _SUB)
        self.output = np.zeros(_ORDER)  # newest last
        self.input = np.zeros(_ORDER)
        self.error = np.zeros(_ORDER)  # weighted

    def subframe(self, speech: Array, predictor: Array, filter_: Array, weigh: Array) -> Array:
        whole = np.concatenate([self.input, speech])
        taps = np.lib.stride_tricks.sliding_window_view(whole, _ORDER)[:_SUB, ::-1]
        residual = speech - taps @ predictor
        self.input = speech[-_ORDER:]
        weights = predictor * _WEIGHT ** np.arange(1, _ORDER + 1)
        target = weigh @ residual + weigh @ _ringing(self.error, weights)
        pitch, left = self._adaptive(target, weigh)
        excitation = pitch + _pulses(left, weigh)
        self.error = (target - weigh @ excitation)[-_ORDER:]
        out: Array = filter_ @ (excitation + _ringing(self.output, predictor))
        self.output = out[-_ORDER:]
        self.excitation = np.concatenate([self.excitation[_SUB:], excitation])
        return out

    def _adaptive(self, target: Array, weigh: Array) -> tuple[Array, Array]:
        """The stretch of past excitation that fits best, and the target it leaves."""
        size = len(self.excitation)
        within = np.arange(_SUB)[None, :] % _LAGS[:, None]  # a short lag repeats itself
        vectors = self.excitation[size - _LAGS[:, None] + within]
        filtered = vectors @ weigh.T
        match, energy = filtered @ target, (filtered**2).sum(axis=1) + 1e-12
        best = int(np.argmax(np.where(match > 0, match**2 / energy, 0)))
        gain = float(np.clip(np.round(match[best] / energy[best] / _PITCH_STEP), 0, 15))
        gain *= _PITCH_STEP
        return gain * vectors[best], target - gain * filtered[best]


def _ringing(memory: Array, predictor: Array) -> Array:
    """What the past (newest last) adds to the input of an all-pole filter at rest."""
    ring = np.zeros(_SUB)
    for n in range(_ORDER):
        ring[n] = predictor[n:] @ memory[::-1][: _ORDER - n]
    return ring


def _pulses(target: Array, weigh: Array) -> Array:
    """Four signed pulses of one gain, one in each track, by greedy matching."""
    code, made = np.zeros(_SUB), np.zeros(_SUB)
    energy = (weigh**2).sum(axis=0) + 1e-12
    left = target
    for track in _TRACKS:
        match = weigh.T @ left
        place = track[int(np.argmax(match[track] ** 2 / energy[track]))]
        code[place] = np.sign(match[place]) or 1.0
        made = weigh @ code
        scale = float(made @ target) / (float(made @ made) + 1e-12)
        left = target - scale * made
    gain = float(made @ target) / (float(made @ made) + 1e-12)
    if gain <= 1e-7:
        return np.zeros(_SUB)
    steps = np.round(20 * np.log10(gain) / _GAIN_STEP)
    return np.asarray(code * 10 ** (steps * _GAIN_STEP / 20), np.float64)
