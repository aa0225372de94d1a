"""Keys in a call: they stop prompts, are never lost, and share the turn with speech."""

from __future__ import annotations

import pytest

from assistant.call import Call
from assistant.dialogue.types import (
    Action,
    Ask,
    EndOfCall,
    Finish,
    Heard,
    Keyed,
    Reply,
    Say,
    SayDigits,
    Silence,
    VerifyAndReset,
)
from assistant.nlu.types import Expect
from assistant.settings import Turns
from tests.call_tools import QUIET, RATE, ScriptedTalk, make_parts, play, silence, spoken

HELLO = Reply((Say("greeting"),))
READBACK = Reply((Say("readback"), SayDigits("0123456789", (4, 3, 3))))
EMPTY = Reply(())
BYE = Finish(Reply((Say("goodbye"),)), EndOfCall.DONE)
MENU = Ask(HELLO, Expect.MENU, instant_keys="0123456789*#")
CODE = Ask(HELLO, Expect.CODE)


def start(*actions: Action) -> tuple[Call, ScriptedTalk]:
    talk = ScriptedTalk(actions)
    return Call(make_parts(), talk, None, "call-1", RATE), talk


def press(call: Call, keys: str, every: float = 0.2) -> None:
    """One key every ``every`` seconds, the first at once."""
    for key in keys:
        play(call, silence(every), keys={0: key})


def test_a_key_stops_the_prompt_and_is_the_turn() -> None:
    call, talk = start(MENU, CODE)
    out = play(call, silence(0.5), keys={10: "8"})
    assert talk.events[1] == Keyed("8")
    assert "prompt_stopped" in {note.what for note in call.notes}
    assert call.turns[1].asked == pytest.approx(0.22)  # the next question, a frame later
    assert [i for i, frame in enumerate(out) if not any(frame)] == [10], "a gap of one frame"


def test_type_ahead_is_never_lost() -> None:
    """Menu key, code and confirmation in one breath, during the greeting."""
    call, talk = start(MENU, CODE, Ask(READBACK, Expect.CONFIRM, instant_keys="12"), BYE)
    play(call, silence(0.1), keys={2: "89123456780#1"})
    play(call, silence(5))
    assert talk.events[1:4] == [Keyed("8"), Keyed("9123456780"), Keyed("1")]


def test_keys_pressed_before_a_read_back_do_not_skip_it() -> None:
    call, talk = start(CODE, Ask(READBACK, Expect.CONFIRM, instant_keys="12"), BYE)
    play(call, silence(0.1), keys={2: "9123456780", 3: "1"})
    assert talk.events[1:] == [Keyed("9123456780")]
    play(call, silence(1.8))
    assert len(talk.events) == 2, "the read-back of two seconds is still being spoken"
    play(call, silence(0.3))
    assert talk.events[2] == Keyed("1")


def test_a_key_during_a_read_back_stops_it() -> None:
    call, talk = start(Ask(READBACK, Expect.CONFIRM, instant_keys="12"), BYE)
    play(call, silence(1.2))
    play(call, silence(0.1), keys={0: "1"})
    assert talk.events[1] == Keyed("1")
    assert all(end <= 1.3 for _, end in call.spoken_digits), "no tone over what was not spoken"


OVERTAKEN = Ask(READBACK, Expect.CONFIRM, instant_keys="12", overtaken="4790123456")


@pytest.mark.parametrize("rest", ["123", "111", "220"])
@pytest.mark.parametrize("every", [0.1, 0.3, 1.5])
def test_keys_that_overtake_a_read_back_go_on_with_the_card(rest: str, every: float) -> None:
    call, talk = start(OVERTAKEN, BYE)
    play(call, silence(0.3))
    press(call, rest, every)
    play(call, silence(0.1))
    assert talk.events[1] == Keyed(rest)


def test_a_lone_key_that_overtakes_a_read_back_is_an_answer_after_all() -> None:
    call, talk = start(OVERTAKEN, BYE)
    play(call, silence(0.3))
    press(call, "1")
    assert len(talk.events) == 1
    play(call, silence(Turns().inter_digit))
    assert talk.events[1] == Keyed("1")


def test_once_a_digit_was_read_back_a_key_answers() -> None:
    call, talk = start(OVERTAKEN, BYE)
    play(call, silence(1.2))
    press(call, "123")
    assert talk.events[1] == Keyed("1")


def test_the_last_digit_of_a_code_ends_the_turn() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), BYE)
    call.step(QUIET)
    press(call, "912345678")
    assert len(talk.events) == 1
    press(call, "0")
    assert talk.events[1] == Keyed("9123456780")


@pytest.mark.parametrize("every", [0.0, 0.06, 0.2])
@pytest.mark.parametrize("key", ["8", "1", "#"])
def test_a_bounced_key_is_one_press(key: str, every: float) -> None:
    first = Ask(EMPTY, Expect.MENU, instant_keys="0123456789*#")
    call, talk = start(first, Ask(HELLO, Expect.CODE), BYE)
    call.step(QUIET)
    if every:
        press(call, key * 2, every)
    else:
        call.step(QUIET, key * 2)
    play(call, silence(1.5))
    press(call, "9123456780", 0.4)
    assert talk.events[1:] == [Keyed(key), Keyed("9123456780")]


def test_the_same_key_later_is_another_press() -> None:
    call, talk = start(Ask(EMPTY, Expect.MENU, instant_keys="8"), Ask(EMPTY, Expect.CODE), BYE)
    call.step(QUIET)
    press(call, "88123456780", 0.4)
    assert talk.events[1:] == [Keyed("8"), Keyed("8123456780")]


