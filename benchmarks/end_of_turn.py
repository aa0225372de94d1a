"""How soon after the last digit of a code does a turn end, and how often is it cut inside one?

Ten-digit codes (complete at ten by domain.md) spliced from single digits of one speaker, pauses
drawn from 0 to 1.5 s between them, through the call loop with its voice activity and
end-pointing. Two ears: ``model`` is the embedded model, whose mistakes change how complete a code
looks; ``script`` hears every digit right, 0.3 s after it was said, and shows the end-pointing
alone. Audio time throughout. Sets are labelled human or synthetic speech.

    python benchmarks/end_of_turn.py [../shared/speech/dev] [--strings 40] [--pause 1.5] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assistant.asr.types import EndReason, Transcript, Word
from assistant.asr.vosk_adapter import VoskModel
from assistant.batch.conditions import CONDITIONS, Condition
from assistant.batch.scoring import Rate
from assistant.batch.speech_sets import (
    DIGIT_WORDS,
    RATE,
    Clip,
    Samples,
    cut_digits,
    find_sets,
    read_set,
)
from assistant.call import Call, CallParts
from assistant.cli.wiring import likely, understand
from assistant.dialogue.code import may_be_citizen_id
from assistant.dialogue.types import Action, Ask, EndOfCall, Event, Finish, Heard, Reply
from assistant.errors import AudioError
from assistant.nlu import phrases
from assistant.nlu.types import Expect, Prior
from assistant.settings import load_settings
from assistant.tts.renderer import Rendered

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "speech" / "dev"
SETS = {
    "isolated-digits": "human",
    "connected-numbers": "human",
    "network-voices-digits": "synthetic",
}
LINES = ("clean", "mulaw-15")
SEED, LENGTH = 1945, 10
MARGIN = 0.02  # s kept around the sound of a clip, so that a pause is as long as it was drawn
TAIL = 4.0  # s of the line after the code
LAG = 0.3  # s from a word's end to the partial result of the scripted ears
AIM = 0.4
NOTHING = Reply(())


@dataclass(frozen=True, slots=True)
class Code:
    """A spoken code: ``ends``: s at which each digit ends."""

    samples: Samples = field(repr=False)
    words: tuple[str, ...] = field(repr=False)
    ends: tuple[float, ...]

    @property
    def digits(self) -> str:
        return "".join(DIGIT_WORDS[word] for word in self.words)


@dataclass(frozen=True, slots=True)
class Outcome:
    """``after``: s from the end of the last digit to the end of the turn; negative: cut."""

    after: float
    right: bool
    complete: bool


# --- the strings ----------------------------------------------------------------------------


def sound_only(samples: Samples) -> Samples:
    """The clip without the silence around its sound (10 ms blocks within 30 dB of the loudest)."""
    block = RATE // 100
    blocks = samples[: len(samples) // block * block].reshape(-1, block)
    level = np.sqrt((blocks**2).mean(axis=1)) if len(blocks) else np.zeros(0)
    loud = np.flatnonzero(level > level.max(initial=0.0) * 10 ** (-30 / 20))
    if not len(loud):
        return samples
    margin = int(MARGIN * RATE)
    return samples[max(0, loud[0] * block - margin) : (loud[-1] + 1) * block + margin]


def spliced(clips: Sequence[Clip], count: int, pause: float) -> Iterator[Code]:
    """``count`` codes, each of one speaker, equal shares of speakers who have enough digits."""
    rng = random.Random(SEED)
    by_speaker: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.text in DIGIT_WORDS:
            by_speaker[clip.speaker].append(clip)
    speakers = sorted(s for s, mine in by_speaker.items() if len({c.text for c in mine}) >= 8)
    for index in range(count if speakers else 0):
        mine = by_speaker[speakers[index % len(speakers)]]
        while True:
            chosen = [rng.choice(mine) for _ in range(LENGTH)]
            if not may_be_citizen_id("".join(DIGIT_WORDS[c.text] for c in chosen)):
                break
        yield joined(chosen, rng, pause)


def joined(chosen: Sequence[Clip], rng: random.Random, pause: float) -> Code:
    parts: list[Samples] = []
    ends: list[float] = []
    for clip in chosen:
        parts.append(sound_only(clip.samples))
        ends.append(sum(map(len, parts)) / RATE - MARGIN)
        parts.append(np.zeros(int(rng.uniform(0, pause) * RATE), np.float32))
    parts[-1] = np.zeros(int(TAIL * RATE), np.float32)
    return Code(np.concatenate(parts), tuple(clip.text for clip in chosen), tuple(ends))


# --- the ears ---------------------------------------------------------------------------------


class Script:
    """Ears that hear the digits of the code right, each ``LAG`` after its end."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._fed = 0
        self._rate = RATE
        self._partial = Transcript()

    def recognizer(self) -> Script:
        return self

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        self._rate = rate

    def feed(self, pcm: bytes) -> Transcript:
        self._fed += len(pcm)
        now = self._fed / (2 * self._rate)
        known = sum(end + LAG <= now for end in self._code.ends)
        if known != len(self._partial.words):
            words = tuple(Word(w, 0.0, 0.0, None) for w in self._code.words[:known])
            self._partial = Transcript(words)
        return self._partial

    def end(self, reason: EndReason) -> Transcript:
        return Transcript(self._partial.words, reason)


class Quiet:
    """A voice with nothing to say."""

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def render(self, reply: Reply) -> Rendered:
        return Rendered(b"", self.rate, "", ())


