"""The caller of a scenario, frame by frame: speaks, presses, waits, interrupts, hangs up.

A polite turn begins a moment after the assistant listens and pauses while it speaks; a turn with
``barge_in`` begins while it speaks and does not stop. A caller with ``patience`` who is told that
nothing was understood says the same once more. The line's noise never stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from assistant.audio.types import SAMPLE_BYTES
from assistant.batch.line import LineSound, Samples
from assistant.batch.scenario import Turn
from assistant.call import Call
from assistant.nlu.types import Expect

_KEY_GAP = 0.2  # s between two keys
_AFTER_LAST = 60.0  # s without a turn left, then the caller hangs up
_TAIL = 0.25  # s after the last word that still belong to a turn

Press = str
Frame = tuple[bytes, Press]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a turn puts on the line: clean speech, or keys."""

    speech: Samples | None = field(default=None, repr=False)
    keys: str = field(default="", repr=False)


Prepare = Callable[[Turn, int], Prepared]
"""(turn, how many times it was said before) → what is said."""
Lines = Callable[[Turn], LineSound]


@dataclass(slots=True)
class _Active:
    """The turn that is being said."""

    number: int
    turn: Turn
    frames: list[Frame]
    prompts: int  # turns of the call when this one last said something
    at: int = 0
    meant: int = 0  # frames after which only silence is left

    @property
    def over(self) -> bool:
        return self.at >= len(self.frames)


@dataclass(frozen=True, slots=True)
class Tape:
    """Both sides, 16-bit mono PCM, and which of the caller's turns each of the call's answered
    (an index into the scenario's turns; None: none of them)."""

    caller: bytes = field(repr=False)
    assistant: bytes = field(repr=False)
    owners: tuple[int | None, ...]


