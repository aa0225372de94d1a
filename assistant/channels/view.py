"""What a screen beside the call may show, as it happens. Digits are masked; the plain text is
beside them only where every account of the call is invented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from assistant.call import Call
from assistant.call.redaction import MASK

News = dict[str, Any]
_DIGIT = re.compile(r"\d")


class CallView:
    """Looks at a call after each frame and tells what is new."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._state = ""
        self._partial = ""
        self._turn = -1  # the turn that was told last
        self._heard = True

    def news(self) -> Iterator[News]:
        """Everything since the last look, in order."""
        call = self._call
        if call.turns:
            yield from self._answer()
        while self._turn < len(call.turns) - 1:
            self._turn += 1
            self._heard = False
            yield from self._prompt()
            yield from self._answer()
        yield from self._now()

    def _prompt(self) -> Iterator[News]:
        turn = self._call.turns[self._turn]
        if turn.prompt:
            masked = _DIGIT.sub(MASK, turn.prompt)
            shown = turn.prompt if self._call.reveal else None
            yield self._said("prompt", turn.asked, masked, shown)

    def _answer(self) -> Iterator[News]:
        if self._heard:
            return
        call, turn = self._call, self._call.turns[self._turn]
        if turn.ended is None and turn.timings.account is None:
            return
        self._heard = True
        if turn.ended is not None:
            shown = turn.said(True) if call.reveal else None
            at = turn.listened if turn.listened is not None else turn.asked
            yield self._said("heard", at, turn.said(False), shown) | {"keys": bool(turn.keys)}
        yield {
            "type": "timings",
            "turn": self._turn,
            "expect": turn.expect.value if turn.expect else None,
            **turn.timings.as_dict(),
        }

    def _said(self, kind: str, at: float, text: str, shown: str | None) -> News:
        return {"type": kind, "turn": self._turn, "at": round(at, 2), "text": text, "shown": shown}

    def _now(self) -> Iterator[News]:
        call = self._call
        state = "ended" if call.ended else _state(call)
        if state != self._state:
            self._state = state
            expect = call.expect.value if call.expect else None
            yield {"type": "state", "state": state, "expect": expect, "at": round(call.now, 2)}
        partial = call.partial
        if partial != self._partial:
            self._partial = partial
            yield {"type": "partial", "text": partial}


def _state(call: Call) -> str:
    if call.listening:
        return "listening"
    return "speaking" if call.speaking else "working"
