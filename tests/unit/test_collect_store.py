"""What is kept of a sitting: whole, resumable, with consent, gone when asked."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.batch.speech_sets import read_set
from assistant.collect import store
from assistant.collect.consent import Scope, consent_text, require_agreement, require_scope
from assistant.collect.script import Line, script, sentences_by_note
from assistant.collect.store import COLUMNS, Collection, require_speaker
from assistant.errors import AssistantError
from assistant.settings import load_settings
from assistant.training.corpus import read_labelled
from tests.collect_tools import agreed, reading, spoken

LINES = script(30, "1:a")


def fill(collection: Collection, speaker: str, count: int = 3) -> None:
    for number, line in enumerate(LINES[:count], 1):
        collection.add(speaker, 1, number, line, reading(line))


def labels(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_training_and_measuring_read_what_is_kept(tmp_path: Path) -> None:
    fill(agreed(tmp_path, "a"), "a", len(LINES))
    clips = list(read_set(tmp_path))
    assert [clip.text for clip in clips] == [line.text for line in LINES]
    assert [clip.note for clip in clips] == [line.note for line in LINES]
    assert {clip.speaker for clip in clips} == {"a"}
    corpus = read_labelled(tmp_path)
    assert corpus.texts == [line.text for line in LINES]  # every word is spelled in Vietnamese
    assert all(len(corpus.utterance(i)) > 4_000 for i in range(len(corpus)))


def test_every_sentence_is_spelled_in_vietnamese(tmp_path: Path) -> None:
    """A clip whose words are not would be left out of the training in silence."""
    collection = agreed(tmp_path, "a")
    sentences = [s for found in sentences_by_note().values() for s in found]
    for number, text in enumerate(sentences, 1):
        collection.add("a", 1, number, Line(text, text, "x"), spoken(1))
    assert read_labelled(tmp_path).texts == sentences


def test_the_form_is_that_of_the_shared_recordings(tmp_path: Path) -> None:
    collection = agreed(tmp_path, "a")
    audio = spoken(10, rate=48_000)
    file = collection.add("a", 1, 7, LINES[6], audio)
    assert (tmp_path / "labels.csv").read_bytes().startswith(b"path,text,speaker,note,seconds\n")
    row = labels(tmp_path)[0]
    assert tuple(row) == COLUMNS
    assert row["path"] == "a/1-0007.flac"
    assert float(row["seconds"]) == pytest.approx(audio.seconds, abs=0.001)
    samples, rate = soundfile.read(file, dtype="int16")
    assert (rate, samples.tobytes()) == (48_000, audio.pcm)
    assert soundfile.info(file).format == "FLAC"
    assert soundfile.info(file).channels == 1


def test_nothing_is_kept_without_consent(tmp_path: Path) -> None:
    with pytest.raises(AssistantError) as error:
        fill(Collection(tmp_path), "a")
    assert error.value.code == "collect-no-consent"
    assert files(tmp_path) == {}


def test_what_is_kept_of_consent(tmp_path: Path) -> None:
    given = agreed(tmp_path, "a").consent("a")
    assert given is not None
    assert (given.speaker, given.scope, given.event) == ("a", "train", "agreed")
    assert given.date.endswith("+00:00")
    shown = (tmp_path / f"consent-{given.text}-train.txt").read_text("utf-8")
    assert shown.strip() == consent_text("…", Scope.TRAIN, tmp_path)
    require_scope(given, Scope.TRAIN)
    with pytest.raises(AssistantError) as error:
        require_scope(given, Scope.PUBLISH)
    assert error.value.code == "collect-scope"


@pytest.mark.parametrize("answer", ["", "không", "y", "đồng", "không đồng ý"])
def test_only_the_word_itself_is_consent(answer: str) -> None:
    require_agreement(" Đồng ý\n")
    with pytest.raises(AssistantError) as error:
        require_agreement(answer)
    assert error.value.code == "collect-no-consent"


def test_a_sitting_goes_on_where_it_stopped(tmp_path: Path) -> None:
    collection = agreed(tmp_path, "a", "ab")
    fill(collection, "a", 2)
    fill(collection, "ab", 1)
    assert Collection(tmp_path).done("a", 1) == {1, 2}
    assert Collection(tmp_path).done("a", 2) == set()


def test_a_line_read_again_replaces_itself(tmp_path: Path) -> None:
    collection = agreed(tmp_path, "a")
    fill(collection, "a", 3)
    collection.add("a", 1, 2, LINES[1], spoken(20))
    assert len(labels(tmp_path)) == 3
    assert len(collection.done("a", 1)) == 3


def test_several_collect_into_one_folder_at_once(tmp_path: Path) -> None:
    speakers = ("a", "b", "c", "d")
    agreed(tmp_path, *speakers)
    with ThreadPoolExecutor(len(speakers)) as pool:
        list(pool.map(lambda speaker: fill(Collection(tmp_path), speaker, 8), speakers))
    assert len(list(read_set(tmp_path))) == 8 * len(speakers)
    assert all(Collection(tmp_path).done(speaker, 1) == set(range(1, 9)) for speaker in speakers)


@pytest.mark.parametrize("broken", ["labels.csv", ".flac"])
def test_a_crash_while_writing_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    collection = agreed(tmp_path, "a")
    fill(collection, "a", 2)
    before = files(tmp_path)
    real = store.replace_file

    def full_disk(path: Path, write: object) -> None:
        if path.name.endswith(broken):
            raise OSError(28, "No space left on device")
        real(path, write)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "replace_file", full_disk)
    with pytest.raises(AssistantError) as error:
        fill(collection, "a", 3)
    assert error.value.code == "collect-write"
    monkeypatch.undo()
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before
    fill(collection, "a", 3)
    assert len(list(read_set(tmp_path))) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"path,text\nx.flac,hai\n",
        b"\xff\xfe\x00",
        b"path,text,speaker,note,seconds\nx.flac,hai\n",
        b'path,text,speaker,note,seconds\n"x.flac,hai,a,b,1\n',
        b"path,text,speaker,note,seconds\nx,hai,a,b,1,2\n",
    ],
)
def test_labels_of_another_form_are_left_as_they_are(tmp_path: Path, content: bytes) -> None:
    collection = agreed(tmp_path, "a")
    (tmp_path / "labels.csv").write_bytes(content)
    before = files(tmp_path)
    for attempt in (lambda: fill(collection, "a"), lambda: collection.delete("a")):
        with pytest.raises(AssistantError) as error:
            attempt()
        assert error.value.code == "collect-labels"
    assert files(tmp_path) == before


def test_deleting_leaves_a_note_and_everybody_else(tmp_path: Path) -> None:
    collection = agreed(tmp_path, "a", "b")
    fill(collection, "a")
    fill(collection, "b")
    others = {name: content for name, content in files(tmp_path).items() if name.startswith("b/")}
    assert collection.delete("a") == 3
    left = files(tmp_path)
    assert not any(name.startswith("a/") for name in left)
    assert {name: content for name, content in left.items() if name.startswith("b/")} == others
    assert {clip.speaker for clip in read_set(tmp_path)} == {"b"}
    with (tmp_path / "consent.csv").open(encoding="utf-8") as rows:
        theirs = [row for row in csv.DictReader(rows) if row["speaker"] == "a"]
    assert [row["event"] for row in theirs] == ["deleted"]
    with pytest.raises(AssistantError) as error:
        fill(collection, "a")
    assert error.value.code == "collect-no-consent"


def test_deleting_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    collection = agreed(tmp_path, "a")
    fill(collection, "a")
    rows = labels(tmp_path)
    (tmp_path / "labels.csv").write_text(",".join(rows[0]) + "\n")  # labels went, clips did not
    collection.delete("a")
    assert not (tmp_path / "a").exists()


def test_deleting_somebody_unknown_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssistantError) as error:
        agreed(tmp_path, "b").delete("a")
    assert error.value.code == "collect-unknown-speaker"


def test_a_label_cannot_have_a_file_elsewhere_deleted(tmp_path: Path) -> None:
    outside = tmp_path / "outside.flac"
    outside.write_bytes(b"x")
    collection = agreed(tmp_path / "set", "a")
    (tmp_path / "set" / "labels.csv").write_text(
        ",".join(COLUMNS) + "\n../outside.flac,hai,a,digit,1\n"
    )
    with pytest.raises(AssistantError) as error:
        collection.delete("a")
    assert error.value.code == "collect-labels"
    assert outside.exists()


@pytest.mark.parametrize("speaker", ["", ".", "..", "a/b", "Nguyễn", "a b", "-x", "x" * 33, "a\n"])
def test_a_speaker_is_no_path_and_no_name_with_marks(speaker: str) -> None:
    with pytest.raises(AssistantError) as error:
        require_speaker(speaker)
    assert error.value.code == "collect-speaker"


def test_clips_are_kept_at_full_scale_too(tmp_path: Path) -> None:
    loud = np.array([-32768, 32767] * 8_000, "<i2").tobytes()
    audio = spoken(1)
    file = agreed(tmp_path, "a").add("a", 1, 1, LINES[0], type(audio)(loud, audio.rate))
    assert soundfile.read(file, dtype="int16")[0].tobytes() == loud


def test_the_default_text_is_as_long_as_the_settings_say() -> None:
    assert len(script(load_settings().collect.lines, "1:a")) == load_settings().collect.lines
