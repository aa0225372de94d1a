"""Replies are spliced from clips: order, pauses, masks and timing, measured in the audio."""

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from assistant.dialogue.types import Reply, Say, SayDigits
from assistant.errors import PromptError
from assistant.settings import Voice
from assistant.tts.build import build
from assistant.tts.catalogue import load_catalogue
from assistant.tts.clips import clip_path, read_clip, write_clip
from assistant.tts.loudness import to_rate
from assistant.tts.renderer import Rendered, Renderer
from assistant.tts.stretch import stretch
from tests.tts_tools import ToneVoice, write_prompts

VOICE = Voice()
RATES = (8_000, 16_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prompts")
    write_prompts(path)
    build(path, load_catalogue(path), ToneVoice().cast, VOICE)
    return path


def samples(rendered: Rendered) -> np.ndarray:
    return np.frombuffer(rendered.pcm, "<i2").astype(np.float32) / 32768


def clip_at(folder: Path, key: str, rate: int, speed: float = 1.0) -> np.ndarray:
    frames, clip_rate, _ = read_clip(clip_path(folder, key))
    return stretch(to_rate(frames[:, 0], clip_rate, rate), rate, speed)


def occurrences(audio: np.ndarray, folder: Path, rate: int, speed: float) -> list[tuple]:
    """(start, end, digit) of every digit clip in ``audio``, found by normalised
    cross-correlation: 1.0 is the clip itself."""
    found = []
    for digit in "0123456789":
        clip = clip_at(folder, f"digit_{digit}", rate, speed)
        size = 1 << (len(audio) + len(clip)).bit_length()
        spectrum = np.fft.rfft(audio, size) * np.conj(np.fft.rfft(clip, size))
        match = np.fft.irfft(spectrum, size)[: len(audio) - len(clip) + 1]
        power = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])
        energy = power[len(clip) :] - power[: len(audio) - len(clip) + 1]
        score = match / np.sqrt(np.maximum(energy, 1e-3) * np.square(clip).sum())
        while score.max() > 0.999:
            start = int(score.argmax())
            found.append((start, start + len(clip), digit))
            score[max(0, start - len(clip)) : start + len(clip)] = 0  # one clip, one place
    return sorted(found)


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize("rate", RATES)
def test_digits_are_in_order_with_the_pauses_of_the_settings(
    folder: Path, rate: int, secret: bool, slow: bool
) -> None:
    rng = random.Random(f"{rate}{secret}{slow}")
    digits = "".join(rng.choices("0123456789", k=10))
    reply = Reply((SayDigits(digits, (4, 3, 3), secret),), slow)
    rendered = Renderer.open(folder, rate, VOICE).render(reply)
    speed = VOICE.slow_speed if slow else 1.0
    found = occurrences(samples(rendered), folder, rate, speed)
    assert "".join(digit for _, _, digit in found) == digits
    gaps = [(after[0] - before[1]) / rate for before, after in pairwise(found)]
    inside = VOICE.secret_digit_gap if secret else VOICE.digit_gap
    between = VOICE.secret_group_gap if secret else VOICE.group_gap
    wanted = [between if number in (3, 6) else inside for number in range(9)]
    factor = VOICE.slow_pause if slow else 1.0
    assert gaps == pytest.approx([gap * factor for gap in wanted], abs=0.002)


def test_a_password_leaves_time_to_write() -> None:
    assert 0.7 <= VOICE.secret_digit_gap <= 0.9
    assert VOICE.secret_group_gap > VOICE.secret_digit_gap


