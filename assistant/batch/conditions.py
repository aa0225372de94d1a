"""The condition grid: every way a line, a room or a handset can spoil the same clip. Pure.

A condition is a row: how much of the line is heard around the clip, what fills its silences, and
a chain of effects. The same seed, condition and clip give the same samples, whatever else is
measured and in whatever order.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import soxr

from assistant.batch import codecs, noises
from assistant.batch.speech_sets import RATE, Samples

SEED = 8079
LEAD = 0.3  # s of line before and after a clip, as the call's end-pointing leaves there
HISS = 45.0  # dB under the speech: what a line carries where a clip or a splice has exact zeros
_NARROW = codecs.RATE
_RUN = 32  # samples of exact zeros that are a gap, not a crossing
_PEAK = 0.98  # of full scale, that noise and gain do not pass: clipping is a condition of its own
_OVERLOAD = 12.0  # dB over full scale
_OFFSET = 0.1  # of full scale
_DECAY = 0.5  # s of reverberation time
_DIRECT = 3.0  # dB of direct over reverberant sound
_PACKET = 0.02  # s
_BURST = 2.0  # packets lost at once, on average


@dataclass(frozen=True, slots=True)
class Around:
    """What an effect may use. ``others``: other clips of the same folder, for a crowd."""

    rng: np.random.Generator
    others: Sequence[Samples] = field(default=(), repr=False)


Effect = Callable[[Samples, Around], Samples]  # at RATE, or at 8 kHz behind ``narrow``


@dataclass(frozen=True, slots=True)
class Condition:
    """``narrow``: effects see 8 kHz and the recognizer is given 8 kHz."""

    name: str
    title: str
    effects: tuple[Effect, ...] = ()
    narrow: bool = False
    lead: float = LEAD
    zeros: bool = False  # silences stay digital

    def apply(self, samples: Samples, clip: str, others: Sequence[Samples] = ()) -> Heard:
        """The clip as it is heard under this condition; ``clip`` names it, for the seed."""
        line = "clean" if self.name in STEADY else self.name  # the very hiss it is compared with
        key = (SEED, zlib.crc32(line.encode()), zlib.crc32(clip.encode()))
        around = Around(np.random.default_rng(key), others)
        quiet = np.zeros(int(self.lead * RATE), np.float32)
        sound = np.concatenate([quiet, samples, quiet])
        if not self.zeros:
            sound = _filled(sound, samples, around.rng)
        rate = _NARROW if self.narrow else RATE
        if self.narrow:
            sound = np.asarray(soxr.resample(sound, RATE, _NARROW), np.float32)
        for effect in self.effects:
            sound = effect(sound, around)
        return Heard(sound, rate)


@dataclass(frozen=True, slots=True)
class Heard:
    samples: Samples = field(repr=False)
    rate: int

    @property
    def pcm(self) -> bytes:
        return codecs.to_pcm(self.samples)


def gaps(samples: Samples) -> npt.NDArray[np.bool_]:
    """Where a recording holds exact zeros: digital silence, not a quiet line."""
    zero = np.concatenate([[False], samples == 0, [False]])
    edges = np.flatnonzero(zero[1:] != zero[:-1]).reshape(-1, 2)
    found = np.zeros(len(samples), np.bool_)
    for start, end in edges[edges[:, 1] - edges[:, 0] >= _RUN]:
        found[start:end] = True
    return found


def _filled(sound: Samples, speech: Samples, rng: np.random.Generator) -> Samples:
    level = np.sqrt(np.mean(noises.active(speech) ** 2)) if len(speech) else 0.0
    hiss = noises.pink(len(sound), rng) * np.float32(level * 10 ** (-HISS / 20))
    return np.where(gaps(sound), hiss, sound).astype(np.float32)


def _noise(make: Callable[[int, np.random.Generator], Samples], snr: float) -> Effect:
    def effect(sound: Samples, around: Around) -> Samples:
        return _within(noises.mix(sound, make(len(sound), around.rng), snr))

    return effect


def _narrow_noise(snr: float) -> Effect:
    def effect(sound: Samples, around: Around) -> Samples:
        return _within(noises.mix(sound, noises.pink(len(sound), around.rng), snr, _NARROW))

    return effect


def _crowd(snr: float, voices: int) -> Effect:
    def effect(sound: Samples, around: Around) -> Samples:
        crowd = noises.babble(len(sound), around.rng, around.others, voices)
        return _within(noises.mix(sound, crowd, snr))

    return effect


def _codec(code: Callable[[Samples], Samples]) -> Effect:
    return lambda sound, around: code(sound)


def _gain(decibels: float) -> Effect:
    """Louder, but never beyond full scale; or quieter."""
    factor = np.float32(10 ** (decibels / 20))
    return lambda sound, around: _within(np.asarray(sound * factor, np.float32))


def _speed(factor: float) -> Effect:
    """Tempo and pitch together, as a tape does."""
    return lambda sound, around: np.asarray(soxr.resample(sound, RATE * factor, RATE), np.float32)


def _reverb(sound: Samples, around: Around) -> Samples:
    """A living room: sparse early reflections, then noise that decays by 60 dB in ``_DECAY``."""
    rng, count = around.rng, int(_DECAY * RATE)
    time = np.arange(count) / RATE
    tail = rng.standard_normal(count) * np.exp(-6.9 * time / _DECAY) * (time > 0.02)
    for delay in rng.uniform(0.003, 0.03, 6):
        tail[int(delay * RATE)] += 12 * rng.choice([-1, 1]) * np.exp(-delay / 0.02)
    tail /= np.sqrt(np.sum(tail**2)) * 10 ** (_DIRECT / 20)
    tail[0] = 1.0
    size = len(sound) + count
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: len(sound)]
    return _within(np.asarray(wet, np.float32))


def _clipped(sound: Samples, around: Around) -> Samples:
    peak = float(np.max(np.abs(sound), initial=0)) or 1.0
    loud = sound / np.float32(peak) * np.float32(10 ** (_OVERLOAD / 20))
    return np.asarray(np.clip(loud, -1, 1), np.float32)


def _offset(sound: Samples, around: Around) -> Samples:
    peak = float(np.max(np.abs(sound), initial=0))
    room = min(1.0, (1 - _OFFSET) * _PEAK / peak) if peak else 1.0
    return np.asarray(sound * np.float32(room) + np.float32(_OFFSET), np.float32)


def _loss(share: float) -> Effect:
    """Packets lost in bursts (Gilbert's two states); the first of a burst is concealed by the
    packet before it at half its level, the others by silence."""

    def effect(sound: Samples, around: Around) -> Samples:
        out, size, bad, run = sound.copy(), int(_PACKET * _NARROW), False, 0
        enter = share / (1 - share) / _BURST
        for at in range(size, len(out) - size + 1, size):
            bad = around.rng.random() >= 1 / _BURST if bad else around.rng.random() < enter
            run = run + 1 if bad else 0
            if bad:
                out[at : at + size] = 0.5 * out[at - size : at] if run == 1 else 0
        return out

    return effect


def _within(sound: Samples) -> Samples:
    """Turned down to just under full scale where it would pass it."""
    peak = float(np.max(np.abs(sound), initial=0))
    return np.asarray(sound * np.float32(min(1.0, _PEAK / peak)) if peak else sound, np.float32)


def _table() -> dict[str, Condition]:
    mulaw, gsm, celp = (_codec(code) for code in (codecs.mulaw, codecs.gsm, codecs.celp))
    rows = [
        Condition("clean", "sạch, 16 kHz"),
        Condition("mulaw", "8 kHz µ-law", (mulaw,), narrow=True),
        Condition("mulaw-15", "8 kHz µ-law, tạp âm 15 dB", (_narrow_noise(15), mulaw), narrow=True),
        Condition("gsm", "GSM 06.10", (gsm,), narrow=True),
        Condition("amr", "bộ mã kiểu AMR (CELP)", (celp,), narrow=True),
    ]
    for snr in (20, 10, 5):
        rows += [
            Condition(f"street-{snr}", f"đường phố {snr} dB", (_noise(noises.street, snr),)),
            Condition(f"babble-{snr}", f"đám đông {snr} dB", (_crowd(snr, 6),)),
            Condition(f"car-{snr}", f"trong ô tô {snr} dB", (_noise(noises.car, snr),)),
        ]
    rows += [
        Condition("talker", "người thứ hai nói, 12 dB", (_crowd(12, 1),)),
        Condition("reverb", f"phòng vang {_DECAY} s", (_reverb,)),
        Condition("slow", "chậm 15 %", (_speed(0.85),)),
        Condition("fast", "nhanh 15 %", (_speed(1.15),)),
        Condition("level-30", "nhỏ 30 dB", (_gain(-30),)),
        Condition("level-20", "nhỏ 20 dB", (_gain(-20),)),
        Condition("level+20", "to 20 dB", (_gain(20),)),
        Condition("clipped", f"vỡ tiếng {_OVERLOAD:.0f} dB", (_clipped,)),
        Condition("loss", "mất 5 % gói", (_loss(0.05), mulaw), narrow=True),
        Condition("zeros", "im lặng số chung quanh", zeros=True),
        Condition("immediate", "nói ngay từ mẫu đầu", lead=0.0),
        Condition("offset", f"lệch một chiều {_OFFSET}", (_offset,)),
    ]
    return {row.name: row for row in rows}


CONDITIONS = _table()
STEADY = ("zeros", "immediate", "level-20", "level+20", "offset")  # must change nothing
ALIASES = {"telephone": ("mulaw-15",), "grid": tuple(CONDITIONS), "all": tuple(CONDITIONS)}
