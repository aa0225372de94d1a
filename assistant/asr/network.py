"""The network of a ``final.mdl`` that our recipe wrote, computed once more outside Vosk: what it
said of every phone at every moment, which Vosk keeps to itself.

Only files that ``training/export.py`` wrote are read: their layers, by name.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

RATE = 8_000  # Hz
SUBSAMPLING = 3  # frames of 10 ms an output
OUTPUT_SECONDS = SUBSAMPLING * 0.01
FRONT = (-2, -1, 0, 1, 2)  # frames that the first layer sees
STRIDE = (-1, 0, 1)  # of its outputs, what the second sees

_NAME = b"<ComponentName> "
_AFFINE = b"<FixedAffineComponent> <LinearParams> CM2 "
_BIAS = b"<BiasParams> FV "
_PRIORS = b"<Priors> FV "

_WINDOW, _STEP, _POINTS = 200, 80, 256  # samples
_BINS, _LOW, _HIGH = 40, 40.0, 3_800.0
_EMPHASIS = np.float32(0.97)


def affine_layers(data: bytes) -> dict[str, tuple[Matrix, Matrix]]:
    """Every affine component: name → (weight, bias)."""
    found: dict[str, tuple[Matrix, Matrix]] = {}
    at = data.find(_NAME)
    while at >= 0:
        end = data.index(b" ", at + len(_NAME))
        start = end + 1
        if data.startswith(_AFFINE, start):
            name = data[at + len(_NAME) : end].decode()
            start += len(_AFFINE)
            low, span, rows, columns = struct.unpack_from("<ffii", data, start)
            steps = np.frombuffer(data, "<u2", rows * columns, start + 16)
            weight = np.asarray(low + span * (steps / 65535), np.float32).reshape(rows, columns)
            start += 16 + 2 * rows * columns + len(_BIAS)
            bias = np.frombuffer(data, "<f4", rows, start + 5).copy()
            found[name] = (weight, bias)
            start += 5 + 4 * rows
        at = data.find(_NAME, start)
    return found


def inputs_of(data: bytes) -> dict[str, str]:
    """What each node hears, from the config lines at the file's beginning."""
    lines = data[: data.find(_NAME)].decode("utf-8", "replace")
    return dict(re.findall(r"^component-node name=(\S+) .*?input=(.+)$", lines, re.MULTILINE))


