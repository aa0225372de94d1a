"""What is heard behind a caller, synthesised: street, car, crowd, music, coughs. Pure.

Nothing here is a recording: rumble, engines, horns and tyres are shaped noise and harmonics; a
crowd is other clips of the same folder, laid over each other. Levels are counted in the
telephone band, so that 10 dB of car noise is 10 dB where speech is heard, not below 100 Hz.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Rng = np.random.Generator

RATE = 16_000  # Hz
BAND = (300.0, 3_400.0)  # Hz; where a signal-to-noise ratio is counted
_BED = 20.0  # s of street or car that are made once and taken from anywhere
_FRAME = 0.02  # s
_QUIET = 30.0  # dB under the loudest frame: below that nobody is speaking
_VOICES = 6  # of a crowd
_SEED = 8079


def band_power(samples: Samples, rate: int = RATE) -> float:
    """Mean power inside ``BAND``."""
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / rate)
    inside = (frequency >= BAND[0]) & (frequency <= BAND[1])
    return float(2 * spectrum[inside].sum() / len(samples) ** 2)


def active(samples: Samples, rate: int = RATE) -> Samples:
    """The frames in which somebody speaks: pauses do not make speech any quieter."""
    size = int(_FRAME * rate)
    count = len(samples) // size
    if not count:
        return samples
    frames = samples[: count * size].reshape(count, size)
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    return np.asarray(frames[power >= power.max() * 10 ** (-_QUIET / 10)].ravel(), np.float32)


def mix(speech: Samples, noise: Samples, snr: float, rate: int = RATE) -> Samples:
    """Speech with noise of the same length, ``snr`` dB under the active speech in ``BAND``."""
    wanted = band_power(active(speech, rate), rate) / 10 ** (snr / 10)
    have = band_power(noise, rate)
    if not wanted or not have:
        return speech
    return np.asarray(speech + noise * np.float32(np.sqrt(wanted / have)), np.float32)


def coloured(count: int, slope: float, rng: Rng) -> Samples:
    """Noise whose power falls with frequency**slope (0 white, 1 pink, 2 brown), unit rms."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.maximum(np.arange(len(spectrum)), 1.0)
    return _unit(np.fft.irfft(spectrum * frequency ** (-slope / 2), count))


def pink(count: int, rng: Rng) -> Samples:
    return coloured(count, 1.0, rng)


def street(count: int, rng: Rng) -> Samples:
    """Motorbikes passing over a rumble that swells, and a horn now and then."""
    return _from_bed(street_bed(), count, rng)


def car(count: int, rng: Rng) -> Samples:
    """Inside a moving car: road and wind below, an engine's harmonics above."""
    return _from_bed(car_bed(), count, rng)


def babble(count: int, rng: Rng, others: Sequence[Samples], voices: int = _VOICES) -> Samples:
    """Voices of other clips at once, equally loud; one voice is a second speaker."""
    crowd = np.zeros(count, np.float64)
    for _ in range(voices if others else 0):
        spoken: list[Samples] = []
        while sum(map(len, spoken)) < count:
            spoken.append(others[int(rng.integers(len(others)))])
        line = np.concatenate(spoken)
        crowd += _unit(np.roll(line, int(rng.integers(len(line))))[:count])
    return _unit(crowd)


@cache
def street_bed() -> Samples:
    rng = np.random.default_rng((_SEED, 1))
    time = np.arange(int(_BED * RATE)) / RATE
    swell = 1 + 0.5 * np.sin(2 * np.pi * 0.11 * time) + 0.3 * np.sin(2 * np.pi * 0.37 * time + 1)
    sound: npt.NDArray[np.float64] = coloured(len(time), 1.4, rng) * swell
    for _ in range(16):  # one passes nearly every second
        middle, width = rng.uniform(0, _BED), rng.uniform(0.6, 1.8)
        near = slice(*np.searchsorted(time, (middle - 3 * width, middle + 3 * width)))
        sound[near] += _motorbike((time[near] - middle) / width, rng)
    for _ in range(6):
        sound += _horn(time, rng)
    return _unit(sound)


@cache
def car_bed() -> Samples:
    rng = np.random.default_rng((_SEED, 2))
    count = int(_BED * RATE)
    time = np.arange(count) / RATE
    speed = 1 + 0.08 * np.sin(2 * np.pi * 0.05 * time)
    phase = 2 * np.pi * np.cumsum(38 * speed) / RATE
    engine = sum(np.sin(k * phase + k) / k**0.8 for k in range(1, 24))
    road = coloured(count, 2.0, rng) * 3 + coloured(count, 1.0, rng) * (0.6 + 0.4 * speed)
    return _unit(road + 0.35 * engine)


