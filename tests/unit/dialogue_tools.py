"""Shared by the dialogue's tests: events and codes drawn at run time."""

from __future__ import annotations

import random
from pathlib import Path

from assistant.dialogue.types import (
    Action,
    CallStarted,
    Event,
    Failed,
    Heard,
    HungUp,
    Keyed,
    Refused,
    ResetDone,
    Say,
    Silence,
)
from assistant.nlu.types import Correction, DigitSpan, Intent, Interpretation, Rejection

DATA = Path(__file__).parent.parent / "data"
PROMPTS = Path(__file__).parent.parent.parent / "audio_prompts" / "prompts.yaml"


def codes(draw: random.Random) -> dict[str, str]:
    """{a} ten digits that begin no citizen id, {b} another last digit, {t} another third one,
    {c} a citizen id, {p} a password; all different."""
    a = draw.choice("123456789") + "".join(draw.choices("0123456789", k=9))
    return {
        "a": a,
        "b": a[:9] + _other(a[9]),
        "t": a[:2] + _other(a[2]) + a[3:],
        "c": f"{draw.randint(1, 96):03}" + "".join(draw.choices("0123456789", k=9)),
        "p": "".join(draw.choices("0123456789", k=6)),
    }


def _other(digit: str) -> str:
    return str((int(digit) + 1) % 10)


def said(action: Action) -> list[str]:
    return [part.key for part in action.reply.parts if isinstance(part, Say)]


def event_of(words: str, password: str) -> Event:
    """An event in the notation of dialogue_conversations.yaml."""
    kind, _, rest = words.partition(" ")
    plain: dict[str, Event] = {
        "start": CallStarted(),
        "silence": Silence(),
        "hangup": HungUp(),
        "done": ResetDone(password),
        "refused": Refused(),
        "failed": Failed(),
    }
    if kind == "keys":
        return Keyed(rest)
    return plain.get(kind) or Heard(_interpretation(words))


def _interpretation(words: str) -> Interpretation:
    intent = digits = yes_no = correction = rejection = None
    for part in words.split(" + "):
        match part.split():
            case ["yes" | "no" as answer]:
                yes_no = answer == "yes"
            case ["digits" | "card" as kind, run]:
                digits = DigitSpan(run, card=kind == "card")
            case ["digits" | "card" as kind, run, "unsure", *places]:
                digits = DigitSpan(run, card=kind == "card", unsure=tuple(map(int, places)))
            case ["whole_card", run]:
                digits = DigitSpan(run, card=True, whole_card=True)
            case ["value", wrong, *new]:
                correction = Correction(wrong=wrong, digits="".join(new), count=len(wrong))
            case ["rank", wrong, rank, *new]:
                correction = Correction(int(rank), wrong=wrong, digits="".join(new))
            case ["restart"]:
                correction = Correction(restart=True)
            case ["is", place, new]:
                correction = Correction(int(place), digits=new)
            case ["wrong", place, count]:
                correction = Correction(int(place), count=int(count))
            case ["reject", why]:
                rejection = Rejection(why)
            case [name]:
                intent = Intent(name)
    return Interpretation(
        intent=intent, digits=digits, yes_no=yes_no, correction=correction, rejection=rejection
    )
