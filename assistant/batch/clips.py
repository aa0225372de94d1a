"""One labelled recording: heard as the state that waits for it would, compared with its label."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assistant.asr.types import EndReason, Transcript
from assistant.audio import open_audio
from assistant.batch.checking import NOTHING
from assistant.batch.conditions import LEAD
from assistant.batch.hearing import Stage, understood
from assistant.batch.places import local_file
from assistant.batch.scenario_files import Clip, Entry
from assistant.errors import AssistantError
from assistant.nlu import HeardWord, interpret, prior
from assistant.nlu.types import Expect, Interpretation

if TYPE_CHECKING:
    from assistant.batch.play import Record

_A_CODE = 6  # digits; so many of somebody's are not shown
_HIDDEN = "•••"
_COMPARED = ("digits", "yes_no", "intent", "correction")


def play_clip(stage: Stage, entry: Entry) -> Record:
    """Hear ``entry``'s recording and judge the meaning, not the spelling. Six digits and more
    are hidden, unless the label says that they are invented."""
    assert entry.clip is not None
    clip = entry.clip
    listen = clip.listen or state_of(clip.text)
    wanted = _meant(clip.text, listen)
    started = time.perf_counter()
    try:
        transcript, seconds = _hear(stage, clip, listen)
    except AssistantError as error:
        failure = {"what": "error", "turn": None, "expected": NOTHING, "got": str(error)}
        return {"kind": "clip", "invented": True, "failures": [failure], "error": error.code,
                "seconds": 0.0, "elapsed": 0.0}  # fmt: skip
    heard = understood(transcript, listen)
    expected, got = meaning(wanted), meaning(heard)
    longest = max(len(meant["digits"] or "") for meant in (expected, got))
    shown = clip.invented or longest < _A_CODE
    failures = [
        {
            "what": name,
            "turn": None,
            "expected": expected[name] if shown else _HIDDEN,
            "got": got[name] if shown else _HIDDEN,
        }
        for name in _COMPARED
        if expected[name] != got[name]
    ]
    pairs = [[expected["digits"], got["digits"] or ""]] if expected["digits"] and shown else []
    return {
        "kind": "clip",
        "invented": shown,
        "listen": listen.value,
        "speaker": clip.speaker,
        "expected": clip.text if shown else _HIDDEN,
        "heard": transcript.text if shown else _HIDDEN,
        "failures": failures,
        "digits": pairs,
        "words": [[w.text, w.start, w.end, w.confidence] for w in transcript.words if shown],
        "seconds": round(seconds, 3),
        "elapsed": round(time.perf_counter() - started, 4),
    }


def state_of(text: str) -> Expect:
    """The state in which a text means most: a code, a yes or no, else a request."""
    as_code = _meant(text, Expect.CODE)
    if as_code.digits is not None and as_code.intent is None:
        return Expect.CODE
    as_answer = _meant(text, Expect.CONFIRM)
    return Expect.CONFIRM if as_answer.yes_no is not None else Expect.MENU


@lru_cache(maxsize=4096)  # sets say the same few things again and again
def _meant(text: str, listen: Expect) -> Interpretation:
    return interpret([HeardWord(word) for word in text.split()], listen)


def meaning(heard: Interpretation) -> dict[str, Any]:
    """What of an interpretation is compared, as plain data."""
    correction = heard.correction
    return {
        "digits": heard.digits.digits if heard.digits else None,
        "yes_no": heard.yes_no,
        "intent": heard.intent.value if heard.intent else None,
        "correction": None
        if correction is None
        else [correction.position, correction.wrong, correction.digits, correction.restart],
    }


def _hear(stage: Stage, clip: Clip, listen: Expect) -> tuple[Transcript, float]:
    """The transcript, and the seconds of the recording itself."""
    recognizer = stage.patient.recognizer()
    with local_file(clip.path) as path, open_audio(path, stage.settings.audio) as file:
        silence = bytes(2 * round(LEAD * file.rate))
        recognizer.begin(stage.phrases(listen), file.rate, prior(listen))
        try:
            recognizer.feed(silence)
            count = 0
            for chunk in file:
                recognizer.feed(chunk.pcm)
                count += len(chunk.pcm)
            recognizer.feed(silence)
        finally:
            transcript = recognizer.end(EndReason.SILENCE)
        return transcript, count / (2 * file.rate)
