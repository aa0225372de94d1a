"""What a line may do to its packets: sizes, jitter, bursts, gaps, a clock that is not ours."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from assistant.channels.jitter import JitterBuffer
from assistant.settings import Live
from tests.call_tools import FRAME, QUIET, RATE

LIVE = Live(prefill=0.06, drift_window=1.0)


def buffer(rate: int = RATE, live: Live = LIVE) -> JitterBuffer:
    return JitterBuffer(rate, RATE, FRAME, live)


def speech(frames: int) -> bytes:
    """Sound in which no two samples in a row are zero."""
    return (np.arange(frames * FRAME // 2) % 1000 + 1).astype("<i2").tobytes()


def cut(pcm: bytes, sizes: Iterator[int]) -> Iterator[bytes]:
    at = 0
    while at < len(pcm):
        size = next(sizes)
        yield pcm[at : at + size]
        at += size


@pytest.mark.parametrize("size", [1, 2, 3, 159, 320, 321, 640, 1000, 5000])
def test_packets_of_any_size_come_out_as_they_went_in(size: int) -> None:
    jitter, pcm, out = buffer(), speech(20), b""
    for packet in cut(pcm, iter(lambda: size, 0)):
        jitter.put(packet)
        if len(jitter._waiting) > 50:  # a line is drained as it speaks
            jitter._fill()
    out = b"".join(jitter.take() for _ in range(20))
    assert out == pcm
    assert (jitter.missed, jitter.dropped) == (0, 0)


def test_packets_of_chance_sizes() -> None:
    rng = random.Random(7)
    jitter, pcm = buffer(), speech(45)
    for packet in cut(pcm, iter(lambda: rng.randrange(1, 700), 0)):
        jitter.put(packet)
    assert b"".join(jitter.take() for _ in range(45)) == pcm


def test_it_waits_for_a_little_sound_before_the_first_frame() -> None:
    jitter = buffer()
    jitter.put(speech(3))
    assert jitter.take() == QUIET
    jitter.put(speech(1))
    assert jitter.take() != QUIET
    assert jitter.missed == 0


def test_jitter_within_the_prefill_loses_nothing() -> None:
    """Packets are up to 60 ms late, in bursts; not one frame is missed or left out."""
    rng = random.Random(3)
    arrivals = sorted((i + rng.uniform(0, 2.9), i) for i in range(500))
    jitter, pcm, out, sent = buffer(), speech(500), [], 0
    for now in range(510):
        while sent < 500 and arrivals[sent][0] <= now:
            jitter.put(pcm[sent * FRAME : (sent + 1) * FRAME])
            sent += 1
        out.append(jitter.take())
    heard = [frame for frame in out if frame != QUIET]
    assert jitter.missed <= 8  # only after the last packet
    assert b"".join(heard[:480]) == pcm[: 480 * FRAME]


def test_a_gap_becomes_silence_and_the_stream_goes_on() -> None:
    jitter = buffer()
    jitter.put(speech(5))
    frames = [jitter.take() for _ in range(9)]
    assert [frame == QUIET for frame in frames] == [False] * 5 + [True] * 4
    assert jitter.missed == 4
    jitter.put(speech(1))
    assert jitter.take() == speech(1)


def test_a_burst_keeps_the_newest_sound() -> None:
    jitter = buffer(live=Live(most_buffered=0.5, prefill=0))
    pcm = speech(100)
    for i in range(100):
        jitter.put(pcm[i * FRAME : (i + 1) * FRAME])
    assert jitter.take() == pcm[75 * FRAME : 76 * FRAME]
    assert jitter.dropped == 75


def test_a_line_that_sends_without_end_costs_no_memory() -> None:
    jitter = buffer()
    for _ in range(20_000):
        jitter.put(b"\1\0" * 80)
    assert len(jitter._waiting) <= 1_000
    jitter.take()
    assert len(jitter._pending) <= FRAME * 50


def test_a_faster_clock_is_caught_up_frame_by_frame() -> None:
    """A line that sends 2 % too much: what waits stays bounded near the prefill."""
    jitter, worst = buffer(), 0
    for now in range(3_000):
        jitter.put(speech(1))
        if now % 50 == 0:
            jitter.put(speech(1))
        jitter.take()
        worst = max(worst, jitter._frames)
    assert worst <= 8
    assert jitter.missed == 0
    assert jitter.dropped == pytest.approx(60, abs=8)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_other_rates_are_resampled(rate: int) -> None:
    jitter = buffer(rate)
    tone = 10_000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    pcm = tone.astype("<i2").tobytes()
    packet = 2 * rate // 50
    out = b""
    for i in range(50):
        jitter.put(pcm[i * packet : (i + 1) * packet])
        out += jitter.take()
    heard = np.frombuffer(out, "<i2")[RATE // 4 :].astype(float)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * RATE / len(heard) == pytest.approx(440, abs=4)
    assert np.abs(heard).max() == pytest.approx(10_000, rel=0.1)
