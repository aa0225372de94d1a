"""espeak-ng in process: voices, settings, errors, and thousands of calls."""

import threading
import time

import numpy as np
import pytest

from assistant.errors import PromptError
from assistant.tts import espeak
from tests.tts_tools import DIGITS


@pytest.mark.parametrize("voice", espeak.VOICES)
def test_every_voice_speaks_every_digit(voice: str) -> None:
    for word in DIGITS:
        samples, rate = espeak.synthesize(word, voice=voice)
        assert samples.dtype == np.int16
        assert 0.15 < np.flatnonzero(np.abs(samples) > 300)[-1] / rate < 1.5
        assert np.abs(samples.astype(int)).max() > 3_000


def test_settings_are_heard() -> None:
    text = "mật khẩu mới là"
    slow, rate = espeak.synthesize(text, rate_wpm=100)
    fast, _ = espeak.synthesize(text, rate_wpm=200)
    assert len(slow) > 1.4 * len(fast)
    quiet, _ = espeak.synthesize(text, volume=30)
    assert np.abs(quiet.astype(int)).max() < 0.5 * np.abs(slow.astype(int)).max()
    plain, _ = espeak.synthesize(text)
    other, _ = espeak.synthesize(text, variant="f2")
    spectra = [np.abs(np.fft.rfft(s, rate)) for s in (plain, other)]
    assert np.corrcoef(*spectra)[0, 1] < 0.9


def test_voices_differ_in_their_phonemes() -> None:
    north, south = (espeak.phonemes("bốn chín", voice) for voice in espeak.VOICES[:2])
    assert north != south
    assert "ɛɜt̪" in espeak.phonemes("ét")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"voice": "xx"}, "voice-unknown"),
        ({"variant": "nobody"}, "voice-unknown"),
        ({"rate_wpm": 20}, "voice-setting"),
        ({"pitch": 120}, "voice-setting"),
        ({"volume": -1}, "voice-setting"),
    ],
)
def test_wrong_settings_are_coded(arguments: dict, code: str) -> None:
    with pytest.raises(PromptError) as caught:
        espeak.synthesize("một", **arguments)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "...", "  "])
def test_nothing_to_say_is_coded(text: str) -> None:
    with pytest.raises(PromptError) as caught:
        espeak.synthesize(text)
    assert caught.value.code == "espeak-silent"


def test_the_voice_recovers_after_an_error() -> None:
    before, _ = espeak.synthesize("một hai ba", variant="m3")
    for variant in ("nobody", "f2"):
        try:
            espeak.synthesize("một", variant=variant)
        except PromptError:
            continue
    after, _ = espeak.synthesize("một hai ba", variant="m3")
    assert np.array_equal(after, before)


def test_the_same_words_are_the_same_samples_whatever_was_said_before() -> None:
    said = espeak.synthesize("bốn tám bốn bốn bảy", variant="f4")[0]
    for voice, variant in (("vi-vn-x-south", "m3"), ("vi", "klatt")):
        espeak.synthesize("xin chào", voice=voice, variant=variant)
        assert np.array_equal(espeak.synthesize("bốn tám bốn bốn bảy", variant="f4")[0], said)


def test_a_breathy_voice_has_the_same_breath_at_any_time() -> None:
    said = espeak.synthesize("bốn tám bốn bảy", variant="f2")[0]
    time.sleep(1.1)  # espeak-ng's own seed is the second
    assert np.array_equal(espeak.synthesize("bốn tám bốn bảy", variant="f2")[0], said)


def test_threads_do_not_mix_their_words() -> None:
    lengths: dict[str, list[int]] = {"một": [], "một hai ba bốn năm sáu": []}

    def speak(text: str) -> None:
        for _ in range(40):
            lengths[text].append(len(espeak.synthesize(text)[0]))

    threads = [threading.Thread(target=speak, args=(text,)) for text in lengths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for counts in lengths.values():
        assert len(counts) == 40
        assert max(counts) - min(counts) < 0.05 * max(counts)


@pytest.mark.full
def test_a_thousand_calls_do_not_grow_the_process() -> None:
    def pages() -> int:
        with open("/proc/self/statm") as stream:
            return int(stream.read().split()[1])

    for variant in ("f2", "m3", None):
        espeak.synthesize("không một hai", variant=variant)
    before = pages()
    for number in range(1_000):
        espeak.synthesize("không một hai", variant=("f2", "m3", None)[number % 3])
    assert pages() - before < 1_000  # 4 MB
