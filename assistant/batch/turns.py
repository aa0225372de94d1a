"""The turns of a finished call as plain data, with every word where it lies in the call. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.batch.watching import WatchedModel
from assistant.call import Call, Turn, redact_words
from assistant.call.redaction import reveal_digits
from assistant.dialogue.types import Reply, Say
from assistant.nlu.types import Correction, Interpretation

FRAME = 0.02  # s; a turn that ends in a frame has heard that frame


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One turn of the call. ``owner``: which of the scenario's turns it answered; ``reply``: what
    was said before listening; ``words``: (text, start, end, confidence), seconds of the call."""

    turn: Turn
    owner: int | None
    reply: Reply = field(repr=False)
    words: tuple[tuple[str, float, float, float | None], ...] = field(repr=False)

    @property
    def prompts(self) -> tuple[str, ...]:
        """The keys of what was said."""
        return tuple(part.key for part in self.reply.parts if isinstance(part, Say))

    @property
    def heard(self) -> Interpretation:
        return self.turn.heard or Interpretation()

    @property
    def digits(self) -> str:
        """Digits heard or keyed in this turn."""
        if self.turn.keys:
            return "".join(key for key in self.turn.keys if key.isdigit())
        return self.heard.digits.digits if self.heard.digits else ""

    def as_dict(self, reveal: bool) -> dict[str, Any]:
        shown = self._shown_words(reveal)
        out = self.turn.as_dict(reveal)
        out["owner"] = self.owner
        out["prompts"] = list(self.prompts)
        out["words"] = [[text, *rest] for text, (_, *rest) in zip(shown, self.words, strict=True)]
        if reveal:
            # A call shows no digits before it knows whose they are; a scenario knows it all along.
            out["prompt"] = reveal_digits(self.turn.prompt, self.reply)
            out["heard_digits"] = self.digits
        return out

    def _shown_words(self, reveal: bool) -> Sequence[str]:
        texts = tuple(word[0] for word in self.words)
        if reveal or self.turn.expect is None:
            return texts
        return redact_words(texts, self.turn.expect, self.heard)


def turn_records(
    call: Call, said: Sequence[Reply], model: WatchedModel, owners: Sequence[int | None]
) -> tuple[TurnRecord, ...]:
    """``said``: what began each turn, in order."""
    records = []
    for number, turn in enumerate(call.turns):
        owner = owners[number] if number < len(owners) else None
        reply = said[number] if number < len(said) else Reply(())
        records.append(TurnRecord(turn, owner, reply, _placed(turn, model)))
    return tuple(records)


def _placed(turn: Turn, model: WatchedModel) -> tuple[tuple[str, float, float, float | None], ...]:
    if not turn.words or turn.ended is None:
        return ()
    seconds = model.seconds(turn.words)
    start = turn.ended + FRAME - seconds if seconds is not None else turn.listened or turn.asked
    return tuple(
        (word.text, round(start + word.start, 3), round(start + word.end, 3), word.confidence)
        for word in turn.words
    )


def correction_text(correction: Correction | None) -> str | None:
    """As scenario files write it: ``-1=7``, ``2=``, ``restart``, ``7>8``, ``7>``, ``7@1>8``."""
    if correction is None:
        return None
    if correction.restart:
        return "restart"
    if correction.wrong:
        rank = "" if correction.position is None else f"@{correction.position}"
        return f"{correction.wrong}{rank}>{correction.digits}"
    return f"{correction.position}={correction.digits}"
