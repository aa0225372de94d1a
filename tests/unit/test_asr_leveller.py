"""One level for every caller, and no direct current."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistant.asr.leveller import Leveller
from assistant.asr.vad import levels

RATE = 8_000
WANTED = -24.0
Sound = NDArray[np.float64]


def hiss(seconds: float) -> Sound:
    return np.random.default_rng(1).normal(0, 8, round(seconds * RATE))  # -72 dBFS


def words(seconds: float) -> Sound:
    """Syllables of 0.2 s with gaps, about -21 dBFS."""
    time = np.arange(round(seconds * RATE)) / RATE
    return 4_000 * np.sin(2 * np.pi * 700 * time) * (time % 0.3 < 0.2)


def line(gain: float = 1.0, offset: float = 0.0) -> bytes:
    sound = np.concatenate([hiss(0.5), words(1.5) + hiss(1.5), hiss(0.4)])
    return bytes(np.rint(sound * gain + offset).astype("<i2").tobytes())


def levelled(pcm: bytes, piece: int = 320) -> Sound:
    leveller = Leveller(WANTED, RATE)
    parts = [pcm[at : at + piece] for at in range(0, len(pcm), piece)]
    out = b"".join(leveller.feed(part, last=False) for part in parts) + leveller.feed(b"", True)
    return np.frombuffer(out, "<i2").astype(float)


def loudest(sound: Sound) -> float:
    """dBFS of the loudest tenth of a second."""
    frames = levels(sound.astype("<i2").tobytes(), RATE, RATE // 50)
    return float(10 * np.log10(np.mean(10 ** (np.sort(frames)[-10:] / 10))))


@pytest.mark.parametrize("gain", [0.1, 0.3, 1.0, 3.0])
def test_every_caller_is_equally_loud(gain: float) -> None:
    out = levelled(line(gain))
    assert len(out) == len(line()) // 2
    assert abs(loudest(out) - WANTED) < 0.2
    assert np.abs(out - levelled(line())).max() < 0.01 * np.abs(out).max()


def test_an_offset_of_the_line_is_gone() -> None:
    out = levelled(line(offset=3_000))
    assert np.abs(out - levelled(line())).max() < 0.01 * np.abs(out).max()
    assert abs(out[: RATE // 4].mean()) < 10


@given(piece=st.integers(40, 3_000))
def test_how_audio_is_cut_changes_nothing(piece: int) -> None:
    assert np.array_equal(levelled(line(), 2 * piece), levelled(line()))


def test_what_comes_before_the_first_word_waits_for_it() -> None:
    leveller = Leveller(WANTED, RATE)
    assert leveller.feed(line()[: 2 * RATE], last=False) == b""
    assert leveller.feed(line()[2 * RATE : 3 * RATE], last=False) != b""


def test_a_line_without_speech_stays_quiet_and_waits_no_longer_than_a_moment() -> None:
    leveller = Leveller(WANTED, RATE)
    pcm = np.rint(hiss(4.0)).astype("<i2").tobytes()
    out = leveller.feed(pcm, last=False)
    assert len(out) == len(pcm)
    assert loudest(np.frombuffer(out, "<i2").astype(float)) < -65


def test_the_noise_of_a_line_that_opens_is_no_speech() -> None:
    """Digital silence, then the line's own noise, then the first word: as after a muted line."""
    opened = np.concatenate([np.zeros(RATE), hiss(0.6), words(0.5) + hiss(0.5)])
    out = levelled(np.rint(opened).astype("<i2").tobytes())
    before, word = out[: round(1.5 * RATE)], out[round(1.6 * RATE) :]
    assert abs(loudest(word) - WANTED) < 0.3
    assert loudest(before) < loudest(word) - 40


def test_digital_silence_stays_silent() -> None:
    assert not levelled(bytes(2 * RATE)).any()
    for samples in (0, 1, 100):  # less than a frame
        assert len(levelled(bytes(2 * samples))) == samples


def test_a_shout_after_quiet_words_is_no_clipping() -> None:
    quiet, loud = line(0.05), line(3.0)
    out = levelled(quiet + loud)
    assert np.abs(out).max() < 20_000
    assert abs(loudest(out[-len(loud) // 2 :]) - WANTED) < 2.0
