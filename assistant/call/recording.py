"""Recordings without secrets: tones where a code or a password was heard. Pure.

Of the caller only turns that were understood and carry no digits are kept; the rest may be a
code that was not recognised. The assistant's digits are known to the sample.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from assistant.call.record import Turn

Span = tuple[float, float]  # seconds

_TONE_HZ = 440.0
_TONE_LEVEL = 0.08  # of full scale, about -22 dBFS
_RAMP = 0.01  # s of fade at either end, so that it does not click
_MARGIN = 0.02  # s more than the digits themselves


def caller_spans(turns: Iterable[Turn], pre_roll: float) -> tuple[list[Span], list[Span]]:
    """Spans of the caller's side to keep, and to replace by a tone; the rest becomes silence.

    ``pre_roll``: seconds before listening began that belong to a turn."""
    keep: list[Span] = []
    tone: list[Span] = []
    for turn in turns:
        if turn.listened is None:
            continue
        start = max(0.0, turn.listened - pre_roll)
        if turn.ended is None:  # the call ended in mid-turn: nobody knows what was said
            tone.append((start, float("inf")))
        elif turn.words or turn.keys:
            (tone if turn.sensitive else keep).append((start, turn.ended))
    return keep, tone


def redact_caller(pcm: bytes, rate: int, keep: Iterable[Span], tone: Iterable[Span]) -> bytes:
    """The caller's side with only ``keep`` as it was; ``tone`` wins where both overlap."""
    samples = np.frombuffer(pcm, "<i2")
    out = np.zeros_like(samples)
    for start, end in _places(keep, rate, len(samples)):
        out[start:end] = samples[start:end]
    return _with_tones(out, rate, tone)


def redact_assistant(pcm: bytes, rate: int, spans: Iterable[Span]) -> bytes:
    """The assistant's side with tones over its digits."""
    wider = [(start - _MARGIN, end + _MARGIN) for start, end in spans]
    return _with_tones(np.frombuffer(pcm, "<i2").copy(), rate, wider)


def mix(one: bytes, other: bytes) -> bytes:
    """Both sides in one channel, limited; the shorter one is followed by silence."""
    length = max(len(one), len(other))
    first, second = (
        np.frombuffer(side.ljust(length, b"\0"), "<i2").astype(np.int32) for side in (one, other)
    )
    both: NDArray[np.int16] = np.clip(first + second, -32768, 32767).astype("<i2")
    return both.tobytes()


def _with_tones(samples: NDArray[np.int16], rate: int, spans: Iterable[Span]) -> bytes:
    for start, end in _places(spans, rate, len(samples)):
        samples[start:end] = _tone(end - start, rate)
    return samples.tobytes()


def _tone(length: int, rate: int) -> NDArray[np.int16]:
    ramp = min(round(_RAMP * rate), length // 2)
    envelope = np.ones(length)
    if ramp:
        envelope[:ramp] = np.linspace(0, 1, ramp)
        envelope[-ramp:] = np.linspace(1, 0, ramp)
    wave = np.sin(2 * np.pi * _TONE_HZ / rate * np.arange(length)) * envelope
    tone: NDArray[np.int16] = np.rint(wave * _TONE_LEVEL * 32767).astype("<i2")
    return tone


def _places(spans: Iterable[Span], rate: int, length: int) -> Iterable[tuple[int, int]]:
    """Sample positions of spans in seconds, cut to what there is."""
    for start, end in spans:
        first = max(0, int(start * rate))
        last = length if end == float("inf") else min(length, int(np.ceil(end * rate)))
        if first < last:
            yield first, last