class OneQuestion:
    """Asks for the code, then ends the call."""

    def __init__(self) -> None:
        self.event: Event | None = None
        self._asked = False

    def next(self, event: Event) -> Action:
        if self._asked:
            self.event = self.event or event
            return Finish(NOTHING, EndOfCall.DONE)
        self._asked = True
        return Ask(NOTHING, Expect.CODE)


def both_ears(code: Code, condition: Condition, parts: CallParts) -> dict[str, Outcome]:
    """The turn of one code on one line, by either pair of ears."""
    heard = condition.apply(code.samples, code.digits)
    on_line = replace(code, ends=tuple(end + condition.lead for end in code.ends))
    parts = replace(parts, voice=Quiet(heard.rate))
    scripted = replace(parts, model=Script(on_line))
    return {
        "script": one_turn(on_line, heard.pcm, scripted),
        "model": one_turn(on_line, heard.pcm, parts),
    }


def one_turn(code: Code, pcm: bytes, parts: CallParts) -> Outcome:
    talk, rate = OneQuestion(), parts.voice.rate
    call = Call(parts, talk, None, "bench", rate)
    for at in range(0, len(pcm), call.frame_bytes):
        call.step(pcm[at : at + call.frame_bytes])
        if talk.event is not None:
            break
    turn = call.turns[0]
    ended = call.now if turn.ended is None else turn.ended
    meaning = talk.event.interpretation if isinstance(talk.event, Heard) else None
    digits = meaning.digits.digits if meaning and meaning.digits else ""
    complete = turn.end_reason is EndReason.COMPLETE
    return Outcome(ended - code.ends[-1], digits == code.digits, complete)


# --- the figures ------------------------------------------------------------------------------


def measure(folder: Path, strings: int, pause: float) -> list[dict[str, object]]:
    settings = load_settings()
    model = VoskModel.open(settings.model, settings.asr)
    parts = CallParts(
        model=model,
        understand=understand,
        phrases=phrases,
        prior=likely,
        voice=Quiet(model.rate),
        accounts=None,  # type: ignore[arg-type]  # no code is ever confirmed here
        turns=settings.turns,
        vad=settings.vad,
        limits=settings.dialogue,
    )
    rows = []
    for path in find_sets(folder):
        if path.name not in SETS:
            continue
        clips = list(read_set(path))
        digits = cut_digits(path, clips) if (path / "words.csv").is_file() else clips
        codes = list(spliced(digits, strings, pause))
        for name in LINES if codes else ():
            shown = track(codes, f"{path.name}, {name}", console=Console(stderr=True))
            outcomes = [both_ears(code, CONDITIONS[name], parts) for code in shown]
            rows += [
                row(path.name, name, ears, [o[ears] for o in outcomes])
                for ears in ("script", "model")
            ]
    return rows


def row(name: str, condition: str, ears: str, outcomes: list[Outcome]) -> dict[str, object]:
    cut = Rate(sum(o.after < 0 for o in outcomes), len(outcomes))
    right = [o.after for o in outcomes if o.right]
    return {
        "set": name,
        "label": SETS[name],
        "condition": condition,
        "ears": ears,
        "cut_inside": cut.as_dict(),
        "heard_right": Rate(len(right), len(outcomes)).as_dict(),
        "after_last_digit": spread([o.after for o in outcomes if o.after >= 0]),
        "after_last_digit_heard_right": spread(right),
    }


def spread(seconds: list[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {"median": round(statistics.median(ordered), 3), "p95": round(p95, 3)}


def table(rows: list[dict[str, object]], pause: float) -> Table:
    title = f"Hết lượt khi đọc mã: quãng nghỉ đến {pause:g} s giữa các số (giây âm thanh)"
    shown = Table(title=title, title_justify="left")
    for column in ("Bộ", "Giọng", "Đường dây", "Tai"):
        shown.add_column(column)
    for column in ("Bị ngắt", "Nghe đúng", "Sau số cuối: trung vị / p95", "… khi nghe đúng"):
        shown.add_column(column, justify="right")
    for r in rows:
        cells = [str(r[k]) for k in ("set", "label", "condition", "ears")]
        cells += [_share(r["cut_inside"]), _share(r["heard_right"])]
        shown.add_row(*cells, *(_seconds(r[k]) for k in SPREADS))
    return shown


SPREADS = ("after_last_digit", "after_last_digit_heard_right")


def _share(rate: object) -> str:
    assert isinstance(rate, dict)
    return f"{rate['hits']}/{rate['total']}"


def _seconds(found: object) -> str:
    return f"{found['median']:.2f} / {found['p95']:.2f}" if isinstance(found, dict) else "-"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="sets of recordings")
    parser.add_argument("--strings", type=int, default=40, help="codes a set")
    parser.add_argument("--pause", type=float, default=1.5, help="s, the longest pause drawn")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        rows = measure(arguments.folder, arguments.strings, arguments.pause)
    except AudioError as error:
        sys.stderr.write(f"{error}\n")
        return 0 if arguments.folder == FOLDER else 2  # "make bench" goes on without recordings
    if arguments.json:
        sys.stdout.write(json.dumps(rows, ensure_ascii=False) + "\n")
        return 0
    console = Console()
    console.print(table(rows, arguments.pause))
    console.print(f"Mục tiêu: không lượt nào bị ngắt, và ≤ {AIM:g} s sau số cuối.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
