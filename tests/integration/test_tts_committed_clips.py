"""The clips that ship: what every caller hears. Rebuild them with `assistant prompts build`."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from assistant.dialogue.types import Reply, Say, SayDigits
from assistant.settings import Voice, packaged
from assistant.tts.catalogue import DIGIT_KEYS, load_catalogue
from assistant.tts.check import check
from assistant.tts.clips import clip_path, read_clip
from assistant.tts.loudness import CLIP_RATE, PHONE_RATE, loudness, to_rate, true_peak
from assistant.tts.renderer import Renderer

FOLDER = packaged("audio_prompts")
CATALOGUE = load_catalogue(FOLDER)
VOICE = Voice()


def clip(key: str) -> np.ndarray:
    frames, rate, _ = read_clip(clip_path(FOLDER, key))
    assert rate == CLIP_RATE
    return frames[:, 0]


def test_nothing_is_missing_stale_silent_or_clipped() -> None:
    assert check(FOLDER, CATALOGUE, VOICE) == ()


@pytest.mark.parametrize("rate", [CLIP_RATE, PHONE_RATE])
def test_every_clip_is_equally_loud_and_leaves_headroom(rate: int) -> None:
    for key in CATALOGUE.prompts:
        samples = to_rate(clip(key), CLIP_RATE, rate)
        assert loudness(samples, rate) == pytest.approx(VOICE.target_lufs, abs=1.0), key
        peak = true_peak(samples, rate)
        assert peak is not None
        assert peak <= VOICE.true_peak + 0.1, key


def test_no_clip_begins_or_ends_in_the_middle_of_a_sound() -> None:
    edge = CLIP_RATE // 100
    for key in CATALOGUE.prompts:
        samples = clip(key)
        frames = samples[: len(samples) // edge * edge].reshape(-1, edge)
        loudest = np.sqrt(np.square(frames).mean(axis=1)).max()
        for part in (samples[:edge], samples[-edge:]):
            assert np.sqrt(np.square(part).mean()) < 0.03 * loudest, key


def test_sentences_are_spoken_at_a_pace_to_follow() -> None:
    for key, prompt in CATALOGUE.prompts.items():
        seconds = len(clip(key)) / CLIP_RATE
        if key in DIGIT_KEYS:
            assert 0.3 <= seconds <= 1.0, key
        else:
            # A Vietnamese syllable is a written word; short prompts are slower by their ends.
            assert 1.5 <= len(prompt.spoken.split()) / seconds <= 6, key


def test_no_two_digits_sound_alike() -> None:
    length = CLIP_RATE
    spectra = {
        key: np.log(1e-3 + np.abs(np.fft.rfft(clip(key), length)))[50:4_000] for key in DIGIT_KEYS
    }
    for one, other in combinations(DIGIT_KEYS, 2):
        assert not np.array_equal(clip(one), clip(other))
        assert np.corrcoef(spectra[one], spectra[other])[0, 1] < 0.95, (one, other)


def test_the_clips_stay_small() -> None:
    total = sum(path.stat().st_size for path in Path(FOLDER / "clips").iterdir())
    assert total < 6_000_000


@pytest.mark.parametrize("rate", [CLIP_RATE, PHONE_RATE])
def test_every_prompt_can_be_said_at_both_speeds(rate: int) -> None:
    renderer = Renderer.open(FOLDER, rate, VOICE)
    for key in CATALOGUE.prompts:
        normal, slow = (renderer.render(Reply((Say(key),), slow)) for slow in (False, True))
        assert slow.seconds == pytest.approx(normal.seconds / VOICE.slow_speed, abs=0.001)
        level, slowed = (
            loudness(np.frombuffer(r.pcm, "<i2").astype(np.float32) / 32768, rate)
            for r in (normal, slow)
        )
        assert slowed == pytest.approx(level, abs=1.5), key


def test_a_password_is_read_slowly_enough_to_write() -> None:
    rendered = Renderer.open(FOLDER, PHONE_RATE, VOICE).render(
        Reply((SayDigits("0" * 6, (6,), secret=True),))
    )
    assert 1.0 <= rendered.seconds / 6 <= 1.6  # s a digit


CALL = """
import sys
def watch(event, arguments):
    if event.startswith(("socket.", "subprocess.", "ctypes.dlsym", "os.exec")):
        watched.append(event)
watched = []
from pathlib import Path
from assistant.dialogue.types import Reply, Say, SayDigits
from assistant.tts.renderer import Renderer
sys.addaudithook(watch)
renderer = Renderer.open(Path(sys.argv[1]), 8_000)
for slow in (False, True):
    renderer.render(Reply((Say("greeting"), SayDigits("0" * 6, (3, 3), True)), slow))
engines = {"espeakng_loader", "gtts", "piper", "requests", "scipy", "pyloudnorm"}
print(watched, sorted(engines & set(sys.modules)))
"""


def test_a_call_touches_no_engine_and_no_network() -> None:
    command = [sys.executable, "-c", CALL, str(FOLDER)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[] []"
