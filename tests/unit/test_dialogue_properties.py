"""Random walks over the transition table: what must hold on every path."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.call.apology import BUSY
from assistant.call.consent import PROMPT as CONSENT
from assistant.dialogue import DialogueState, initial, step
from assistant.dialogue.code import (
    code_progress,
    groups,
    groups_with,
    places_of,
    replace_digits,
)
from assistant.dialogue.meaning import FROM_CALLER, Meaning, meaning_of
from assistant.dialogue.replies import (
    CODE_ASK,
    FAQ_ANSWERS,
    FIND_CODE,
    FIX_FIRST,
    FIX_LAST,
    FIX_NEXT,
    FIX_ONE,
    HAVE,
    HINTS,
    QUESTIONS,
    SORRY,
)
from assistant.dialogue.state import EXPECT, Phase
from assistant.dialogue.table import LISTENING, TABLE
from assistant.dialogue.types import (
    Action,
    Ask,
    CallStarted,
    EndOfCall,
    Event,
    Failed,
    Finish,
    Heard,
    HungUp,
    Keyed,
    Refused,
    ResetDone,
    SayDigits,
    Silence,
    VerifyAndReset,
)
from assistant.nlu.types import (
    FAQS,
    Correction,
    DigitSpan,
    Expect,
    Intent,
    Interpretation,
    Rejection,
)
from assistant.settings import DialogueLimits
from tests.unit.dialogue_tools import PROMPTS, codes, event_of, said

T = TypeVar("T")
Caller = Callable[[DialogueState, random.Random], Event]
Judge = Callable[[DialogueState, Event, DialogueState, Action], None]

CATALOGUE = yaml.safe_load(PROMPTS.read_text("utf-8"))["prompts"]
INTENTS, REJECTIONS = tuple(Intent), tuple(Rejection)
LIMITS = tuple(DialogueLimits(accepted_ids=ids) for ids in ("both", "bhxh", "cccd"))
OWN_NUMBER = "0393102584"
LONG = 400  # events; more than any call may take


# --- callers: what may happen next ----------------------------------------------------


def heard(draw: random.Random) -> Event:
    """Any utterance, nonsense included."""
    run = "".join(draw.choices("0123456789", k=draw.choice((1, 1, 2, 3, 4, 6, 10, 10, 12, 13, 17))))
    run = draw.choice(("", "", "001", "79")) + run
    unsure = tuple(sorted(draw.sample(range(len(run)), k=min(len(run), draw.choice((0, 0, 1, 2))))))
    return Heard(
        Interpretation(
            intent=_maybe(draw, 0.3, draw.choice(INTENTS)),
            digits=_maybe(draw, 0.4, DigitSpan(run, card=draw.random() < 0.1, unsure=unsure)),
            yes_no=_maybe(draw, 0.3, draw.random() < 0.6),
            correction=_maybe(
                draw,
                0.15,
                Correction(
                    draw.choice((None, 0, 1, 2, 9, 10, -1, -2, -3, -4, -13)),
                    count=draw.choice((0, 1, 1, 2, 3, 4, 5)),
                    digits=draw.choice(("", run[:1], run[:2])),
                    restart=draw.random() < 0.2,
                    wrong=draw.choice(("", "", run[:1], run[-1:], run[-2:])),
                ),
            ),
            rejection=_maybe(draw, 0.1, draw.choice(REJECTIONS)),
        )
    )


def _maybe(draw: random.Random, chance: float, value: T) -> T | None:
    return value if draw.random() < chance else None


def keyed(draw: random.Random) -> Event:
    return Keyed("".join(draw.choices("0123456789*#", k=draw.choice((0, 1, 1, 1, 2, 5, 11)))))


def anything(state: DialogueState, draw: random.Random) -> Event:
    """Any event, possible or not."""
    return draw.choice(
        (
            heard(draw),
            heard(draw),
            keyed(draw),
            Silence(),
            CallStarted(),
            ResetDone("".join(draw.choices("0123456789", k=6))),
            Refused(),
            Failed(),
            HungUp(),
        )
    )


def outcome(draw: random.Random) -> Event:
    password = "".join(draw.choices("0123456789", k=6))
    return draw.choice((ResetDone(password), ResetDone(password), Refused(), Failed()))


def helpful(state: DialogueState, draw: random.Random) -> Event:
    """What brings a call forward, so that walks reach the deep phases."""
    code = draw.choice([v for k, v in codes(draw).items() if k != "p"])
    cut = draw.randint(1, len(code))
    wrong = f"wrong {draw.randint(-4, 11)} {draw.randint(1, 4)}"
    place = draw.randrange(len(code))
    wrong_digit, right = draw.choice(state.code or code), draw.choice("0123456789")
    by_value = (
        f"value {wrong_digit} {right}",
        f"value {wrong_digit}",
        f"rank {wrong_digit} {draw.randint(-2, 2)}",
    )
    words = {
        Phase.MENU: ("keys 8", "reset", f"digits {code}"),
        Phase.CODE: (
            f"digits {code}",
            f"keys {code}",
            f"digits {code[:cut]}",
            f"card {code[:cut]}",
            f"digits {code} unsure {place}",
            f"digits {code[:cut]} unsure {draw.randrange(cut)}",
            f"digits {OWN_NUMBER}",
            f"value {code[0]} {code[1]}",
        ),
        Phase.CONFIRM: (
            "yes",
            "keys 1",
            "yes",
            "no",
            "is -1 4",
            "wrong 0 3",
            "wrong 0 4",
            "keys *",
            *by_value,
        ),
        Phase.WHICH: (*by_value, "is -1 5", wrong, f"digits {code}", "wrong 0 2", "yes"),
        Phase.FIX: (
            f"digits {code[:1]}",
            "keys 7",
            "wrong -3 3",
            f"digits {code[: state.fix[1] if state.fix else 1]}",
            f"keys {code[: state.fix[1] if state.fix else 1]}",
        ),
        Phase.SECRET: ("keys #", "keys *", f"digits {state.password}", "slower", "yes"),
        Phase.MORE: ("reset", "yes", "keys 8", "faq_fee"),
    }
    return event_of(draw.choice(words[state.phase]), "")


def plausible(state: DialogueState, draw: random.Random) -> Event:
    """One event of those the last action can yield."""
    if state.phase is Phase.START:
        return CallStarted()
    if state.phase is Phase.VERIFYING:
        return outcome(draw)
    if state.phase is Phase.ENDED:
        return HungUp()
    if draw.random() < 0.7:
        return helpful(state, draw)
    return draw.choice((heard(draw), heard(draw), keyed(draw), Silence()))


@dataclass
class Walk:
    """A call by a random caller; every step is checked by ``judge``."""

    seed: int
    caller: Caller = plausible
    limits: DialogueLimits = field(default_factory=DialogueLimits)
    keys_said: set[str] = field(default_factory=set)

    def run(self, judge: Judge = lambda *_: None) -> tuple[DialogueState, Action]:
        draw = random.Random(self.seed)
        state = initial(can_transfer=draw.random() < 0.5, own_number=OWN_NUMBER)
        for _ in range(LONG):
            event = self.caller(state, draw)
            before = state
            state, action = step(state, event, self.limits)
            judge(before, event, state, action)
            self.keys_said.update(said(action))
            if isinstance(action, Finish):
                return state, action
        raise AssertionError("the call never ended")


seeds = st.integers(0, 2**32)
limits = st.sampled_from(LIMITS)
callers = st.sampled_from([plausible, anything])
walks = settings(max_examples=400, deadline=None)


def digits_of(event: Event) -> str:
    """The digits an event carries, in any form."""
    if isinstance(event, Keyed):
        return "".join(k for k in event.keys if k.isdigit())
    if isinstance(event, Heard):
        i = event.interpretation
        return (i.digits.digits if i.digits else "") + (i.correction.digits if i.correction else "")
    return event.password if isinstance(event, ResetDone) else ""


def unsure(event: Heard) -> bool:
    """Whether digits of an utterance were not heard well, and count in it."""
    heard = event.interpretation
    return heard.digits is not None and bool(heard.digits.unsure) and heard.yes_no is not True


def spoken(action: Action, secret: bool) -> list[str]:
    parts = (p for p in action.reply.parts if isinstance(p, SayDigits))
    return [p.digits for p in parts if p.secret == secret]


# --- safety ---------------------------------------------------------------------------


@walks
@given(seeds, callers, limits)
def test_only_a_code_read_back_and_confirmed_is_verified(
    seed: int, caller: Caller, limits: DialogueLimits
) -> None:
    last_read: list[str] = [""]

    def judge(before: DialogueState, event: Event, _: DialogueState, action: Action) -> None:
        if isinstance(action, VerifyAndReset):
            assert before.phase is Phase.CONFIRM
            assert action.code == last_read[0] == before.code == before.read_back
            said_yes = isinstance(event, Heard) and (
                event.interpretation.yes_no is True or digits_of(event) == "1"
            )
            assert not (isinstance(event, Heard) and unsure(event))
            assert said_yes or (isinstance(event, Keyed) and set(event.keys) - {"#"} == {"1"})
            assert code_progress(action.code, limits.accepted_ids) in ("complete", "maybe_complete")
        changes = before.code not in ("", last_read[0])
        read = spoken(action, secret=False)
        last_read[0] = read[-1] if read else ("" if changes else last_read[0])

    Walk(seed, caller, limits).run(judge)


@walks
@given(seeds, callers, limits)
@example(5976, plausible, DialogueLimits(accepted_ids="bhxh"))
def test_a_digit_in_doubt_is_asked_for_before_the_code_is_read_back(
    seed: int, caller: Caller, limits: DialogueLimits
) -> None:
    """Places in doubt lie in the code; a code that is complete and has some is never read back
    but their groups are asked for, the first one first, and nothing but that group changes with
    the answer."""

    def judge(before: DialogueState, event: Event, after: DialogueState, action: Action) -> None:
        assert all(0 <= place < len(after.code) for place in after.unsure)
        if after.phase not in (Phase.CODE, Phase.FIX):
            assert not after.unsure
        if "unsure_group" in said(action) and after.last_reply != before.last_reply:
            assert after.fix in spans(len(after.code))
            wanted = groups_with(after.unsure, len(after.code))
            assert after.fix == wanted[0]
            assert len(wanted) <= limits.unsure_groups
            assert after.read_back is None
            assert not spoken(action, secret=False)
        answered = len(digits_of(event)) == before.fix[1] if before.fix else False
        if (
            before.phase is Phase.FIX
            and before.unsure
            and after.phase is Phase.CONFIRM
            and answered
        ):
            start, count = before.fix or (0, 0)
            kept = before.code[:start] + before.code[start + count :]
            assert kept == after.code[:start] + after.code[start + count :]
            assert after.code == after.read_back == spoken(action, secret=False)[-1]

    Walk(seed, caller, limits).run(judge)


@walks
@given(seeds, callers, limits)
def test_a_correction_by_value_reads_back_and_changes_one_place(
    seed: int, caller: Caller, limits: DialogueLimits
) -> None:
    """It confirms nothing, and writes only where the wrong digits stood. Which of several is asked
    for, not guessed, unless the caller was asked for that very place."""

    def judge(before: DialogueState, event: Event, after: DialogueState, action: Action) -> None:
        if not isinstance(event, Heard) or before.phase not in (Phase.CONFIRM, Phase.WHICH):
            return
        rows = TABLE[before.phase]
        fix = event.interpretation.correction
        meaning = meaning_of(before, event, rows, limits.accepted_ids)
        if meaning is not Meaning.CORRECTION or fix is None or not fix.wrong or fix.restart:
            return
        assert not isinstance(action, VerifyAndReset)
        starts = places_of(fix.wrong, before.code)
        if after.phase is not Phase.CONFIRM or (before.phase is Phase.WHICH and not fix.digits):
            return
        assert after.read_back == after.code == spoken(action, secret=False)[-1]
        if len(starts) != 1 and fix.position is None:
            assert after.code == before.code
        elif after.code != before.code:
            assert after.code in {
                replace_digits(before.code, start, fix.digits) for start in starts
            }

    Walk(seed, caller, limits).run(judge)


@walks
@given(seeds, callers, limits)
def test_the_callers_own_number_is_never_a_code(
    seed: int, caller: Caller, limits: DialogueLimits
) -> None:
    def judge(_: DialogueState, __: Event, after: DialogueState, action: Action) -> None:
        assert OWN_NUMBER not in spoken(action, secret=False)
        assert after.read_back != OWN_NUMBER
        assert not isinstance(action, VerifyAndReset) or action.code != OWN_NUMBER
        if "code_is_phone" in said(action):
            assert after.code == ""

    Walk(seed, caller, limits).run(judge)


def spans(n: int) -> list[tuple[int, int]]:
    """The groups of a code of ``n`` digits, as (start, size)."""
    sizes = groups(n)
    return [(sum(sizes[:i]), size) for i, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("n", "accepted"), [(10, "both"), (10, "bhxh"), (12, "both"), (12, "cccd")]
)
def test_every_group_in_doubt_has_its_question(n: int, accepted: str) -> None:
    """One question, the answer into its place, the whole read back, and only then a yes."""
    code = codes(random.Random(n))["a" if n == 10 else "c"]
    for start, count in spans(n):
        for place in range(start, start + count):
            state, asked = initial(), ""
            heard_wrong = code[:start] + "0" * count + code[start + count :]
            for words in ("start", "keys 8", f"digits {heard_wrong} unsure {place}", "yes"):
                state, action = step(state, event_of(words, ""), _limits(accepted))
                assert isinstance(action, Ask)
                asked = asked or next((k for k in said(action) if k.startswith("fix_")), "")
            assert (state.phase, state.fix) == (Phase.FIX, (start, count))
            assert asked
            answer = event_of(f"digits {code[start : start + count]}", "")
            state, action = step(state, answer, _limits(accepted))
            assert (state.phase, state.code) == (Phase.CONFIRM, code)
            state, action = step(state, event_of("yes", ""), _limits(accepted))
            assert isinstance(action, VerifyAndReset)
            assert action.code == code


def _limits(accepted: str) -> DialogueLimits:
    return next(limits for limits in LIMITS if limits.accepted_ids == accepted)


@walks
@given(seeds, callers)
def test_a_password_is_spoken_only_after_its_reset(seed: int, caller: Caller) -> None:
    granted: list[str | None] = [None]

    def judge(before: DialogueState, event: Event, after: DialogueState, action: Action) -> None:
        if before.phase is Phase.VERIFYING and isinstance(event, ResetDone):
            granted[0] = event.password
        for digits in spoken(action, secret=True):
            assert digits == granted[0]
            assert after.phase is Phase.SECRET
        assert not any(isinstance(p, SayDigits) and p.secret for p in after.last_reply.parts)
        if after.phase is not Phase.SECRET:
            assert after.password is None
            granted[0] = None

    Walk(seed, caller).run(judge)


@walks
@given(seeds, callers)
def test_digits_are_in_no_repr(seed: int, caller: Caller) -> None:
    def judge(before: DialogueState, event: Event, after: DialogueState, action: Action) -> None:
        shown = repr(event) + repr(after) + repr(action)
        secrets = (digits_of(event), after.code, after.password or "", after.read_back or "")
        for secret in secrets:
            assert len(secret) < 4 or secret not in shown

    Walk(seed, caller).run(judge)


@walks
@given(seeds, callers, limits)
def test_what_was_heard_of_a_code_is_forgotten_with_it(
    seed: int, caller: Caller, limits: DialogueLimits
) -> None:
    """Once it is verified, or the call is over; until then no more than a few hearings are kept,
    and the sounds of the buffer are as many as its digits."""

    def judge(before: DialogueState, event: Event, after: DialogueState, action: Action) -> None:
        if after.phase in (Phase.VERIFYING, Phase.SECRET, Phase.MORE, Phase.ENDED, Phase.MENU):
            assert (after.code, after.hearings, after.denied) == ("", (), ())
        assert len(after.hearings) <= 10
        assert len(after.sounds) == len(after.code)

    Walk(seed, caller, limits).run(judge)


@walks
@given(seeds, callers)
def test_a_read_back_is_denied_once_at_most(seed: int, caller: Caller) -> None:
    fresh = False  # a read-back that was not denied yet

    def judge(before: DialogueState, event: Event, after: DialogueState, action: Action) -> None:
        nonlocal fresh
        if len(after.denied) > len(before.denied):
            assert fresh
            assert len(after.denied) == len(before.denied) + 1
            fresh = False
        if after.read_back and spoken(action, secret=False):
            fresh = True

    Walk(seed, caller).run(judge)


@walks
@given(seeds, callers, st.integers(0, 4))
def test_a_call_verifies_no_more_than_its_limit(seed: int, caller: Caller, most: int) -> None:
    draw = random.Random(seed)
    state, done = initial(), 0
    for _ in range(LONG):
        event = caller(state, draw)
        state, action = step(state, event, LIMITS[0], verifications_per_call=most)
        done += isinstance(action, VerifyAndReset)
        if isinstance(action, Finish):
            break
    assert done <= most


@pytest.mark.parametrize("words", ["yes", "keys 1", "yes + digits {read}"])
def test_a_yes_to_a_stale_read_back_verifies_nothing(words: str) -> None:
    drawn = codes(random.Random(3))
    state = initial()
    for event in ("start", f"reset + digits {drawn['a']}"):
        state, _ = step(state, event_of(event, ""), LIMITS[0])
    stale = replace(state, code=drawn["b"])
    state, action = step(stale, event_of(words.replace("{read}", drawn["a"]), ""), LIMITS[0])
    assert isinstance(action, Ask)
    assert state.phase is Phase.CONFIRM


def test_a_yes_beyond_the_limit_verifies_nothing() -> None:
    state = initial()
    for words in ("start", f"reset + digits {codes(random.Random(4))['a']}"):
        state, _ = step(state, event_of(words, ""), LIMITS[0])
    _, action = step(replace(state, verifications=3), event_of("yes", ""), LIMITS[0])
    assert isinstance(action, Finish)
    assert said(action) == ["refused", "other_routes", "goodbye"]


def test_refusals_differ_in_nothing_but_the_limit() -> None:
    """Refused carries no reason, so the reply depends on the count of verifications alone."""
    replies = set()
    for seed in range(20):
        drawn, state = codes(random.Random(seed)), initial()
        for words in ("start", f"reset + digits {drawn['a']}", "yes"):
            state, _ = step(state, event_of(words, ""), LIMITS[0])
        replies.add(tuple(said(step(state, Refused(), LIMITS[0])[1])))
    assert replies == {("refused", "refused_retry")}


# --- liveness -------------------------------------------------------------------------


@walks
@given(seeds, callers, limits)
def test_step_is_total_and_keeps_to_its_table(
    seed: int, caller: Caller, limits: DialogueLimits
) -> None:
    def judge(before: DialogueState, event: Event, after: DialogueState, action: Action) -> None:
        rows = TABLE[before.phase]
        meaning = meaning_of(before, event, rows, limits.accepted_ids)
        if meaning not in rows:
            said_something = meaning in FROM_CALLER and Meaning.NO_MATCH in rows
            meaning = Meaning.NO_MATCH if said_something else Meaning.UNEXPECTED
        allowed = rows[meaning].leads_to | {before.phase}  # a None result is a no match: it stays
        out_of_turns = after.turns > limits.max_turns
        gave_up = Meaning.NO_MATCH in rows and before.misses + 1 >= limits.no_match_goodbye
        in_circles = before.idle + 1 >= limits.idle_turns
        ended = after.phase is Phase.ENDED and (out_of_turns or gave_up or in_circles)
        assert after.phase in allowed or ended
        if isinstance(action, Ask):
            grows = after.phase in (Phase.CONFIRM, Phase.WHICH) and action.collected
            assert action.expect is (Expect.CONFIRM_OR_MORE if grows else EXPECT[after.phase])
            assert action.digits_so_far == len(action.collected) <= 15

    Walk(seed, caller, limits).run(judge)


def listening_states() -> list[DialogueState]:
    """States that random calls really reach, a few of every listening phase."""
    found: dict[Phase, list[DialogueState]] = {phase: [] for phase in LISTENING}

    def judge(_: DialogueState, __: Event, after: DialogueState, ___: Action) -> None:
        if after.phase in found and len(found[after.phase]) < 12:
            found[after.phase].append(after)

    for seed in range(120):
        Walk(seed).run(judge)
    assert all(len(states) == 12 for states in found.values())
    return [state for states in found.values() for state in states]


REACHED = listening_states()


@pytest.mark.parametrize("state", REACHED, ids=lambda s: s.phase)
def test_silence_ends_the_call(state: DialogueState) -> None:
    assert turns_to_end(state, [Silence()]) <= (
        LIMITS[0].no_input_goodbye + LIMITS[0].wait_silences
    )


@pytest.mark.parametrize("state", REACHED, ids=lambda s: s.phase)
@pytest.mark.parametrize("why", Rejection)
def test_not_being_understood_ends_the_call(state: DialogueState, why: Rejection) -> None:
    no_match = Heard(Interpretation(rejection=why))
    assert turns_to_end(state, [no_match]) <= LIMITS[0].no_match_goodbye
    mixed = turns_to_end(state, [Silence(), no_match])
    assert mixed <= 2 * LIMITS[0].no_match_goodbye + LIMITS[0].wait_silences


@pytest.mark.parametrize("state", REACHED, ids=lambda s: s.phase)
@pytest.mark.parametrize(
    "words", ["wait", "hello", "repeat", "faq_fee", "keys 5", "yes", "digits 1"]
)
def test_a_caller_who_goes_in_circles_ends(state: DialogueState, words: str) -> None:
    state = replace(state, turns=0)
    draw = random.Random(1)
    for _ in range(LIMITS[0].max_turns * 2):
        busy = state.phase is Phase.VERIFYING
        state, action = step(state, outcome(draw) if busy else event_of(words, ""), LIMITS[0])
        if isinstance(action, Finish):
            return
    raise AssertionError("the call never ended")


@pytest.mark.parametrize("state", REACHED, ids=lambda s: s.phase)
@pytest.mark.parametrize("intent", ["wait", "hello", "repeat", "slower", "menu", "faq_fee"])
def test_being_understood_and_getting_nowhere_ends_the_call(
    state: DialogueState, intent: str
) -> None:
    state = replace(state, turns=0)
    most = LIMITS[0].idle_turns
    assert turns_to_end(state, [event_of(intent, "")]) <= most
    assert turns_to_end(state, [event_of(intent, ""), Silence()]) <= 2 * most


@pytest.mark.parametrize(
    ("events", "most"),
    [
        (["keys 2", "keys {a}"], 10),
        (["no", "digits {a}"], 10),
        (["digits {a}"], 6),
        (["no", "yes"], DialogueLimits().idle_turns),
        (["keys 2", "keys #"], DialogueLimits().idle_turns),
        (["keys *{a:9}"], DialogueLimits().idle_turns),
    ],
)
def test_the_same_code_read_back_again_and_again_ends_the_call(
    events: list[str], most: int
) -> None:
    code = codes(random.Random(7))["a"]
    state = initial()
    for words in ("start", f"reset + digits {code}"):
        state, _ = step(state, event_of(words, ""), LIMITS[0])
    filled = [words.replace("{a}", code).replace("{a:9}", code[9]) for words in events]
    assert turns_to_end(state, [event_of(words, "") for words in filled]) <= most


def turns_to_end(state: DialogueState, events: list[Event]) -> int:
    for n in range(LONG):
        state, action = step(state, events[n % len(events)], LIMITS[0])
        if isinstance(action, Finish):
            return n + 1
    raise AssertionError("the call never ended")


@pytest.mark.parametrize("state", REACHED, ids=lambda s: s.phase)
def test_what_is_offered_everywhere_works_everywhere(state: DialogueState) -> None:
    for intent in [*FAQS, Intent.REPEAT, Intent.SLOWER, Intent.WAIT, Intent.HELLO, Intent.MENU]:
        after, action = step(state, Heard(Interpretation(intent=intent)), LIMITS[0])
        assert isinstance(action, Ask)
        assert (after.phase, after.code, after.password, after.fix) == (
            state.phase,
            state.code,
            state.password,
            state.fix,
        )
    for intent in (Intent.AGENT, Intent.STOP):
        after, action = step(state, Heard(Interpretation(intent=intent)), LIMITS[0])
        assert isinstance(action, Finish)
        assert (after.code, after.password, after.read_back) == ("", None, None)
    _, action = step(state, HungUp(), LIMITS[0])
    assert isinstance(action, Finish)
    assert not action.reply.parts


@pytest.mark.parametrize("state", REACHED, ids=lambda s: s.phase)
def test_slower_stays(state: DialogueState) -> None:
    state, _ = step(state, Heard(Interpretation(intent=Intent.SLOWER)), LIMITS[0])
    for event in (Silence(), Heard(Interpretation(intent=Intent.FAQ_FEE))):
        state, action = step(state, event, LIMITS[0])
        assert action.reply.slow


def test_zero_is_heard_as_a_digit_where_a_digit_was_asked_for() -> None:
    assert EXPECT[Phase.FIX] is Expect.CODE


# --- prompts --------------------------------------------------------------------------


def asked_for_every_place() -> set[str]:
    """The prompts that ask for digits, at every place of a short and of a long code."""
    keys: set[str] = set()
    drawn = codes(random.Random(6))
    for code in (drawn["a"], drawn["c"]):
        state = initial()
        for words in ("start", f"reset + digits {code}"):
            state, _ = step(state, event_of(words, ""), LIMITS[0])
        for place in range(-len(code), len(code)):
            for count in range(1, 6):
                _, action = step(state, event_of(f"wrong {place} {count}", ""), LIMITS[0])
                keys.update(said(action))
    return keys


def test_every_prompt_said_exists_and_every_prompt_is_said() -> None:
    """What calls really say, by random callers of every kind, against prompts.yaml."""
    said_keys = asked_for_every_place()
    said_keys.update(said(Finish(BUSY, EndOfCall.BUSY)))  # before there is a dialogue
    for seed in range(2500):
        walk = Walk(seed, limits=LIMITS[seed % 3])
        walk.run()
        said_keys |= walk.keys_said
    before = {CONSENT}  # asked by call/consent.py, in front of the dialogue
    written = {key for key in CATALOGUE if not key.startswith("digit_")} - before
    assert said_keys - written == set()
    assert written - said_keys == set()


def test_every_prompt_of_the_tables_exists() -> None:
    tables = [
        *FIX_ONE,
        *FIX_FIRST.values(),
        *FIX_NEXT.values(),
        *FIX_LAST.values(),
        *HAVE[1:],
        *SORRY.values(),
    ]
    tables += [*QUESTIONS.values(), *HINTS.values(), *FAQ_ANSWERS.values(), *CODE_ASK.values()]
    tables += [key for keys in FIND_CODE.values() for key in keys]
    assert set(tables) <= set(CATALOGUE)
    assert {f"digit_{n}" for n in range(10)} <= set(CATALOGUE)
