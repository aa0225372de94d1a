"""What reaches an engine before and under the caller's audio."""

from __future__ import annotations

import numpy as np

from assistant.asr.intake import Intake
from assistant.settings import Asr

RATE = 8_000


def test_a_little_quiet_comes_before_every_utterance_and_once() -> None:
    intake = Intake(RATE, Asr(lead=0.1, level=None, denoise=0, noise_floor=None))
    assert intake.lead == 0.1
    for _ in range(2):
        intake.begin(RATE)
        assert intake.take(last=False) == b""
        intake.add(b"\1\0" * 160)
        assert intake.take(last=False) == bytes(1_600) + b"\1\0" * 160
        intake.add(b"\2\0" * 160)
        assert intake.take(last=True) == b"\2\0" * 160


def test_the_quiet_is_no_digital_silence() -> None:
    intake = Intake(RATE, Asr(lead=0.1, noise_floor=-75.0))
    intake.begin(RATE)
    intake.add(bytes(320))
    heard = np.frombuffer(intake.take(last=True), "<i2")
    assert len(heard) == 960
    assert 0 < np.abs(heard).max() < 32


def test_the_line_s_offset_and_level_are_gone_before_the_quiet() -> None:
    intake = Intake(RATE, Asr(lead=0.1, level=-24.0, noise_floor=None))
    intake.begin(2 * RATE)
    at = np.arange(2 * RATE)
    noise = np.random.default_rng(1).normal(0, 3, 2 * RATE)
    tone = 300 * np.sin(at / 4) * (at > RATE) * (at % 4_000 < 3_000) + noise
    intake.add(np.rint(tone + 1_000).astype("<i2").tobytes())
    heard = np.frombuffer(intake.take(last=True), "<i2").astype(float)
    assert not heard[: RATE // 10].any()
    assert abs(heard.mean()) < 0.01 * np.abs(heard).max()
    assert 0.5 < np.sqrt(np.mean(heard[-RATE // 2 :] ** 2)) / (32768 * 10 ** (-24 / 20)) < 2


def test_a_line_s_noise_is_turned_down_once_the_level_is_known() -> None:
    noise = np.random.default_rng(2).normal(0, 200, 2 * RATE)
    at = np.arange(2 * RATE)
    tone = 6_000 * np.sin(at / 2) * (at % 4_000 < 2_000)
    pcm = np.rint(noise + tone).astype("<i2").tobytes()
    quiet = []
    for most in (0.0, 12.0):
        intake = Intake(RATE, Asr(lead=0, level=-20.0, denoise=most, noise_floor=None))
        for _ in range(2):  # the second utterance as the first
            intake.begin(RATE)
            intake.add(pcm)
            heard = np.frombuffer(intake.take(last=True), "<i2").astype(float)
            quiet.append(heard[2 * RATE - 1_600 :].std())
    assert quiet[0] == quiet[1]
    assert quiet[2] == quiet[3]
    assert 3 < quiet[0] / quiet[2] < 4.5


def test_nothing_fed_is_nothing_heard() -> None:
    intake = Intake(RATE, Asr())
    intake.begin(RATE)
    assert intake.take(last=True) == b""
