"""One code heard several times (tests/data/dialogue_hearings.yaml); which hearings go together."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.dialogue.hearings import (
    AS_IT_IS,
    Hearing,
    Sound,
    part,
    together,
    with_correction,
    with_hearing,
)

CASES = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "dialogue_hearings.yaml").read_text("utf-8")
)["cases"]
DOUBT = 0.55


def hearing(given: dict[str, Any]) -> Hearing:
    if given.get("keyed"):
        return Hearing(given["digits"], (AS_IT_IS,) * len(given["digits"]))
    sounds = []
    for place in range(len(given["digits"])):
        instead = given.get("instead", {}).get(place)
        rivals = [instead.get(n, 0.01) for n in range(10)] if instead else []
        sounds.append(Sound(given.get("sure", {}).get(place, 0.95), tuple(rivals)))
    return Hearing(given["digits"], tuple(sounds))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_together(case: dict[str, Any]) -> None:
    code, sure = together([hearing(one) for one in case["hearings"]], case.get("denied", []))
    assert code == case["code"]
    assert all(0 <= share <= 1 for share in sure)
    assert [place for place, share in enumerate(sure) if share < DOUBT] == case["doubt"]


def test_one_hearing_is_as_sure_as_it_was() -> None:
    draw = random.Random(7)
    for _ in range(50):
        digits = "".join(draw.choices("0123456789", k=10))
        sure = [draw.uniform(0.2, 0.97) for _ in digits]
        code, shares = together([Hearing(digits, tuple(map(Sound, sure)))], [])
        assert code == digits
        assert shares == pytest.approx(sure)


def test_another_code_begins_anew_and_a_long_call_remembers_the_last() -> None:
    first, other = ("7931025846", "7931025841")
    one, two = (Hearing(d, (Sound(0.9),) * 10) for d in (first, other))
    assert with_hearing([one], two) == (one, two)
    strange = Hearing("1112223334", (Sound(0.9),) * 10)
    assert with_hearing([one, two], strange) == (strange,)
    longer = Hearing(first + "12", (Sound(0.9),) * 12)
    assert with_hearing([one], longer) == (longer,)
    assert len(with_hearing([one] * 20, two)) < 10
    assert with_hearing([one] * 20, two)[-1] == two


def test_a_correction_is_what_the_last_hearing_says_and_no_other() -> None:
    one, two = (Hearing(d, (Sound(0.9),) * 10) for d in ("7931025846", "7931025841"))
    found = with_correction([one, two], part("6", (Sound(0.7),), 9, 10))
    assert [heard.digits for heard in found] == ["793102584?", "7931025846"]
    assert found[-1].sounds[9] == Sound(0.7)
    assert together(found, [])[0] == "7931025846"


def test_however_often_a_group_is_asked_for_a_whole_hearing_is_kept() -> None:
    once, then = (Hearing(d, (Sound(0.9),) * 10) for d in ("7931025846", "7901025846"))
    found = with_hearing(with_hearing((), once), then)
    others = together(found, [])[0][:7]
    for _ in range(20):  # a call has 60 turns at most
        found = with_hearing(found, part("841", (Sound(0.4),) * 3, 7, 10))
        assert together(found, [])[0][:7] == others
    assert found[:2] == (once, then)
    for _ in range(20):
        found = with_hearing(found, then)
    assert len(found) < 10


def test_of_a_denied_code_no_digit_is_taken_as_it_is() -> None:
    heard = Hearing("7931", (AS_IT_IS, Sound(0.0), Sound(0.4), Sound(0.95)))
    sure = [sound.sure for sound in heard.doubted().sounds]
    assert sure == [pytest.approx(0.9), 0.0, 0.4, 0.95]


def test_a_part_lies_where_it_was_asked_for() -> None:
    given = part("584", (Sound(0.5),) * 3, 6, 10)
    assert given.digits == "??????584?"
    assert [sound.sure for sound in given.sounds[6:9]] == [0.5] * 3
    assert given.without(range(6, 8)).digits == "????????4?"
    assert "584" not in repr(given)
