"""Which clips are measured for what, and folders that are not what they should be."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.batch.evaluate import planned
from assistant.batch.speech_sets import RATE, Clip, check_sets, cut_digits, read_set, splice
from assistant.batch.trials import NOISE_SET, Measure, measure_of, noise_trials, plan
from assistant.errors import AudioError
from tests.batch_tools import digit_rows, tone, write_set

# text, note, what it is measured for, and what must come of it (None: not measured)
MEASURED = [
    ("không", "digit", Measure.DIGIT, "0"),
    ("mốt", "", Measure.DIGIT, "1"),
    ("tư", "synthetic", Measure.DIGIT, "4"),
    ("mười", "synthetic", None, None),
    ("bảy chín ba", "", Measure.CODE, "793"),
    ("bảy trăm chín mươi ba", "code=793", Measure.CODE, "793"),
    ("bảy trăm chín mươi ba", "number=793", Measure.WORDS, "bảy trăm chín mươi ba"),
    ("tôi quên mật khẩu", "", Measure.WORDS, "tôi quên mật khẩu"),
    ("không", "yes-no", Measure.YES_NO, ["không"]),
    ("bật đèn", "other", Measure.OTHER, ""),
    ("ba", "other", Measure.OTHER, ""),
    ("code", "code=x", None, None),
    ("", "", None, None),
]


@pytest.mark.parametrize(("text", "note", "measure", "expected"), MEASURED)
def test_what_a_clip_is_good_for(
    tmp_path: Path, text: str, note: str, measure: Measure | None, expected: object
) -> None:
    assert measure_of(Clip(tone(0), text, "F1", note)) is measure
    trials = plan(write_set(tmp_path / "s", [(text, "F1", note)]), 0, None).trials
    assert [t.measure for t in trials] == ([measure] if measure else [])
    if measure:
        words = expected.split() if measure is Measure.WORDS else expected  # type: ignore[attr-defined]
        assert trials[0].expected == tuple(words)  # type: ignore[arg-type]


def test_groups_come_from_names_and_columns(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "s", [("một", "F1", ""), ("hai", "M12", ""), ("ba", "call7", "")])
    assert [c.groups for c in read_set(folder)] == [("nữ",), ("nam",), ()]
    labels = (folder / "labels.csv").read_text("utf-8").splitlines()
    lines = [labels[0] + ",sex,region", *(line + ",female,Nam Bộ" for line in labels[1:])]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", "utf-8")
    assert {c.groups for c in read_set(folder)} == {("nữ", "Nam Bộ")}


def test_strings_are_of_one_speaker_and_as_long_as_asked(tmp_path: Path) -> None:
    trials = plan(write_set(tmp_path / "s", digit_rows()), 4, None).trials
    lengths = {m: [len(t.expected) for t in trials if t.measure is m] for m in Measure}
    assert lengths[Measure.STRING_10] == lengths[Measure.STRING_10_TIGHT] == [10] * 4
    assert lengths[Measure.STRING_12] == lengths[Measure.STRING_12_TIGHT] == [12] * 4
    assert len(lengths[Measure.DIGIT]) == 20
    tight = next(t for t in trials if t.measure is Measure.STRING_10_TIGHT)
    natural = next(t for t in trials if t.measure is Measure.STRING_10)
    clips = {c.path: c for c in read_set(tmp_path / "s")}
    one = len(next(iter(clips.values())).samples)
    assert len(tight.clip.samples) == 10 * one
    assert 0 < len(natural.clip.samples) - 10 * one <= 9 * 0.35 * RATE
    assert {t.clip.speaker for t in trials if t.measure is Measure.STRING_10} == {"F1", "M1"}


def test_a_denial_is_joined_of_one_speakers_answers(tmp_path: Path) -> None:
    rows = [("đúng", "a", "yes-no"), ("không", "a", "yes-no"), ("không", "b", "yes-no"),
            ("không", "c", "digit"), ("đúng", "c", "yes-no"),
            ("đúng", "", "yes-no"), ("không", "", "yes-no")]  # fmt: skip
    quiet = np.zeros(RATE // 2, np.float32)
    sounds = [np.concatenate([quiet, tone(n), quiet]) for n in range(len(rows))]
    trials = plan(write_set(tmp_path / "s", rows, sounds), 0, None).trials
    (found,) = [t for t in trials if t.measure is Measure.DENIAL]
    assert (found.clip.speaker, found.expected) == ("a", ("không",))
    assert found.spoken == ("không", "đúng")
    assert 0.4 * RATE <= len(found.clip.samples) <= 1.0 * RATE  # of each, without its quiet


def test_a_denial_of_an_empty_clip_is_no_crash(tmp_path: Path) -> None:
    rows = [("đúng", "a", "yes-no"), ("không", "a", "yes-no")]
    folder = write_set(tmp_path / "s", rows, [np.zeros(1, np.float32), tone(1)])
    soundfile.write(folder / "000.flac", np.zeros(1, np.float32), 48_000)
    assert Measure.DENIAL in {t.measure for t in plan(folder, 0, None).trials}


def test_pauses_are_digital_silence_that_conditions_may_fill(tmp_path: Path) -> None:
    clips = list(read_set(write_set(tmp_path / "s", digit_rows(("F1",)))))
    string = splice(clips, 10, 1, 1, (0.2, 0.2))[0]
    assert (string.samples == 0).sum() >= 9 * 0.2 * RATE - 9


def test_cut_words_are_not_strung(tmp_path: Path) -> None:
    trials = plan(write_set(tmp_path / "cut-words", digit_rows()), 4, None).trials
    assert {t.measure for t in trials} == {Measure.DIGIT}


def test_digits_are_cut_by_their_times(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "s", [("hai mươi ba", "F1", "number=23")], [tone(1, 1.0)])
    (folder / "words.csv").write_text(
        "path,start,end,word\n000.flac,0.10,0.30,hai\n000.flac,0.3,0.5,mươi\n000.flac,0.5,0.8,ba\n",
        "utf-8",
    )
    found = cut_digits(folder, list(read_set(folder)))
    assert [c.text for c in found] == ["hai", "ba"]
    assert [len(c.samples) / RATE for c in found] == pytest.approx([0.26, 0.36], abs=0.01)
    assert len({c.path for c in found}) == 2


def test_a_sample_is_fair_and_the_same_each_time(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "s", digit_rows())
    once, again = (plan(folder, 0, 6).trials for _ in range(2))
    assert [t.clip.path for t in once] == [t.clip.path for t in again]
    assert len(once) == 6
    assert [t.clip.path for t in once] != [f"{i:03d}.flac" for i in range(6)]


def test_noises_are_asked_where_something_is_to_be_refused(tmp_path: Path) -> None:
    digits = write_set(tmp_path / "a", digit_rows())
    assert [s.name for s in planned(digits, 0, None)] == ["a"]
    write_set(tmp_path / "b", [("bật đèn", "x", "other")])
    assert [s.name for s in planned(tmp_path / "b", 0, None)] == ["b", NOISE_SET]
    assert [s.name for s in planned(tmp_path, 0, None)] == ["a", "b", NOISE_SET]
    assert all(t.expected == () and t.synthetic for t in noise_trials().trials)


def test_a_crowd_is_of_other_speakers_if_there_are_any(tmp_path: Path) -> None:
    among = plan(write_set(tmp_path / "s", digit_rows()), 0, None)
    mine = among.trials[0]
    others = among.others(mine)
    assert len(others) == 10
    assert all(o is not mine.clip.samples for o in others)
    alone = plan(write_set(tmp_path / "t", digit_rows(("F1",))), 0, None)
    assert len(alone.others(alone.trials[0])) == 9


# --- folders that are not what they should be ---------------------------------------------


def code_of(folder: Path) -> str:
    with pytest.raises(AudioError) as caught:
        list(planned(folder, 2, None))
    assert caught.value.hint
    return caught.value.code


def test_no_folder_no_sets_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "none", tmp_path / "empty", tmp_path / "x.wav"):
        assert code_of(folder) == "speech-missing"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "speech-labels"),
        (b"path,text\n", "speech-labels"),
        (b"file,words\na.wav,ba\n", "speech-labels"),
        (b"path,text\na.wav\n", "speech-labels"),
        ("path,text\na.wav,ba\n".encode("utf-16"), "speech-labels"),
        (b"path,text\n\xff\xfe,ba\n", "speech-labels"),
        (b"path,text\nnone.wav,ba\n", "speech-clip"),
        (b"path,text\n../outside.wav,ba\n", "speech-clip"),
        (b"path,text\n/etc/passwd,ba\n", "speech-clip"),
        (b"path,text\ntext.wav,ba\n", "speech-clip"),
        (b"path,text\nempty.wav,ba\n", "speech-clip"),
        (b"path,text\n,ba\n", "speech-clip"),
        (b"path,text\nslow.wav,ba\n", "speech-clip"),
        (b"path,text\nnan.wav,ba\n", "speech-clip"),
        (b"path,text\ncut.wav,ba\n", "speech-clip"),
    ],
)
def test_odd_labels_and_clips_have_a_code(tmp_path: Path, content: bytes, code: str) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    soundfile.write(tmp_path / "outside.wav", tone(0), RATE)
    soundfile.write(folder / "empty.wav", np.zeros(0), RATE)
    soundfile.write(folder / "slow.wav", tone(0), 1)
    soundfile.write(folder / "nan.wav", tone(0) * np.nan, RATE, subtype="FLOAT")
    soundfile.write(folder / "cut.wav", tone(0), RATE)
    os.truncate(folder / "cut.wav", 1000)
    (folder / "text.wav").write_text("không phải âm thanh", "utf-8")
    (folder / "labels.csv").write_bytes(content)
    assert code_of(folder) == code


def test_all_clips_that_cannot_be_used_are_named_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    first = write_set(tmp_path / "a", digit_rows(("F1",))[:8])
    last = write_set(tmp_path / "b", [("hai", "F1", "digit"), ("ba", "F1", "digit")])
    check_sets(tmp_path)
    (last / "001.flac").write_bytes(b"")
    with pytest.raises(AudioError) as one:
        check_sets(tmp_path)
    assert one.value.code == "speech-clip"
    assert "b: 001.flac" in one.value.message
    for clip in sorted(first.glob("*.flac"))[:6]:
        clip.unlink()
    with pytest.raises(AudioError, match=r"7 clip .*a: 000\.flac.*a: 004\.flac.* 2 clip nữa"):
        check_sets(tmp_path)


def test_a_later_set_with_odd_times_is_found_before_anything_is_measured(tmp_path: Path) -> None:
    write_set(tmp_path / "a", [("hai", "F1", "digit")])
    late = write_set(tmp_path / "b", [("hai", "F1", "number=2")])
    (late / "words.csv").write_text("path,start,end,word\n000.flac,x,1,hai\n", "utf-8")
    with pytest.raises(AudioError) as error:
        check_sets(tmp_path)
    assert error.value.code == "speech-labels"


def test_clips_have_the_limits_of_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_set(tmp_path / "s", [("hai", "F1", "digit")], [tone(0, 0.5)])
    assert len(list(read_set(folder))) == 1
    monkeypatch.setenv("ASSISTANT_AUDIO__MAX_SECONDS", "0.4")
    assert code_of(folder) == "speech-clip"


@pytest.mark.parametrize(
    "line",
    [
        *("000.flac,x,0.3,hai", "000.flac,0.1,,hai", "000.flac", "000.flac,nan,inf,hai"),
        *("000.flac,0.1,inf,hai", "000.flac,0.3,0.1,hai", "000.flac,-2,-1,hai"),
    ],
)
def test_odd_times_have_a_code(tmp_path: Path, line: str) -> None:
    folder = write_set(tmp_path / "s", [("hai", "F1", "number=2")])
    (folder / "words.csv").write_text(f"path,start,end,word\n{line}\n", "utf-8")
    assert code_of(folder) == "speech-labels"


def test_nothing_to_measure_has_a_code(tmp_path: Path) -> None:
    silent = write_set(tmp_path / "s", [("", "F1", ""), (" ", "M1", "digit")])
    assert code_of(silent) == "speech-nothing"
    outside = write_set(tmp_path / "t", [("hai", "F1", "digit")])
    (outside / "words.csv").write_text("path,start,end,word\n000.flac,90,91,hai\n", "utf-8")
    assert code_of(outside) == "speech-nothing"
    assert code_of(tmp_path) == "speech-nothing"  # two sets: noises alone say nothing of them
    write_set(tmp_path / "u", [("ba", "F1", "digit")])
    assert [s.name for s in planned(tmp_path, 0, None)] == ["s", "t", "u", NOISE_SET]


def test_a_byte_order_mark_is_no_column(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "s", [("hai", "F1", "digit")])
    labels = folder / "labels.csv"
    labels.write_bytes(b"\xef\xbb\xbf" + labels.read_bytes())
    assert len(list(read_set(folder))) == 1