@pytest.mark.parametrize("rate", RATES)
def test_parts_lie_where_they_are_heard(folder: Path, rate: int) -> None:
    digits = "".join(random.Random(rate).choices("0123456789", k=6))
    reply = Reply((Say("greeting"), SayDigits(digits, (3, 3), True), Say("goodbye")))
    rendered = Renderer.open(folder, rate, VOICE).render(reply)
    audio = samples(rendered)
    assert [part.label for part in rendered.parts] == ["greeting", "digits", "goodbye"]
    for part in (rendered.parts[0], rendered.parts[2]):
        heard = audio[round(part.start * rate) : round(part.end * rate)]
        assert np.abs(heard - clip_at(folder, part.label, rate)).max() < 1e-4
    for before, after in pairwise(rendered.parts):
        assert after.start - before.end == pytest.approx(VOICE.part_gap, abs=0.001)
    assert rendered.parts[-1].end == pytest.approx(rendered.seconds)
    (span,) = rendered.secret_spans
    found = occurrences(audio, folder, rate, 1.0)
    assert found[0][0] / rate == pytest.approx(span[0])
    assert found[-1][1] / rate == pytest.approx(span[1])


def test_numbers_appear_in_no_text_and_no_repr(folder: Path) -> None:
    rng = random.Random(7)
    code, password = ("".join(rng.choices("123456789", k=k)) for k in (10, 6))
    reply = Reply((Say("greeting"), SayDigits(code, (4, 3, 3)), SayDigits(password, (3, 3), True)))
    rendered = Renderer.open(folder, 8_000, VOICE).render(reply)
    assert rendered.text == "Xin chào. •••• ••• ••• ••••••"
    shown = repr(rendered) + repr(reply)
    assert not any(code[at : at + 4] in shown for at in range(7))
    assert password not in shown
    assert len(rendered.secret_spans) == 1
    assert len(rendered.digit_spans) == 2
    assert "pcm" not in repr(rendered)


def test_slow_reply_is_longer_by_the_settings(folder: Path) -> None:
    renderer = Renderer.open(folder, 8_000, VOICE)
    reply = (Say("greeting"), Say("goodbye"))
    normal, slow = renderer.render(Reply(reply)), renderer.render(Reply(reply, slow=True))
    spoken = normal.seconds - VOICE.part_gap
    wanted = spoken / VOICE.slow_speed + VOICE.part_gap * VOICE.slow_pause
    assert slow.seconds == pytest.approx(wanted, abs=0.005)


def test_missing_clips_are_all_named_before_anything_starts(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PromptError) as caught:
        Renderer.open(folder, 8_000, required=["greeting", "menu", "faq"])
    assert caught.value.code == "clips-missing"
    assert "menu, faq" in caught.value.message
    write_prompts(tmp_path)
    with pytest.raises(PromptError) as caught:
        Renderer.open(tmp_path, 8_000)
    assert "greeting" in caught.value.message
    assert "digit_9" in caught.value.message
    assert "prompts build" in caught.value.hint


@pytest.mark.parametrize(
    ("rate", "level"), [(16_000, 0.0), (22_050, 0.1)], ids=["silent", "wrong rate"]
)
def test_a_clip_that_cannot_be_played_is_refused(tmp_path: Path, rate: int, level: float) -> None:
    write_prompts(tmp_path)
    build(tmp_path, load_catalogue(tmp_path), ToneVoice().cast, VOICE)
    write_clip(clip_path(tmp_path, "greeting"), np.full(8_000, level, np.float32), rate)
    with pytest.raises(PromptError) as caught:
        Renderer.open(tmp_path, 8_000)
    assert caught.value.code == "clip-broken"
    assert "greeting" in caught.value.message


@pytest.mark.parametrize(
    ("digits", "groups"),
    [("123456", (3, 2)), ("123456", ()), ("12a456", (3, 3)), ("123456", (6, 0)), ("¹²³", (3,))],
)
def test_digits_that_do_not_fit_are_refused_without_being_named(
    folder: Path, digits: str, groups: tuple[int, ...]
) -> None:
    with pytest.raises(PromptError) as caught:
        Renderer.open(folder, 8_000).render(Reply((SayDigits(digits, groups, True),)))
    assert caught.value.code == "digits-grouping"
    assert digits not in str(caught.value)


def test_an_empty_reply_is_empty_audio(folder: Path) -> None:
    rendered = Renderer.open(folder, 8_000).render(Reply(()))
    assert (rendered.pcm, rendered.text, rendered.parts) == (b"", "", ())
