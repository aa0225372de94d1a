"""What telephones, rooms and streets do to a voice. Pure: samples in, samples out.

Samples are float32 in -1..1 at ``RATE``. Every function takes its random generator, so an
utterance's augmentation is a function of (seed, epoch, index) alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.asr.denoise import Denoiser
from assistant.batch.codecs import celp, gsm, mulaw

RATE = 8_000
# What a handset's microphone does (Hz, dB): the sending side of ITU-T P.48, relative to 1 kHz.
_HANDSET = (
    (100, 160, 200, 300, 400, 600, 1000, 1600, 2000, 2500, 3150, 3500, 4000),
    (-42, -22, -15, -7, -5, -2, 0, 3, 4, 5.5, 5.5, -4, -33),
)

Samples = npt.NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Severity:
    """Probabilities and ranges of each damage; ``MILD`` is for the first epochs."""

    speed: float = 0.16  # ± relative
    lead: float = 0.5  # seconds of lead-in and tail, at most
    wait: float = 0.2  # lead-in and tail up to three times as long
    warp: float = 0.13  # ± of the vocal tract's length, relative
    reverb: float = 0.3
    colour: float = 0.8
    telephone: float = 0.65
    noise: float = 0.75
    babble: float = 0.25
    snr: tuple[float, float] = (3.0, 34.0)  # dB
    level: tuple[float, float] = (-48.0, -1.0)  # dBFS peak
    clip: float = 0.1
    gsm: float = 0.25  # at most one codec a line: the sum of the three is 1 or less
    celp: float = 0.03  # costs fifteen times as much as GSM to compute
    mulaw: float = 0.3
    coarse: float = 0.05  # 8-bit originals
    loss: float = 0.05  # packet loss
    zeros: float = 0.25  # digital silence around speech
    denoise: tuple[float, float] = (4.0, 10.0)  # dB at most, as the assistant does it
    noisy: float = 0.1  # left as it is


DEFAULT = Severity()
MILD = Severity(
    speed=0.1, warp=0.08, reverb=0.1, telephone=0.2, noise=0.4, babble=0.0, snr=(15.0, 40.0),
    level=(-25.0, -3.0), clip=0.0, gsm=0.0, celp=0.0, coarse=0.0, loss=0.0,
)  # fmt: skip


def change_speed(x: Samples, factor: float) -> Samples:
    """Resample so that pitch, formants and tempo move together by ``factor``."""
    count = max(int(len(x) / factor), 1)
    positions = np.linspace(0, len(x) - 1, count, dtype=np.float64)
    return np.interp(positions, np.arange(len(x)), x).astype(np.float32)


def coloured_noise(count: int, slope: float, rng: Rng) -> Samples:
    """Noise whose power falls with frequency**slope (0 white, 1 pink, 2 brown), unit RMS."""
    spectrum = np.fft.rfft(rng.standard_normal(count).astype(np.float32))
    frequency = np.arange(len(spectrum), dtype=np.float32)
    frequency[0] = 1.0
    noise = np.fft.irfft(spectrum * frequency ** (-slope / 2), count)
    return (noise / (np.std(noise) + 1e-9)).astype(np.float32)


def street(count: int, rng: Rng) -> Samples:
    """Brown rumble that swells, with horns and engine harmonics now and then; unit RMS."""
    t = np.arange(count) / RATE
    swell = 1.0 + 0.7 * np.sin(2 * np.pi * rng.uniform(0.1, 0.6) * t + rng.uniform(0, 6.28))
    noise = coloured_noise(count, float(rng.uniform(1.0, 2.0)), rng) * swell
    for _ in range(rng.integers(0, 3)):
        base = rng.uniform(60, 450)
        start = rng.uniform(0, max(t[-1], 0.01))
        window = (t > start) & (t < start + rng.uniform(0.1, 0.8))
        tone = sum(np.sin(2 * np.pi * base * k * t) / k for k in range(1, 5))
        noise = noise + window * tone * rng.uniform(0.3, 2.0)
    return (noise / (np.std(noise) + 1e-9)).astype(np.float32)


def _shape(count: int, severity: Severity, rng: Rng) -> npt.NDArray[np.complex64]:
    """Frequency response of handset, line and room for an FFT of ``count`` samples."""
    bins = count // 2 + 1
    frequency = np.linspace(0, RATE / 2, bins)
    gain = np.zeros(bins)
    if rng.random() < severity.colour:
        knots = np.array([0, 250, 600, 1200, 2000, 3000, 4000])
        gain += np.interp(frequency, knots, rng.normal(0, 4.0, len(knots)))
    if rng.random() < severity.telephone:
        low, high = rng.uniform(150, 350), rng.uniform(3100, 3700)
        gain -= np.clip((low - frequency) / low, 0, 1) * rng.uniform(10, 40)
        gain -= np.clip((frequency - high) / (RATE / 2 - high), 0, 1) * rng.uniform(10, 40)
        gain += np.interp(frequency, *_HANDSET) * rng.uniform(0, 1.6)
    response = (10 ** (gain / 20)).astype(np.complex64)
    if rng.random() < severity.reverb:
        decay = rng.uniform(0.03, 0.35)
        taps = int(RATE * decay * 1.5)
        impulse = rng.standard_normal(taps) * np.exp(-6.9 * np.arange(taps) / (RATE * decay))
        impulse *= 10 ** (-rng.uniform(2, 16) / 20) / (np.sqrt(np.sum(impulse**2)) + 1e-9)
        room = np.zeros(min(taps + 1, count))
        room[0] = 1.0
        room[1:] = impulse[: len(room) - 1]
        response = response * np.fft.rfft(room, count).astype(np.complex64)
    return response


def _codec(x: Samples, severity: Severity, rng: Rng) -> Samples:
    """Through one of the codecs, or none."""
    drawn = rng.random()
    for share, coded in ((severity.gsm, gsm), (severity.celp, celp), (severity.mulaw, mulaw)):
        if drawn < share:
            return coded(x)
        drawn -= share
    return x


def _lose_packets(x: Samples, rng: Rng) -> Samples:
    """Some 20 ms frames go silent, or repeat the one before, as a decoder conceals them."""
    out = x.copy()
    for start in range(160, len(x) - 160, 160):
        if rng.random() < 0.04:
            again = rng.random() < 0.5
            out[start : start + 160] = out[start - 160 : start] if again else 0
    return out


def _background(count: int, severity: Severity, rng: Rng, other: Samples | None) -> Samples:
    if other is not None and rng.random() < severity.babble:
        voices = np.zeros(count, np.float32)
        for _ in range(rng.integers(1, 5)):
            voices += np.resize(np.roll(other, int(rng.integers(len(other)))), count)
        return (voices / (np.std(voices) + 1e-9)).astype(np.float32)
    if rng.random() < 0.4:
        return street(count, rng)
    return coloured_noise(count, float(rng.uniform(0, 2)), rng)


@dataclass(frozen=True, slots=True)
class Moved:
    """Where speech went: sample ``t`` of the clean utterance is at ``lead + t / speed``."""

    speed: float
    lead: int


def spoil(
    x: Samples, rng: Rng, severity: Severity = DEFAULT, other: Samples | None = None
) -> tuple[Samples, Moved]:
    """One caller's line: speed, silence around, room, handset, noise, level, codec; and what the
    assistant takes of the noise again (``Denoiser``).

    ``x``: clean speech at ``RATE``; ``other``: somebody else's speech, for babble.
    """
    speed = float(rng.uniform(1 - severity.speed, 1 + severity.speed))
    x = change_speed(x, speed)
    longest = severity.lead * (3 if rng.random() < severity.wait else 1)
    lead = int(RATE * rng.uniform(0, longest)) if rng.random() < 0.7 else 0
    tail = int(RATE * rng.uniform(0, longest)) if rng.random() < 0.7 else 0
    x = np.concatenate([np.zeros(lead, np.float32), x, np.zeros(tail, np.float32)])
    rms = float(np.sqrt(np.mean(x**2))) + 1e-6
    if rng.random() < severity.noise:
        noise = _background(len(x), severity, rng, other)
        x = x + noise * np.float32(rms * 10 ** (-rng.uniform(*severity.snr) / 20))
    count = 1 << (len(x) - 1).bit_length()
    shaped = np.fft.irfft(np.fft.rfft(x, count) * _shape(count, severity, rng), count)
    x = np.asarray(shaped[: len(x)], np.float32)
    if rng.random() < severity.zeros:
        x[:lead] = 0
        x[len(x) - tail :] = 0
    x = x / (np.max(np.abs(x)) + 1e-6) * 10 ** (rng.uniform(*severity.level) / 20)
    if rng.random() < severity.clip:
        limit = np.max(np.abs(x)) * 10 ** (-rng.uniform(1, 20) / 20)
        x = np.clip(x, -limit, limit)
    if rng.random() < severity.coarse:
        step = np.max(np.abs(x)) / rng.integers(24, 128)
        x = np.round(x / step) * step
    x = _codec(np.asarray(x, np.float32), severity, rng)
    if rng.random() < severity.loss:
        x = _lose_packets(x, rng)
    x = x + np.float32(rng.normal(0, 0.002))  # DC offset
    if rng.random() >= severity.noisy:
        x = Denoiser(float(rng.uniform(*severity.denoise)), RATE).reduce(x, last=True)
    return np.asarray(np.round(np.clip(x, -1, 1) * 32767) / 32768, np.float32), Moved(speed, lead)


def unspoiled(x: Samples, moved: Moved, count: int, rng: Rng) -> Samples:
    """The same utterance where ``spoil`` moved it to, of ``count`` samples, on a good line: no
    room, hardly any noise, no codec."""
    speech = change_speed(x, moved.speed)[: count - moved.lead]
    out = np.zeros(count, np.float32)
    out[moved.lead : moved.lead + len(speech)] = speech
    peak = 10 ** (np.clip(rng.normal(-12, 2), -18, -6) / 20)
    floor = rng.standard_normal(count) * 10 ** (rng.uniform(-75, -60) / 20)
    return np.asarray(out / (np.max(np.abs(out)) + 1e-6) * peak + floor, np.float32)
