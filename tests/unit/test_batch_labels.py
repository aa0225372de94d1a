"""Labels held against the number in their note."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from assistant.batch.labels import disputed, noted
from assistant.batch.speech_sets import Label, read_labels

CASES = yaml.safe_load((Path(__file__).parents[1] / "data/batch_labels.yaml").read_text("utf-8"))
DEV = Path(__file__).parents[3] / "shared" / "speech" / "dev" / "connected-numbers"


@pytest.mark.parametrize(("text", "note", "why"), CASES)
def test_a_label_is_held_against_its_note(text: str, note: str, why: str | None) -> None:
    found = disputed([Label("a.wav", text, "F1", note, ())])
    assert [one.why.value for one in found] == ([why] if why else [])


def test_only_notes_that_name_a_number_are_counted() -> None:
    labels = [Label(str(i), text, "F1", note, ()) for i, (text, note, _) in enumerate(CASES)]
    assert noted(labels) == len(CASES) - 2


@pytest.mark.skipif(not DEV.is_dir(), reason="the recordings are not beside this checkout")
def test_the_human_numbers_have_these_disputed_labels() -> None:
    """Seven say another number than their note, or none; ten only write "mươi" for "mười"."""
    labels = read_labels(DEV)
    whys = [one.why.value for one in disputed(labels)]
    assert noted(labels) == 300
    assert {why: whys.count(why) for why in set(whys)} == {
        "number": 5,
        "not-a-number": 1,
        "no-number": 1,
        "spelling": 10,
    }