@pytest.mark.parametrize("every", [0.06, 0.2])
def test_a_code_dialled_at_once_keeps_its_first_digit(every: float) -> None:
    """A stored number dials key and code in one go: what looks like a bounce goes on."""
    call, talk = start(Ask(EMPTY, Expect.MENU, instant_keys="8"), Ask(EMPTY, Expect.CODE), BYE)
    call.step(QUIET)
    press(call, "88123456780", every)
    assert talk.events[1:] == [Keyed("8"), Keyed("8123456780")]


@pytest.mark.parametrize("every", [0.02, 0.1])
def test_equal_digits_of_a_code_all_count(every: float) -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), BYE)
    call.step(QUIET)
    press(call, "8888811000", every)
    assert talk.events[1] == Keyed("8888811000")


def test_a_hash_after_a_key_that_was_the_answer_belongs_to_it() -> None:
    """ "1#" at the confirmation: the # must not say "written down" before the password began."""
    first = Ask(EMPTY, Expect.CONFIRM, instant_keys="12#")
    call, talk = start(first, Ask(HELLO, Expect.SECRET, instant_keys="0123456789*#"), BYE)
    call.step(QUIET)
    press(call, "1#", 0.5)
    play(call, silence(2))
    assert talk.events[1:] == [Keyed("1")]


@pytest.mark.parametrize("every", [0.02, 0.5, 3.9, 4.1])
def test_a_hash_after_a_star_is_another_answer(every: float) -> None:
    """ "*" asks for the password again, and "#" says soon after that it is written down."""
    secret = Ask(EMPTY, Expect.SECRET, instant_keys="0123456789*#")
    call, talk = start(secret, secret, BYE)
    call.step(QUIET)
    press(call, "*#", every)
    assert talk.events[1:3] == [Keyed("*"), Keyed("#")]


def test_a_hash_after_the_last_digit_belongs_to_the_code() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), Ask(HELLO, Expect.CONFIRM), BYE)
    call.step(QUIET)
    press(call, "9123456780#")
    play(call, silence(3))
    assert talk.events[1:] == [Keyed("9123456780")]


def test_another_key_after_the_last_digit_is_kept() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), Ask(HELLO, Expect.CONFIRM, instant_keys="1#"), BYE)
    call.step(QUIET)
    press(call, "91234567801")
    play(call, silence(0.2))
    assert talk.events[2] == Keyed("1")


def test_the_inter_digit_time_ends_a_part_of_a_code() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), BYE)
    call.step(QUIET)
    press(call, "0123")
    play(call, silence(Turns().inter_digit - 0.3))
    assert len(talk.events) == 1
    play(call, silence(0.3))
    assert talk.events[1] == Keyed("0123")


def test_each_key_starts_the_inter_digit_time_anew() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), BYE)
    call.step(QUIET)
    press(call, "01234", every=3.5)
    assert len(talk.events) == 1


def test_hash_ends_at_once() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), BYE)
    call.step(QUIET)
    press(call, "012#")
    assert talk.events[1] == Keyed("012#")


def test_stars_are_passed_on() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), BYE)
    call.step(QUIET)
    press(call, "91234567*67*80")
    assert talk.events[1] == Keyed("91234567*67*80"), "ten digits are left after two deletions"


def test_words_before_a_key_are_a_turn_of_their_own() -> None:
    """Speak four, key six: nothing is lost, in the order in which it came."""
    call, talk = start(Ask(EMPTY, Expect.CODE), Ask(HELLO, Expect.CODE), BYE)
    play(call, [QUIET, *spoken("chín một hai ba"), *silence(0.3)])
    press(call, "456780#")
    heard, keyed = talk.events[1:3]
    assert isinstance(heard, Heard)
    assert heard.interpretation.text == "chín một hai ba"
    assert keyed == Keyed("456780#")


def test_words_after_keys_are_a_turn_of_their_own() -> None:
    """Key four, speak six, within the inter-digit time."""
    call, talk = start(Ask(EMPTY, Expect.CODE), Ask(HELLO, Expect.CODE), BYE)
    call.step(QUIET)
    press(call, "9123")
    play(call, silence(0.5) + spoken("bốn năm sáu bảy tám chín") + silence(2.1))
    assert talk.events[1] == Keyed("9123")
    heard = talk.events[2]
    assert isinstance(heard, Heard)
    assert heard.interpretation.text == "bốn năm sáu bảy tám chín"


def test_keys_while_the_accounts_work_wait_for_the_next_question() -> None:
    call, talk = start(VerifyAndReset(HELLO, "1"), MENU, BYE)
    play(call, silence(1.5), keys={5: "8"})
    assert talk.events[2] == Keyed("8")


def test_keys_do_not_cut_the_goodbye() -> None:
    call, _ = start(BYE)
    play(call, silence(0.9), keys={5: "8"})
    assert call.ended is None
    play(call, silence(0.3))
    assert call.ended is EndOfCall.DONE


def test_keypad_only_takes_keys() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE, keypad_only=True), BYE)
    call.step(QUIET)
    press(call, "9123456780")
    assert talk.events[1] == Keyed("9123456780")


def test_what_is_no_key_is_ignored() -> None:
    call, talk = start(Ask(EMPTY, Expect.MENU), BYE)
    play(call, silence(Turns().no_input + 0.1), keys={3: "ABCD \0é"})
    assert talk.events[1] == Silence()


def test_a_line_that_sends_keys_without_end_costs_no_memory() -> None:
    call, _ = start(Ask(EMPTY, Expect.MENU, instant_keys=""), BYE)
    for _ in range(200):
        call.step(QUIET, "1" * 1_000)
    assert call.ended is None or call.ended is EndOfCall.DONE
    assert all(len(turn.keys) <= 300 for turn in call.turns)