def offsets_of(source: str) -> tuple[int, ...]:
    """ "Append(Offset(x, -3), x)" → (-1, 0), in outputs."""
    parts = re.findall(r"Offset\([^,]+, (-?\d+)\)|([^\s,()]+)", source.removeprefix("Append"))
    return tuple(int(offset or 0) // SUBSAMPLING for offset, _ in parts)


def priors_of(data: bytes) -> Matrix:
    """What the recognizer takes for each phone's usual output; empty where the file says that there
    are none. Raises ValueError, struct.error for a file that does not come so far."""
    at = data.rindex(_PRIORS) + len(_PRIORS)
    (count,) = struct.unpack_from("<i", data, at + 1)
    return np.frombuffer(data, "<f4", count, at + 5).copy()


def _log_priors(data: bytes, phones: int) -> Matrix:
    try:
        priors = priors_of(data)
    except (ValueError, struct.error):
        priors = np.zeros(0, np.float32)
    good = len(priors) == phones and bool((priors > 0).all())
    return np.log(priors) if good else np.zeros(0, np.float32)


def towers_of(layers: Mapping[str, object]) -> list[str]:
    """What the names of each network's layers begin with; of a single one nothing."""
    count = max(1, sum(name.endswith(".output.affine") for name in layers))
    return [f"t{number}." if count > 1 else "" for number in range(count)]


@dataclass(frozen=True, slots=True)
class _LowRank:
    parts: Matrix  # (width, offsets × rank): what each offset's frame gives
    affine: Matrix  # (rank, width)
    bias: Matrix
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Tower:
    front: tuple[Matrix, Matrix]
    stride: tuple[Matrix, Matrix]
    layers: tuple[_LowRank, ...]
    output: tuple[Matrix, Matrix]

    def outputs(self, features: Matrix, count: int) -> Matrix:
        """Features (frames, bins) → what the last layer says (count, phones)."""
        left = 3 - SUBSAMPLING * sum(min(layer.offsets) for layer in self.layers)
        right = 3 + SUBSAMPLING * sum(max(layer.offsets) for layer in self.layers)
        last = SUBSAMPLING * (count - 1) + right
        places = np.clip(np.arange(-left, last + 1), 0, len(features) - 1)
        x = _relu(_spliced(features[places], len(FRONT)), *self.front)
        x = _relu(_spliced(x, len(STRIDE), SUBSAMPLING), *self.stride)
        for layer in self.layers:
            before, frames = -min(layer.offsets), len(x) + min(layer.offsets) - max(layer.offsets)
            narrow = x @ layer.parts
            rank = len(layer.affine)
            total = np.zeros((frames, rank), np.float32)
            for place, offset in enumerate(layer.offsets):
                start = before + offset
                total += narrow[start : start + frames, place * rank : (place + 1) * rank]
            hidden = _relu(total, layer.affine, layer.bias)
            hidden += x[before : before + frames]
            x = hidden
        weight, bias = self.output
        return x @ weight + bias


class Network:
    """All the networks of a file, side by side. Shared by all calls and threads."""

    def __init__(self, towers: tuple[_Tower, ...], priors: Matrix) -> None:
        """``priors``: the log of what the recognizer takes for a phone's usual output; empty where
        the file has no such thing."""
        self._towers = towers
        self.priors = priors

    @classmethod
    def read(cls, path: Path) -> Network | None:
        """None: no file that our recipe wrote."""
        data = path.read_bytes()
        try:
            layers, inputs = affine_layers(data), inputs_of(data)
            towers = tuple(_tower(layers, inputs, prefix) for prefix in towers_of(layers))
            return cls(towers, _log_priors(data, len(towers[0].output[1])))
        except (KeyError, ValueError, struct.error):
            return None

    @property
    def phones(self) -> int:
        return len(self._towers[0].output[1])

    def outputs(self, pcm: bytes) -> Matrix:
        """16-bit PCM at 8 kHz → log-probabilities (outputs, phones), one every 30 ms; none of
        less than 25 ms."""
        features = fbank(np.frombuffer(pcm, "<i2").astype(np.float32))
        count = -(-len(features) // SUBSAMPLING)
        if not count:
            return np.zeros((0, self.phones), np.float32)
        first, *others = (tower.outputs(features, count) for tower in self._towers)
        for other in others:
            first += other
        first -= first.max(axis=1, keepdims=True)
        first -= np.log(np.exp(first).sum(axis=1, keepdims=True))
        return first


def _tower(
    layers: Mapping[str, tuple[Matrix, Matrix]], inputs: Mapping[str, str], prefix: str
) -> _Tower:
    found: list[_LowRank] = []
    while (name := f"{prefix}l{len(found)}.linear") in layers:
        offsets = offsets_of(inputs[name])
        linear, _ = layers[name]
        rank = len(linear)
        parts = linear.reshape(rank, len(offsets), -1).transpose(2, 1, 0)
        weight, bias = layers[f"{prefix}l{len(found)}.affine"]
        whole = np.ascontiguousarray(parts.reshape(len(parts), -1))
        found.append(_LowRank(whole, _turned(weight), bias, offsets))
    front, stride, output = (
        (_turned(weight), bias)
        for weight, bias in (layers[f"{prefix}{part}.affine"] for part in _ENDS)
    )
    return _Tower(front, stride, tuple(found), output)


_ENDS = ("front", "stride", "output")


def _turned(weight: Matrix) -> Matrix:
    return np.ascontiguousarray(weight.T)


def _relu(x: Matrix, weight: Matrix, bias: Matrix) -> Matrix:
    out: Matrix = x @ weight
    out += bias
    return np.maximum(out, np.float32(0), out=out)


def _spliced(x: Matrix, wide: int, step: int = 1) -> Matrix:
    """Every ``step``-th stretch of ``wide`` frames, each as one row."""
    windows = np.lib.stride_tricks.sliding_window_view(x, wide, axis=0)[::step]
    return np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(len(windows), -1)


def fbank(samples: Matrix) -> Matrix:
    """Samples of a 16-bit size at 8 kHz → log-mel frames (frames, 40) every 10 ms, as Kaldi
    computes them."""
    if len(samples) < _WINDOW:
        return np.zeros((0, _BINS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_STEP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    shaped = frames.copy()
    shaped[:, 1:] -= _EMPHASIS * frames[:, :-1]
    shaped[:, 0] -= _EMPHASIS * frames[:, 0]
    window, mel = _tables()
    shaped *= window
    spectrum = np.fft.rfft(shaped, _POINTS, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    energies: Matrix = np.maximum(power[:, : len(mel)] @ mel, np.finfo(np.float32).eps)
    return np.log(energies, out=energies)


@cache
def _tables() -> tuple[Matrix, Matrix]:
    """Povey's window, and the mel bands (128 frequencies, 40)."""
    place = np.arange(_WINDOW) * (2 * np.pi / (_WINDOW - 1))
    window = (0.5 - 0.5 * np.cos(place)) ** 0.85
    ends = _mel(np.array([_LOW, _HIGH]))
    edges = np.linspace(ends[0], ends[1], _BINS + 2)
    at = _mel(np.arange(_POINTS // 2, dtype=np.float64) * (RATE / _POINTS))[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bands = np.minimum((at - low) / (centre - low), (high - at) / (high - centre))
    return window.astype(np.float32), np.maximum(bands, 0).astype(np.float32)


def _mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1127.0 * np.log1p(hertz / 700.0)