def _motorbike(away: npt.NDArray[np.float64], rng: Rng) -> npt.NDArray[np.float64]:
    """A pulse train of a small engine that comes, falls in pitch as it passes, and goes.
    ``away``: of every sample, -3 to 3, 0 where it is nearest."""
    pitch = rng.uniform(55, 110) * (1 - 0.06 * np.tanh(3 * away))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase + 0.3 * k * k) / k**0.6 for k in range(1, 24))
    hiss = rng.standard_normal(len(away)) * (1 + np.sin(phase))
    near = np.exp(-(away**2)) * rng.uniform(0.3, 1.2)
    out: npt.NDArray[np.float64] = near * (0.5 * tone + 0.5 * hiss)
    return out


def _horn(time: npt.NDArray[np.float64], rng: Rng) -> npt.NDArray[np.float64]:
    start, length = rng.uniform(0, _BED), rng.uniform(0.12, 0.7)
    on = (time >= start) & (time < start + length)
    base = rng.uniform(380, 480)
    tone = sum(np.sin(2 * np.pi * base * k * r * time) / k for k in (1, 2, 3, 4) for r in (1, 1.26))
    return np.asarray(on * tone * rng.uniform(0.4, 1.4), np.float64)


def _music(count: int, rng: Rng) -> Samples:
    """Chords with decaying notes over a beat: what a call put on hold, or a shop, plays."""
    time = np.arange(count) / RATE
    sound: npt.NDArray[np.float64] = np.zeros(count)
    for beat in np.arange(0, count / RATE, 0.4):
        after = np.maximum(time - beat, 0) * (time >= beat)
        root = 220 * 2 ** (float(rng.integers(0, 12)) / 12)
        for interval in (0, 4, 7, 12):
            note = root * 2 ** (interval / 12)
            tone = sum(np.sin(2 * np.pi * note * k * time) / k**1.5 for k in range(1, 6))
            sound += (time >= beat) * np.exp(-3 * after) * tone
    return _unit(sound)


def _coughs(count: int, rng: Rng) -> Samples:
    """Two or three bursts of breath noise through a short throat, falling within 0.3 s."""
    time = np.arange(count) / RATE
    sound = 0.001 * rng.standard_normal(count)
    for start in (0.3, 0.75, 1.3)[: int(rng.integers(2, 4))]:
        after = time - start
        burst = (after >= 0) * np.exp(-np.maximum(after, 0) / rng.uniform(0.05, 0.1))
        throat = np.convolve(rng.standard_normal(count), _resonance(rng), "same")
        sound += burst * throat
    return _unit(sound)


def _resonance(rng: Rng) -> npt.NDArray[np.float64]:
    time = np.arange(int(0.01 * RATE)) / RATE
    formants = (rng.uniform(500, 900), rng.uniform(1_100, 1_700), rng.uniform(2_300, 2_900))
    out: npt.NDArray[np.float64] = sum(  # type: ignore[assignment]
        np.exp(-time * 400) * np.sin(2 * np.pi * f * time) / (i + 1) for i, f in enumerate(formants)
    )
    return out


def _ringing(count: int, rng: Rng) -> Samples:
    """Another telephone: 425 Hz, one second on."""
    time = np.arange(count) / RATE
    on = (time % 1.5) < 1.0
    return _unit(on * np.sin(2 * np.pi * 425 * time) + 0.003 * rng.standard_normal(count))


def _typing(count: int, rng: Rng) -> Samples:
    """Clicks of 4 ms, some eight a second."""
    sound = 0.002 * rng.standard_normal(count)
    for start in rng.integers(0, max(count - 64, 1), int(8 * count / RATE)):
        sound[start : start + 64] += rng.standard_normal(min(64, count - start)) * rng.uniform(
            0.2, 1
        )
    return _unit(sound)


def _silence(count: int, rng: Rng) -> Samples:
    return np.zeros(count, np.float32)


def _white(count: int, rng: Rng) -> Samples:
    return coloured(count, 0.0, rng)


# What must be heard as nothing at all: name → how it is made
NOT_SPEECH: dict[str, Callable[[int, Rng], Samples]] = {
    "im lặng số": _silence,
    "tạp âm trắng": _white,
    "tạp âm hồng": pink,
    "đường phố": street,
    "trong ô tô": car,
    "nhạc": _music,
    "ho": _coughs,
    "chuông": _ringing,
    "gõ phím": _typing,
}


def _from_bed(bed: Samples, count: int, rng: Rng) -> Samples:
    places = (int(rng.integers(len(bed))) + np.arange(count)) % len(bed)
    return np.asarray(bed[places], np.float32)


def _unit(sound: npt.NDArray[np.floating]) -> Samples:
    rms = np.sqrt(np.mean(sound**2)) if len(sound) else 0.0
    return np.asarray(sound / rms if rms > 0 else sound, np.float32)
