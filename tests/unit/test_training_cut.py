"""Pieces cut out of aligned sentences carry their own sound and phones; spoiling moves both."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from assistant.asr.lexicon import text_phones
from assistant.training.augment import DEFAULT, MILD, RATE, Severity, spoil
from assistant.training.corpus import Corpus, pack
from assistant.training.cut import balanced, packed, single_words, stretches, word_spans
from assistant.training.graft import changed, grafts
from assistant.training.sounds import sounds

TEXTS = ("số của em là không một hai", "dạ đúng rồi ạ", "ba")
PHONE = 800  # samples a phone lasts here


def corpus() -> Corpus:
    """Every phone of a sentence is a constant level of its own, in steps of 100."""
    items, spans = [], []
    for text in TEXTS:
        count = len(text_phones(text) or ())
        samples = np.repeat(np.arange(1, count + 1) * 100, PHONE).astype(np.int16)
        items.append((samples, text, f"speaker of {text}"))
        starts = np.arange(count, dtype=np.int32) * PHONE
        spans.append(np.stack([starts, starts + PHONE], axis=1))
    return pack(items, spans)


def test_words_know_their_phones() -> None:
    words = word_spans(corpus(), 1)
    assert [w for w, _ in words] == TEXTS[1].split()
    flat = np.concatenate([s for _, s in words])
    assert (flat == corpus().spans_of(1)).all()
    assert word_spans(pack([(np.zeros(9, np.int16), "ba", "x")]), 0) == []


def test_a_stretch_is_the_sound_of_its_words() -> None:
    whole, rng = corpus(), np.random.default_rng(1)
    found = list(stretches(whole, rng, per_utterance=20))
    assert len(found) == 20 * len(TEXTS)
    for samples, text, speaker, spans in found:
        sentence = next(t for t in TEXTS if speaker.endswith(t))
        assert f" {text} " in f" {sentence} "
        assert len(spans) == len(text_phones(text) or ())
        assert (spans[:, 0] <= spans[:, 1]).all()
        assert spans.min() >= 0
        assert spans.max() <= len(samples)
        middles = samples[((spans[:, 0] + spans[:, 1]) // 2)[: len(spans)]]
        assert (np.diff(middles) == 100).all()  # neighbouring phones, in order


def test_wanted_words_are_evened_out() -> None:
    rng = np.random.default_rng(2)
    pieces = list(single_words(corpus(), ("không", "hai", "đúng", "mật"), rng))
    assert sorted(p[1] for p in pieces) == ["hai", "không", "đúng"]
    made = packed(balanced(pieces, 7, rng), speaker="people")
    assert Counter(made.texts) == {"không": 7, "hai": 7, "đúng": 7}
    assert set(made.speakers) == {"people"}
    assert made.spans_of(3) is not None


def test_a_graft_is_the_initial_of_one_syllable_and_the_rime_of_another() -> None:
    rng = np.random.default_rng(3)
    pieces = list(grafts([corpus()], ("bai", "đi", "ông"), 5, rng))  # "hai" + "ba"; no "i" there
    assert [p[1] for p in pieces] == ["bai"] * 5
    for samples, _, speaker, spans in pieces:
        assert speaker == f"speaker of {TEXTS[0]}"  # whose rime it is
        assert (spans == [[0, PHONE], [PHONE, 2 * PHONE], [2 * PHONE, 3 * PHONE]]).all()
        assert len(samples) == 3 * PHONE
        rime = corpus().samples[: corpus().ends[0]]
        assert samples[PHONE + 50 : 2 * PHONE].tolist()[0] in rime
        assert samples[2 * PHONE + 50] == samples[PHONE + 50] + 100
    slower = changed(pieces, lambda x, rate, chance: np.repeat(x, 2), seed=1)
    assert [p[1] for p in slower] == ["bai"] * 5
    assert (slower[0][3] == 2 * pieces[0][3]).all()
    assert len(slower[0][0]) == 2 * len(pieces[0][0])


def test_nothing_wanted_is_an_empty_corpus() -> None:
    made = packed(balanced([], 5, np.random.default_rng(0)))
    assert len(made) == 0


def test_spans_survive_saving(tmp_path: Path) -> None:
    whole = corpus()
    whole.save(tmp_path / "kept")
    again = Corpus.load(tmp_path / "kept")
    for index in range(len(whole)):
        assert (again.spans_of(index) == whole.spans_of(index)).all()


@pytest.mark.parametrize("severity", [DEFAULT, MILD])
@pytest.mark.parametrize("seed", range(6))
def test_spoiling_says_where_sound_went(severity: Severity, seed: int) -> None:
    click = np.zeros(RATE * 2, np.float32)
    at = 9_000
    click[at : at + 80] = 0.9
    quiet = Severity(noise=0, reverb=0, colour=0, telephone=0, mulaw=0, gsm=0, celp=0, loss=0,
                     coarse=0, clip=0, zeros=0, speed=severity.speed,
                     lead=severity.lead)  # fmt: skip
    spoiled, moved = spoil(click, np.random.default_rng(seed), quiet)
    loud = np.flatnonzero(np.abs(spoiled) > 0.5 * np.abs(spoiled).max())
    assert loud[0] == pytest.approx(moved.lead + at / moved.speed, abs=3)


def test_sounds_are_loud_and_say_nothing() -> None:
    made = sounds(12, seed=3)
    assert set(made.texts) == {""}
    for index in range(len(made)):
        assert np.abs(made.utterance(index)).max() > 0.5
        spans = made.spans_of(index)
        assert spans is not None
        assert len(spans) == 0
    assert (sounds(12, seed=3).samples == made.samples).all()
