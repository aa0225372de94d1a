"""From outcomes to figures, bars, comparisons and a page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.asr.types import EndReason, Transcript, Word
from assistant.batch import bars
from assistant.batch.compare import compared
from assistant.batch.conditions import CONDITIONS, Heard
from assistant.batch.earlier import against, load_run
from assistant.batch.figures import calibrations, confusion, scores, worst
from assistant.batch.outcomes import Outcome, outcome
from assistant.batch.report import MOST_CLIPS, chosen, page
from assistant.batch.report_tables import WHY
from assistant.batch.runs import label_report
from assistant.batch.speech_sets import Clip
from assistant.batch.trials import Measure, Trial
from assistant.errors import UsageError
from tests.batch_tools import OUTCOMES, WOMAN, made, run_of, tone, write_set

# --- what was heard of a trial ---------------------------------------------------------------


def judge(measure: Measure, text: str, expected: str, *heard: str) -> Outcome:
    """The outcome when each state heard these words."""
    words = tuple(text.split())
    clip = Clip(tone(0), text, "M1", "", "0.wav")
    wanted = tuple(expected.split()) if measure is Measure.WORDS else tuple(expected)
    spoken = words
    wanted = {Measure.YES_NO: (text,), Measure.DENIAL: ("không",)}.get(measure, wanted)
    trial = Trial("s", measure, clip, wanted, spoken)
    transcripts = [
        Transcript(
            tuple(Word(w, i * 0.2, i * 0.2 + 0.1, 0.9) for i, w in enumerate(one.split())),
            EndReason.SILENCE,
        )
        for one in heard
    ]
    return outcome(trial, "clean", transcripts)


@pytest.mark.parametrize(
    ("measure", "text", "expected", "heard", "right", "taken"),
    [
        (Measure.DIGIT, "mốt", "1", ("một",), True, ("1",)),
        (Measure.DIGIT, "một", "1", ("[unk]",), False, ()),
        (Measure.CODE, "bảy chín", "79", ("bảy chín",), True, ("7", "9")),
        (Measure.YES_NO, "đúng", "", ("đúng rồi",), True, ("đúng",)),
        (Measure.YES_NO, "không", "", ("không",), True, ("không",)),
        (Measure.YES_NO, "không", "", ("đúng",), False, ("đúng",)),
        (Measure.YES_NO, "không", "", ("[unk]",), False, ()),
        (Measure.DENIAL, "không đúng", "", ("không đúng",), True, ("không",)),
        (Measure.DENIAL, "không đúng", "", ("đúng",), False, ("đúng",)),
        (Measure.DENIAL, "không đúng", "", ("[unk] đâu",), False, ()),
        (Measure.WORDS, "ba mươi", "ba mươi", ("ba [unk] mươi",), True, ("ba", "mươi")),
        (Measure.WORDS, "ba mươi mốt", "ba mươi mốt", ("ba mươi một",), False,
         ("ba", "mươi", "một")),
        (Measure.OTHER, "cà phê", "", ("[unk]", "", "[unk]"), True, ()),
        (Measure.OTHER, "cà phê", "", ("ba", "", ""), False, ("code: 3",)),
        (Measure.OTHER, "cà phê", "", ("", "đúng", ""), False, ("confirm: đúng",)),
        (Measure.OTHER, "bật đèn", "", ("", "", "quên mật khẩu"), False, ("menu: reset",)),
    ],
)  # fmt: skip
def test_what_counts_as_right(
    measure: Measure,
    text: str,
    expected: str,
    heard: tuple[str, ...],
    right: bool,
    taken: tuple[str, ...],
) -> None:
    found = judge(measure, text, expected, *heard)
    assert (found.right, found.heard) == (right, taken)


def test_words_are_right_where_they_stand() -> None:
    found = judge(Measure.CODE, "bảy chín ba mốt", "7931", "bảy [unk] ba ba một")
    assert [(w.text, w.right) for w in found.words] == [
        ("bảy", True),
        ("ba", False),
        ("ba", True),
        ("một", True),
    ]


def test_an_outcome_travels_as_json() -> None:
    found = judge(Measure.CODE, "bảy chín", "79", "bảy ba")
    assert Outcome.from_dict(json.loads(json.dumps(found.as_dict()))) == found


# --- figures ---------------------------------------------------------------------------------


def test_lines_count_hits_errors_refusals_and_groups() -> None:
    digit, words, other, answers = scores(OUTCOMES)
    assert (digit.rate.hits, digit.rate.total) == (8, 10)
    assert digit.alignment is not None
    assert (digit.alignment.errors, digit.alignment.length) == (2, 10)
    assert digit.refused is not None
    assert digit.refused.hits == 1
    assert {g: (r.hits, r.total) for g, r in digit.groups.items()} == {
        "nam": (8, 9), "nữ": (0, 1), "M1": (8, 9), "F1": (0, 1),
    }  # fmt: skip
    assert (other.rate.hits, other.rate.total) == (1, 2)  # false accepts
    assert {g: (r.hits, r.total) for g, r in answers.groups.items()} == {
        "nam": (1, 2), "đúng": (1, 1), "không": (0, 1),
    }  # fmt: skip
    assert words.alignment is not None
    assert words.alignment.error_rate == 1 / 5
    assert {g: a.error_rate for g, a in digit.group_errors.items()} == pytest.approx(
        {"nam": 1 / 9, "nữ": 1.0, "M1": 1 / 9, "F1": 1.0}
    )
    assert other.group_errors == {}


def test_a_denial_that_became_a_yes_is_counted() -> None:
    heard = ("đúng", "không", "[unk]", "không đúng")
    (line,) = scores([judge(Measure.DENIAL, "không đúng", "", one) for one in heard])
    assert (line.rate.hits, line.rate.total) == (1, 4)
    assert line.refused is not None
    assert line.refused.hits == 1


def test_disputed_labels_are_counted_and_can_be_left_out() -> None:
    words = scores(OUTCOMES)[1]
    assert (words.rate.hits, words.rate.total) == (1, 2)
    assert words.sure is not None
    assert (words.sure.rate.hits, words.sure.rate.total) == (1, 1)
    assert words.as_dict()["sure"]["error_rate"] == 0
    assert scores(OUTCOMES)[0].sure is None


def test_the_confusion_is_of_digits() -> None:
    assert confusion(OUTCOMES) == {("1", "1"): 8, ("2", "7"): 1, ("2", None): 1}


def test_a_word_heard_in_speech_of_others_is_wrong() -> None:
    found = calibrations(OUTCOMES)
    assert found["chữ số"].words == 9
    assert found["lời lạ, tiếng động"].words == 1
    assert found["lời lạ, tiếng động"].error == pytest.approx(0.9)
    assert found["mọi từ"].words == sum(len(one.words) for one in OUTCOMES)


def test_the_worst_come_first_and_the_surest_before_the_unsure() -> None:
    clips = [
        made(clip="one", expected="12", heard="13", confidence=0.5),
        made(clip="sure", expected="12", heard="13", confidence=0.9),
        made(clip="two", expected="12", heard="34", confidence=0.1),
        made(clip="right", expected="12", heard="12"),
    ]
    assert [one.clip for one in worst(clips)] == ["two", "sure", "one"]


# --- bars ------------------------------------------------------------------------------------


def held(*outcomes: Outcome, **cost: float) -> dict[str, bars.Bar]:
    found = bars.held(scores(outcomes), outcomes, calibrations(outcomes), cost)
    return {bar.id: bar for bar in found}


def many(right: int, wrong: int, **more: Any) -> list[Outcome]:
    return [
        made(expected="1", heard="1" if i < right else "7", clip=f"{more}{i}", **more)
        for i in range(right + wrong)
    ]


def test_every_bar_of_the_table_is_readable_and_none_is_measured_without_outcomes() -> None:
    found = held()
    assert len(found) == len(bars.table()) > 30
    for bar in found.values():
        assert bar.met is None
        assert bar.title
        assert (bar.at_least is None) != (bar.at_most is None)
    assert set(bars.conditions()) <= set(CONDITIONS)


@pytest.mark.parametrize(
    ("right", "wrong", "met", "sure"),
    [(98, 2, True, False), (1_000, 0, True, True), (90, 10, False, True), (97, 3, False, False)],
)
def test_a_bar_is_met_or_not_and_sure_or_not(right: int, wrong: int, met: bool, sure: bool) -> None:
    bar = held(*many(right, wrong, set_="isolated-digits"))["isolated-digits"]
    assert (bar.met, bar.sure) == (met, sure)
    assert bar.why == (f"1→7 ×{wrong}" if wrong else "")


@pytest.mark.parametrize(("women", "met"), [(96, True), (95, True), (90, False), (100, True)])
def test_women_may_not_be_worse_by_more_than_five_points(women: int, met: bool) -> None:
    name = "connected-numbers"
    outcomes = many(100, 0, set_=name) + many(women, 100 - women, set_=name, **WOMAN)
    bar = held(*outcomes)["sex-digits"]
    assert bar.value == pytest.approx((100 - women) / 100)
    assert bar.met is met
    assert bar.low is not None
    assert bar.high is not None
    assert bar.low < (bar.value or 0) < bar.high


def test_a_steady_figure_is_compared_on_the_same_clips() -> None:
    clean = many(100, 0, set_="isolated-digits")
    spoiled = [
        made(expected="1", heard="1" if i else "7", clip=one.clip, set_="isolated-digits",
             condition="zeros")
        for i, one in enumerate(clean)
    ]  # fmt: skip
    found = held(*clean, *spoiled)
    assert found["steady-zeros"].value == pytest.approx(0.01)
    assert found["steady-zeros"].met is True
    worse = [
        made(expected="1", heard="", clip=o.clip, set_=o.set, condition="zeros") for o in clean
    ]
    assert held(*clean, *worse[:50], *spoiled[50:])["steady-zeros"].met is False
    assert found["steady-offset"].met is None


def test_a_denial_is_as_steady_as_its_line_says() -> None:
    def heard(condition: str, *words: str) -> list[Outcome]:
        return [
            replace(judge(Measure.DENIAL, "không đúng", "", one), clip=str(i), condition=condition)
            for i, one in enumerate(words)
        ]

    clean = heard("clean", "không đúng", "không đúng", "không đúng", "đúng")
    assert held(*clean, *heard("zeros", "không đúng", "", "[unk]", "đúng"))["steady-zeros"].met
    worse = held(*clean, *heard("zeros", "không đúng", "đúng", "không", "đúng"))["steady-zeros"]
    assert worse.value == pytest.approx(0.25)
    assert "-1 clip" in worse.why


def test_costs_are_bars_too() -> None:
    found = held(rtf=0.01, load=0.9, memory=100.0)
    assert [found[n].met for n in ("rtf", "load", "memory", "size")] == [True, False, True, None]


# --- two models ------------------------------------------------------------------------------


def test_models_are_compared_on_the_clips_that_both_heard() -> None:
    a = [*many(10, 0), made(clip="only a")]
    b = [made(clip=one.clip, heard="1" if i > 6 else "7") for i, one in enumerate(many(10, 0))]
    pair = compared(a, b)[0]
    assert (pair.a.hits, pair.b.hits, pair.a.total) == (10, 3, 10)
    assert (pair.only_a, pair.only_b) == (7, 0)
    assert pair.chance == pytest.approx(2 / 2**7)
    assert pair.errors is None  # one digit a clip


def test_errors_of_strings_are_compared_with_an_interval() -> None:
    a = [made(measure="string-10", expected="12", heard="12", clip=str(i)) for i in range(20)]
    b = [made(measure="string-10", expected="12", heard="17", clip=str(i)) for i in range(20)]
    assert compared(a, b)[0].errors == (0.5, 0.5, 0.5)
    assert compared(a, a)[0].errors == (0.0, 0.0, 0.0)
    assert compared(a, a)[0].chance == 1.0


# --- a saved run and its page ----------------------------------------------------------------


def test_a_run_is_saved_and_read_back(tmp_path: Path) -> None:
    found = run_of(OUTCOMES)
    (tmp_path / "r.json").write_text(json.dumps(found), "utf-8")
    assert load_run(tmp_path / "r.json") == found


@pytest.mark.parametrize(
    "content",
    [
        *(None, "", "[]", "{}", '{"format": 99, "scores": []}', "\udcff", "[" * 100_000),
        '{"format": 1, "scores": []}',
        '{"format": 1, "scores": [{"set": "good"}]}',
        json.dumps(run_of(OUTCOMES) | {"bars": [{"id": "load"}]}),
        json.dumps(run_of(OUTCOMES) | {"setup": {}}),
    ],
)
def test_what_is_no_saved_run_has_a_code(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "r.json"
    if content is not None:
        file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as caught:
        load_run(file)
    assert caught.value.code == "eval-against"


def test_another_sample_is_told_beside_the_earlier_figures() -> None:
    run, before = run_of(OUTCOMES), run_of(OUTCOMES[:8])
    told = against(run, before)
    assert told["same_sample"]
    digit = next(one for one in told["scores"] if one["measure"] == "digit")
    assert (digit["value"], digit["earlier"]) == (0.8, 1.0)
    assert {bar["id"] for bar in told["bars"]} == {bar["id"] for bar in run["bars"]}
    assert "mẫu khác" not in page(run, before, {})
    before["setup"]["limit"] = 60
    assert not against(run, before)["same_sample"]
    assert "mẫu khác (tối đa 60 clip" in page(run, before, {})


def test_the_page_holds_all_of_it_and_reaches_for_nothing_outside(tmp_path: Path) -> None:
    write_set(tmp_path / "s", [("hai mươi", "F1", "number=30"), ("ba", "F1", "number=3")])
    found = run_of(OUTCOMES, label_report(tmp_path))
    clips = chosen(found["wrong"])
    sounds = {
        one.key: Heard(np.asarray(tone(i), np.float32), 16_000) for i, one in enumerate(clips)
    }
    before = run_of(OUTCOMES[:8])
    text = page(found, before, sounds)
    assert text.count("<audio") == len(clips) == 5
    assert text.count("data:audio/") == len(clips)
    assert 'class="confusion"' in text
    assert 'class="curve"' in text
    assert "-20.0" in text  # points, against the earlier run
    assert "hai mươi" in text
    assert "không kể nhãn không khớp" in text
    outside = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?!data:|#)([^"')\s>]+)""", text)
    assert outside == []


def test_the_page_escapes_what_labels_say() -> None:
    evil = '<script>alert("x")</script>'
    clip = made(
        measure="words", expected=(evil,), heard=("ba",), clip=evil, set_=evil, speaker=evil
    )
    found = run_of([clip], {evil: {"noted": 1, "disputed": []}})
    text = page(found, None, {clip.key: Heard(tone(0), 16_000)})
    assert "<script" not in text


def test_a_few_clips_of_every_line_are_chosen_clean_ones_first() -> None:
    spoiled = [made(clip=f"n{i}", heard="99", condition="gsm") for i in range(40)]
    clean = [made(clip=f"c{i}", heard="7") for i in range(2)]
    others = [made(set_=f"s{j}", clip=f"{i}", heard="7") for j in range(20) for i in range(9)]
    found = chosen(run_of([*spoiled, *clean])["wrong"])
    assert [one.clip[0] for one in found] == ["c", "c", "n"]
    assert len(chosen(run_of(others)["wrong"])) == MOST_CLIPS


def test_every_dispute_has_words() -> None:
    assert all(WHY.values())
    assert len(WHY) == 4
