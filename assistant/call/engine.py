"""A call as a machine without I/O: ``step(frame in, keys) → frame out``, every 20 ms.

It is clocked by audio: a file runs as fast as it can be decoded, a telephone in real time, and
both take the same turns. Full duplex, sample-synchronous.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from assistant.asr.types import Recognizer
from assistant.asr.vad import VoiceActivity
from assistant.audio.types import SAMPLE_BYTES
from assistant.call.account import AccountWork
from assistant.call.apology import APOLOGY, TOO_LONG, log_failure
from assistant.call.barging import BargeIn, convincing
from assistant.call.keys import KeyQueue
from assistant.call.listening import Answer, Listener, Sound
from assistant.call.parts import CallParts, Conversation
from assistant.call.record import Note, Timings, Turn
from assistant.call.redaction import redact_words, reveal_digits
from assistant.call.speaking import Speaker
from assistant.dialogue.types import (
    Action,
    Ask,
    CallStarted,
    EndOfCall,
    Event,
    Finish,
    Heard,
    HungUp,
    Keyed,
    Reply,
    ResetDone,
    SayDigits,
    VerifyAndReset,
)
from assistant.errors import AssistantError
from assistant.nlu.types import Expect, Interpretation


class Call:
    """One call. ``phone``: the caller id as the line vouches for it, None when withheld;
    ``call_id``: the idempotency key of the account system; ``rate``: Hz of both directions."""

    def __init__(
        self, parts: CallParts, talk: Conversation, phone: str | None, call_id: str, rate: int
    ) -> None:
        self.call_id = call_id
        self.rate = rate
        self.frame_bytes = round(rate * parts.turns.frame) * SAMPLE_BYTES
        self.turns: list[Turn] = []
        self.notes: list[Note] = []
        self.ended: EndOfCall | None = None
        self.transfer = False  # the channel is to hand the caller to an agent
        self.resets = 0
        self.revealed: bool | None = None  # None: no account was touched
        self.error: str | None = None  # code or type of what broke the call
        self._parts = parts
        self._talk = talk
        self._phone = phone
        self._recognizer: Recognizer | None = None
        self._vad = VoiceActivity(parts.vad, parts.turns.frame, rate)
        self._barge = BargeIn(parts.turns, parts.vad, self._vad, rate)
        self._frames = 0
        self._keys = KeyQueue(parts.turns.key_bounce)
        self._recent: deque[Sound] = deque(
            maxlen=max(1, round(parts.turns.pre_roll / parts.turns.frame))
        )
        self._action: Action | None = None
        self._speaker = Speaker(self.frame_bytes, parts.turns.barge_back)
        self._early: tuple[Sound, ...] = ()
        self._listener: Listener | None = None
        self._work: AccountWork | None = None
        self._failing = False

    # --- what a channel sees ----------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds of audio since the call began."""
        return self._frames * self._parts.turns.frame

    @property
    def listening(self) -> bool:
        return self._listener is not None and self.ended is None

    @property
    def speaking(self) -> bool:
        return self._speaker.speaking

    @property
    def spoken_digits(self) -> list[tuple[float, float]]:
        """Seconds at which codes and secrets go out."""
        return self._speaker.digits

    @property
    def reveal(self) -> bool:
        """Whether digits of this call may be shown: every account it touched is invented."""
        return self.revealed is True

    @property
    def expect(self) -> Expect | None:
        """What is being asked now; None when nothing is."""
        return self._action.expect if isinstance(self._action, Ask) else None

    @property
    def partial(self) -> str:
        """The caller's words so far, masked, for live captions."""
        if self._listener is None or self.expect is None:
            return ""
        texts = [word.text for word in self._listener.partial]
        return " ".join(redact_words(texts, self.expect, Interpretation()))

    def step(self, frame_in: bytes, keys: str = "") -> bytes:
        """Take one frame of the caller (``frame_bytes`` of 16-bit PCM; a short one is filled
        up), and the keys pressed during it; return one frame of the assistant."""
        if self.ended is None:
            try:
                if len(frame_in) != self.frame_bytes:
                    frame_in = frame_in[: self.frame_bytes].ljust(self.frame_bytes, b"\0")
                self._advance(frame_in, keys)
            except Exception as error:
                self._fail(error)
        self._frames += 1
        frame_out = self._speaker.next()
        self._barge.say(frame_out)
        return frame_out

    def hang_up(self) -> None:
        """The caller is gone. A reset under way is finished by the account system."""
        if self.ended is not None:
            return
        self._note("hang_up")
        self._speaker.hush()
        try:
            self._drop_listener()
            self._talk.next(HungUp())  # in the middle of a goodbye too
        except Exception as error:
            log_failure(self.call_id, error)
        finishing = self._action if isinstance(self._action, Finish) else None
        self.ended = finishing.reason if finishing else EndOfCall.CALLER_HUNG_UP

    # --- one frame --------------------------------------------------------------------------

    def _advance(self, frame: bytes, keys: str) -> None:
        sound = Sound(frame, self._vad.accept(frame))
        self._barge.hear(frame)
        for _ in range(self._keys.take(keys, self.now)):
            self._note("key")
        if self._action is None:
            self._follow(CallStarted())
        elif self.now >= self._parts.turns.max_call and not isinstance(self._action, Finish):
            self._drop_listener()
            self._do(Finish(TOO_LONG, EndOfCall.NOT_UNDERSTOOD))
        elif self._listener is not None:
            self._listen(sound)
        else:
            self._recent.append(sound)
            self._speak(sound)

    def _speak(self, sound: Sound) -> None:
        """A prompt is playing, or an account is being worked on."""
        if not self._speaker.speaking:
            self._after_prompt()
        elif self._keys:
            if self._may_stop():
                if isinstance(self._action, Ask) and self._speaker.digits_ahead:
                    self._action = self._action.unheard()
                self._stop_prompt()
                self._after_prompt()
        elif isinstance(self._action, Ask) and self._is_interrupted(self._action, sound):
            self._note("prompt_paused")
            self._speaker.pause(self.now)
            self._start_listening(self._action)

    def _is_interrupted(self, ask: Ask, sound: Sound) -> bool:
        """Nothing said cuts off a password: nobody could write it down."""
        deaf = ask.keypad_only or self._speaker.secret_left
        return not deaf and self._barge.speaks(sound)

    def _stop_prompt(self) -> None:
        self._note("prompt_stopped")
        self._speaker.stop(self.now)

    def _doubt(self, listener: Listener, sound: Sound, answer: Answer | None) -> Answer | None:
        """The prompt is paused: go on with it, stop it, or wait until that is clear."""
        if answer is None and listener.engaged:
            self._stop_prompt()
        elif answer is not None or self._barge.nothing(sound):
            answer = answer or listener.conclude()
            if answer is not None and convincing(answer, self._parts.turns.barge_confidence):
                return answer
            self._listener = None
            self._note("prompt_resumed")
            self._speaker.go_on(self.now)
        return None

    def _may_stop(self) -> bool:
        """Keys stop a prompt. What was pressed before a read-back or a password began does not:
        nobody can have meant to miss those."""
        if not isinstance(self._action, Ask):
            return False
        return self._keys.pressed_since if _has_digits(self._action.reply) else bool(self._keys)

    def _after_prompt(self) -> None:
        action = self._action
        if isinstance(action, Ask):
            self._start_listening(action)
        elif isinstance(action, Finish):
            self._talk.next(HungUp())
            self._note("end")
            self.ended = action.reason
        elif self._work is not None and self._work.done:
            work, self._work = self._work, None
            outcome = work.result()
            self.revealed = work.invented and self.revealed is not False
            self.resets += isinstance(outcome, ResetDone)
            self._note(f"account_{type(outcome).__name__.lower()}")
            self._amend(timings=replace(self.turns[-1].timings, account=work.took))
            self._follow(outcome)

    # --- listening --------------------------------------------------------------------------

    def _start_listening(self, ask: Ask) -> None:
        self._note("listen")
        self._amend(listened=self.now)
        if self._recognizer is None:
            self._recognizer = self._parts.model.recognizer()
        self._listener = Listener(self._parts, self._recognizer, ask, self.rate)
        if self._early:
            self._listener.pre_roll(self._early)
        elif any(sound.speech for sound in self._recent):
            self._listener.pre_roll(self._recent)
        self._early = ()
        self._recent.clear()

    def _listen(self, sound: Sound) -> None:
        assert self._listener is not None
        answer = self._listener.accept(sound, self._keys.waiting)
        if self._speaker.paused:
            answer = self._doubt(self._listener, sound, answer)
        if answer is None:
            return
        if self._speaker.paused:
            self._stop_prompt()
        self._listener = None
        self._note(f"turn_{answer.reason.value}")
        self._early = answer.early
        self._record(answer)
        self._follow(answer.event)

    def _record(self, answer: Answer) -> None:
        event = answer.event
        if isinstance(event, Keyed) and isinstance(self._action, Ask):
            until = self.now + self._parts.turns.inter_digit
            self._keys.turn_ended(self._action, event.keys, self.now, until)
        self._amend(
            ended=self.now,
            end_reason=answer.reason,
            words=answer.words,
            keys=event.keys if isinstance(event, Keyed) else "",
            heard=event.interpretation if isinstance(event, Heard) else None,
            timings=Timings(answer.waited, answer.decode, answer.understand),
        )

    def _drop_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    # --- doing what the conversation says ------------------------------------------------------

    def _follow(self, event: Event) -> None:
        start = self._parts.clock()
        action = self._talk.next(event)
        took = 1000 * (self._parts.clock() - start)
        if self.turns:
            timings = replace(self.turns[-1].timings, dialogue=took)
            self._amend(event=type(event).__name__, action=type(action).__name__, timings=timings)
        self._do(action)

    def _do(self, action: Action) -> None:
        self._action = action
        if isinstance(action, VerifyAndReset):
            self._submit(action)
        self._say(action)
        if isinstance(action, Finish):
            self.transfer = action.transfer
        if isinstance(action, Ask) and self._skips(action):
            self._speaker.stop(self.now)
            self._start_listening(action)

    def _say(self, action: Action) -> None:
        clock = self._parts.clock
        start = clock()
        rendered = self._parts.voice.render(action.reply)
        took = 1000 * (clock() - start)
        if self.turns:
            self._amend(timings=replace(self.turns[-1].timings, render=took))
        self._speaker.say(rendered, self.now)
        self._barge.begin()
        self._keys.prompt_begins()
        expect = action.expect if isinstance(action, Ask) else None
        text = reveal_digits(rendered.text, action.reply) if self.reveal else rendered.text
        self.turns.append(Turn(expect=expect, prompt=text, asked=self.now))
        if rendered.pcm:
            self._note("prompt")

    def _skips(self, ask: Ask) -> bool:
        """Nothing to say, or the caller is ahead of us (keys waiting, speech after keys)."""
        if _has_digits(ask.reply):
            self._early = ()
            return False
        return not ask.reply.parts or bool(self._keys) or bool(self._early)

    def _submit(self, action: VerifyAndReset) -> None:
        self._note("account")
        self._work = AccountWork(self._parts, self._phone, action.code, self.call_id)

    # --- when things go wrong ---------------------------------------------------------------

    def _fail(self, error: Exception) -> None:
        """Apologise and end; a second failure ends at once. The only broad catch there is."""
        log_failure(self.call_id, error)
        if self.error is None:
            self.error = error.code if isinstance(error, AssistantError) else type(error).__name__
        self._listener = self._recognizer = self._work = None
        if self._failing:
            self._speaker.hush()
            self.ended = EndOfCall.FAILED
            return
        self._failing = True
        self._note("failed")
        try:
            self._do(Finish(APOLOGY, EndOfCall.FAILED))
        except Exception as second:
            self._fail(second)

    def _note(self, what: str) -> None:
        self.notes.append(Note(round(self.now, 3), what))

    def _amend(self, **changes: object) -> None:
        if self.turns:
            self.turns[-1] = replace(self.turns[-1], **changes)  # type: ignore[arg-type]


def _has_digits(reply: Reply) -> bool:
    return any(isinstance(part, SayDigits) for part in reply.parts)