class ScenarioCaller:
    """Plays the turns of one scenario into a call."""

    def __init__(
        self,
        call: Call,
        turns: Sequence[Turn],
        prepare: Prepare,
        lines: Lines,
        frame: float,
        patience: int = 0,
    ) -> None:
        self._call, self._turns = call, turns
        self._prepare, self._lines = prepare, lines
        self._seconds = frame
        self._patience = patience
        self._said = 0  # how many times the newest turn was said
        self._samples = call.frame_bytes // SAMPLE_BYTES
        self._next = 0  # index of the first turn that has not begun
        self._active: _Active | None = None
        self._answered_at: int | None = None  # wait until the call has more turns than this
        self._listening = self._speaking = 0  # frames in a row, of the newest prompt
        self._prompts = 0
        self._frames = 0
        self._owners: list[int | None] = []

    def run(self) -> Tape:
        """The whole call, as fast as it can be computed."""
        call = self._call
        caller, assistant = bytearray(), bytearray()
        quiet = 0.0
        while call.ended is None and quiet < _AFTER_LAST:
            frame, keys = self._frame()
            if call.ended is not None:  # hung up
                break
            owner = self._owner()
            caller += frame
            assistant += call.step(frame, keys)
            self._frames += 1
            self._count(owner)
            left = self._active is not None or self._next < len(self._turns)
            quiet = 0.0 if left else quiet + self._seconds
        call.hang_up()
        self._count(self._owner())
        return Tape(bytes(caller), bytes(assistant), tuple(self._owners))

    # --- what is on the line ----------------------------------------------------------------

    def _frame(self) -> Frame:
        if self._active is None:
            self._begin()
        active = self._active
        if active is None or not self._may_go_on(active):
            return self._noise(active), ""
        if active.over:
            self._finish(active)
            return self._noise(active), ""
        if active.at < active.meant:
            active.prompts = len(self._call.turns)
        active.at += 1
        return active.frames[active.at - 1]

    def _begin(self) -> None:
        """Start the next turn if its moment has come."""
        if self._answered_at is not None and len(self._call.turns) <= self._answered_at:
            return
        again = self._not_understood()
        if not again and self._next >= len(self._turns):
            return
        number = self._next - again
        turn = self._turns[number]
        if again:
            turn = turn.model_copy(update={"barge_in": None})
        if not self._moment(turn):
            return
        self._answered_at = None
        self._next, self._said = number + 1, self._said + 1 if again else 1
        if turn.kind == "hang_up":
            self._active = _Active(number, turn, [], len(self._call.turns))
            self._call.hang_up()
            return
        self._active = self._make(number, turn)

    def _not_understood(self) -> bool:
        """Whether the assistant asks once more because it did not understand the last turn, and
        the caller has the patience to say it again."""
        turns = self._call.turns
        if len(turns) < 2 or not 0 < self._said <= self._patience:
            return False
        heard = turns[-2].heard
        refused = heard is not None and heard.rejection is not None
        asked_again = turns[-2].expect is turns[-1].expect
        return refused and asked_again and self._turns[self._next - 1].say is not None

    def _moment(self, turn: Turn) -> bool:
        if turn.barge_in is not None:
            late = self._listening * self._seconds >= turn.pause
            return self._speaking * self._seconds >= turn.barge_in or late
        return self._call.listening and self._listening * self._seconds >= turn.pause

    def _make(self, number: int, turn: Turn) -> _Active:
        prepared = self._prepare(turn, self._said - 1)
        frames: list[Frame] = []
        meant = 0
        if prepared.speech is not None:
            pcm = self._lines(turn).carry(prepared.speech, self._frames * self._samples)
            size = self._call.frame_bytes
            pcm = pcm.ljust(-(-len(pcm) // size) * size, b"\0")
            frames = [(pcm[at : at + size], "") for at in range(0, len(pcm), size)]
            meant = self._last_sound(prepared.speech)
        digits = self._call.expect in (Expect.CODE, Expect.CONFIRM_OR_MORE)
        bounced = len(set(prepared.keys)) == 1 and not digits
        for key in prepared.keys:
            start = self._frames + len(frames)
            gap = [self._noise_at(turn, start + i) for i in range(round(_KEY_GAP / self._seconds))]
            # a "#" after a whole code is late, a key that bounced is one press: they say nothing
            if not meant or not (bounced or key == "#"):
                meant = len(frames) + 1
            frames += [(gap[0], key), *((quiet, "") for quiet in gap[1:])]
        return _Active(number, turn, frames, len(self._call.turns), meant=meant)

    def _last_sound(self, speech: Samples) -> int:
        places = np.flatnonzero(np.abs(speech) > 0.02 * np.max(np.abs(speech), initial=1e-9))
        last = int(places[-1]) if len(places) else 0
        return last // self._samples + 1 + round(_TAIL / self._seconds)

    def _may_go_on(self, active: _Active) -> bool:
        """Whether the active turn has a frame for this moment; it may end here instead."""
        call = self._call
        if active.turn.kind == "silence":
            asked = len(call.turns) - active.prompts
            if asked >= (active.turn.silence or 1):
                self._active = None
            return False
        if active.turn.barge_in is not None or (active.turn.keys and active.at):
            return True  # nobody stops in mid-number
        if call.listening:
            return True
        if call.speaking and active.at >= active.meant:
            self._active = None  # what was left of it was silence
        return False

    def _finish(self, active: _Active) -> None:
        self._answered_at = active.prompts
        self._active = None

    def _noise(self, active: _Active | None) -> bytes:
        turn = active.turn if active else self._turns[min(self._next, len(self._turns) - 1)]
        return self._noise_at(turn, self._frames)

    def _noise_at(self, turn: Turn, frame: int) -> bytes:
        return self._lines(turn).between(frame * self._samples, self._samples)

    # --- whose turn was it ----------------------------------------------------------------

    def _owner(self) -> int | None:
        if self._active is not None:
            return self._active.number
        return self._next - 1 if self._next else None

    def _count(self, owner: int | None) -> None:
        call = self._call
        self._listening = self._listening + 1 if call.listening else 0
        same = call.speaking and self._prompts == len(call.turns)
        self._speaking = self._speaking + 1 if same else 0
        self._prompts = len(call.turns)
        while len(self._owners) < len(call.turns):
            turn = call.turns[len(self._owners)]
            last = len(self._owners) == len(call.turns) - 1
            if last and turn.ended is None:
                return
            self._owners.append(owner if turn.ended is not None else None)
