"""Sounds that are no speech, and must be heard as nothing: coughs, music, tones, lines, streets."""

from __future__ import annotations

import numpy as np

from assistant.training.augment import RATE, Rng, Samples, coloured_noise, street
from assistant.training.corpus import Corpus, pack


def cough(rng: Rng) -> Samples:
    """One to three bursts of shaped noise with a sharp attack, as throats, knocks and clicks."""
    out = [np.zeros(int(RATE * rng.uniform(0.05, 0.4)), np.float32)]
    for _ in range(rng.integers(1, 4)):
        count = int(RATE * rng.uniform(0.04, 0.45))
        t = np.arange(count) / RATE
        envelope = np.minimum(t / rng.uniform(0.002, 0.03), 1) * np.exp(-t * rng.uniform(4, 30))
        noise = coloured_noise(count, float(rng.uniform(0, 1.5)), rng)
        if rng.random() < 0.4:  # some voice in it
            pitch = rng.uniform(80, 300) * (1 - 0.4 * t / t[-1])
            noise = noise + np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / RATE))
        out += [
            (noise * envelope).astype(np.float32),
            np.zeros(int(RATE * rng.uniform(0.03, 0.5)), np.float32),
        ]
    return np.concatenate(out).astype(np.float32)


def music(rng: Rng) -> Samples:
    """Notes of a few harmonics, sometimes two at a time, as waiting music."""
    parts = []
    for _ in range(rng.integers(4, 14)):
        t = np.arange(int(RATE * rng.uniform(0.1, 0.5))) / RATE
        note = np.zeros(len(t))
        for _ in range(rng.integers(1, 4)):
            base = 110 * 2 ** (rng.integers(0, 36) / 12)
            note += sum(np.sin(2 * np.pi * base * k * t) / k for k in range(1, 6))
        parts.append(note * np.exp(-t * rng.uniform(0, 6)))
    return np.concatenate(parts).astype(np.float32)


def tones(rng: Rng) -> Samples:
    """Keys, beeps and ringing."""
    parts = []
    for _ in range(rng.integers(1, 8)):
        t = np.arange(int(RATE * rng.uniform(0.06, 0.9))) / RATE
        low, high = rng.uniform(350, 950), rng.uniform(1_150, 1_650)
        second = np.sin(2 * np.pi * high * t) if rng.random() < 0.7 else 0.0
        parts += [np.sin(2 * np.pi * low * t) + second,
                  np.zeros(int(RATE * rng.uniform(0.03, 0.4)))]  # fmt: skip
    return np.concatenate(parts).astype(np.float32)


def _noise(rng: Rng) -> Samples:
    return coloured_noise(int(RATE * rng.uniform(0.5, 4)), float(rng.uniform(0, 2)), rng)


def _street(rng: Rng) -> Samples:
    return street(int(RATE * rng.uniform(0.5, 4)), rng)


_MAKERS = (cough, cough, music, tones, _noise, _street)


def sounds(count: int, seed: int) -> Corpus:
    """``count`` sounds, each aligned with a text of no words."""
    made = []
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        samples = _MAKERS[index % len(_MAKERS)](rng)
        scaled = samples / (np.max(np.abs(samples)) + 1e-6) * 20_000
        made.append((scaled.astype(np.int16), "", "sounds"))
    return pack(made, [np.zeros((0, 2), np.int32)] * count)
