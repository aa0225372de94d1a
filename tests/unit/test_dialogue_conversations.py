"""Whole conversations, by the table of tests/data/dialogue_conversations.yaml."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
import yaml

from assistant.dialogue import initial, step
from assistant.dialogue.state import DialogueState, Phase
from assistant.dialogue.types import Action, Ask, Finish, Say, SayDigits, VerifyAndReset
from assistant.settings import DialogueLimits
from tests.unit.dialogue_tools import DATA, codes, event_of

CONVERSATIONS = yaml.safe_load((DATA / "dialogue_conversations.yaml").read_text("utf-8"))
SECRET = "password_first <{p}:3-3>* password_again <{p}:3-3>* secret_ask"


def filled(text: str, drawn: dict[str, str]) -> str:
    """Placeholders: {a}, {a:0:4}; {secret}."""

    def value(match: re.Match[str]) -> str:
        name, start, end = match.groups()
        return drawn[name] if start is None else drawn[name][int(start) : int(end)]

    text = text.replace("{secret}", SECRET)
    return re.sub(r"\{(\w)(?::(\d+):(\d+))?\}", value, text)


def shown(state: DialogueState, action: Action) -> str:
    """An action in the table's notation."""
    parts = [
        p.key
        if isinstance(p, Say)
        else f"<{p.digits}:{'-'.join(map(str, p.groups))}>" + "*" * p.secret
        for p in action.reply.parts
    ]
    head = str(state.phase)
    if isinstance(action, Finish):
        head += f" {action.reason}" + " transfer" * action.transfer
    if isinstance(action, Ask):
        head += "!" * action.keypad_only
    return " ".join([head + "~" * action.reply.slow + ":", *parts])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CONVERSATIONS, ids=lambda c: c["name"])
def test_conversation(case: dict[str, Any], seed: int) -> None:
    drawn = codes(random.Random(f"{case['name']}{seed}"))
    limits = DialogueLimits(accepted_ids=case.get("accepted", "both"))
    state = initial(can_transfer=case.get("transfer", False), own_number=case.get("own_number", ""))
    for event, expected, *told in case["turns"]:
        state, action = step(state, event_of(filled(event, drawn), drawn["p"]), limits)
        assert shown(state, action) == filled(expected, drawn), event
        for name, value in (told[0] if told else {}).items():
            wanted = filled(value, drawn) if isinstance(value, str) else value
            assert getattr(action, name) == wanted, (event, name)
        assert isinstance(action, VerifyAndReset) == (state.phase is Phase.VERIFYING)
        assert isinstance(action, Finish) == (state.phase is Phase.ENDED)


def test_the_read_back_is_what_is_verified() -> None:
    drawn = codes(random.Random(5))
    state, limits, spoken = initial(), DialogueLimits(), ""
    for words in ("start", f"reset + digits {drawn['b']}", f"no + is -1 {drawn['a'][9]}", "yes"):
        state, action = step(state, event_of(words, drawn["p"]), limits)
        for part in action.reply.parts:
            spoken = part.digits if isinstance(part, SayDigits) else spoken
    assert isinstance(action, VerifyAndReset)
    assert action.code == spoken == drawn["a"]
