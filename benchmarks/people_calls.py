"""How many people get their password, and how soon? Whole calls spoken with recordings of people.

Every call has an invented account and a code drawn at run time. The caller presses 8, says the
code in single digits of one speaker (cut out of FOLDER's sets, pauses up to 0.35 s), listens to
the read-back and answers it with somebody's recorded "đúng" or "không" on a telephone line; after
a "không" the code is said again, in other recordings of the same speaker, and where some digits
are asked for, those alone. Keys are pressed only when nothing else is asked for. Spliced speech
in a polite caller's order: people's voices, not people's behaviour. ``--condition`` spoils the
line as ``assistant asr eval`` does.

    python benchmarks/people_calls.py [FOLDER] [--calls 20] [--condition clean] [--seed N] [--json]

FOLDER: sets with labels.csv, among them digits and one of answers.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import assistant  # noqa: F401 - before numpy, whose threads it settles

# isort: split
import numpy as np
import soxr
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assistant.accounts.demo import draw
from assistant.accounts.local import LocalAccounts
from assistant.audio.types import SAMPLE_BYTES
from assistant.batch.conditions import CONDITIONS, Condition
from assistant.batch.scoring import Rate
from assistant.batch.speech_sets import DIGIT_WORDS, RATE, Clip, Samples, find_sets
from assistant.batch.trials import Measure, plan
from assistant.call import Call, TableConversation
from assistant.cli.wiring import Wired, open_parts
from assistant.dialogue.state import Phase
from assistant.dialogue.types import Action, Ask, Event, SayDigits
from assistant.errors import AssistantError
from assistant.nlu.types import CONFIRMING, Expect
from assistant.settings import Settings, load_settings

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "speech" / "dev"
SEED = 1900
PAUSE = (0.0, 0.35)  # s between two digits
REACTION = 0.4  # s after the assistant stops
SHORTEST = 10  # different digits a speaker must have said


@dataclass(frozen=True, slots=True)
class Speech:
    """``digits``: set and speaker → digit → recordings; ``answers``: word → recordings."""

    digits: dict[str, dict[str, list[Clip]]] = field(default_factory=dict)
    answers: dict[str, list[Clip]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class Result:
    speaker: str
    readbacks: int  # until one was right, or the call was over
    right: bool  # a read-back was right
    password: bool
    keys: bool  # the code was keyed in the end
    seconds: float  # of the call, until the password began or the call was over


class Talk(TableConversation):
    """The conversation, and what was last said in it."""

    asked: Action | None = None
    code = ""  # last read back
    phase = Phase.START
    fix: tuple[int, int] | None = None  # start and count of the digits asked for

    def next(self, event: Event) -> Action:
        self.asked = super().next(event)
        self.phase, self.fix = self._state.phase, self._state.fix
        if isinstance(self.asked, Ask) and self.asked.expect in CONFIRMING:
            said = [p.digits for p in self.asked.reply.parts if isinstance(p, SayDigits)]
            self.code = said[-1] if said else self.code
        return self.asked


def collect(folder: Path) -> Speech:
    """The recordings of every set under ``folder`` that hold digits or answers."""
    speech = Speech()
    for place in find_sets(folder):
        if place.name.startswith("cut-"):
            continue
        for trial in plan(place, 0, None).trials:
            clip = trial.clip
            if trial.measure is Measure.YES_NO:
                speech.answers[clip.text].append(clip)
            elif trial.measure is Measure.DIGIT and not trial.synthetic:
                mine = speech.digits.setdefault(f"{place.name}/{clip.speaker}", {})
                mine.setdefault(DIGIT_WORDS[clip.text], []).append(clip)
    for who in [w for w, digits in speech.digits.items() if len(digits) < SHORTEST]:
        del speech.digits[who]
    return speech


class Person:
    """Says, listens, answers. One frame a step, as a telephone does."""

    def __init__(
        self, call: Call, talk: Talk, code: str, who: str, speech: Speech, condition: Condition,
        rng: random.Random,
    ) -> None:  # fmt: skip
        self._call, self._talk, self._code = call, talk, code
        self._digits, self._answers = speech.digits[who], speech.answers
        self._condition, self._rng = condition, rng
        self._others = [clip.samples for clip in speech.answers["không"][:5]]
        self._said = 0
        self.readbacks = 0
        self.right = self.keyed = False

    def run(self) -> float:
        """The whole call; seconds of it until the password began or it was over."""
        call, quiet = self._call, b"\0" * self._call.frame_bytes
        step = len(quiet) / (SAMPLE_BYTES * call.rate)  # s
        answered, waited = -1, 0
        while call.ended is None and call.resets == 0:
            waited = waited + 1 if call.listening else 0
            if waited * step < REACTION or answered == len(call.turns):
                call.step(quiet)
                continue
            answered = len(call.turns)
            for frame, keys in self._turn():
                call.step(frame, keys)
        seconds = call.now
        call.hang_up()
        return seconds

    def _turn(self) -> Iterator[tuple[bytes, str]]:
        asked, quiet = self._talk.asked, b"\0" * self._call.frame_bytes
        if not isinstance(asked, Ask):
            return
        if asked.expect is Expect.MENU:
            yield quiet, "8"
        elif asked.keypad_only:
            self.keyed = True
            for key in f"{self._code}#":
                yield quiet, key
                yield from ((quiet, ""),) * 10
        elif self._talk.phase is Phase.CONFIRM:
            good = self._talk.code == self._code
            if not self.right:
                self.readbacks += 1
            self.right |= good
            yield from self._says(
                self._rng.choice(self._answers["đúng" if good else "không"]).samples
            )
        elif self._talk.phase in (Phase.CODE, Phase.WHICH, Phase.FIX):
            start, count = self._talk.fix or (0, len(self._code))
            yield from self._says(self._spoken(self._code[start : start + count]))

    def _spoken(self, digits: str) -> Samples:
        parts: list[Samples] = []
        for digit in digits:
            parts.append(self._rng.choice(self._digits[digit]).samples)
            parts.append(np.zeros(int(RATE * self._rng.uniform(*PAUSE)), np.float32))
        return np.concatenate(parts[:-1])

    def _says(self, samples: Samples) -> Iterator[tuple[bytes, str]]:
        self._said += 1
        heard = self._condition.apply(samples, f"{self._code}-{self._said}", self._others)
        there = soxr.resample(heard.samples, heard.rate, self._call.rate)
        pcm = np.round(np.clip(there, -1, 1) * 32767).astype("<i2").tobytes()
        size = self._call.frame_bytes
        for at in range(0, len(pcm), size):
            yield pcm[at : at + size].ljust(size, b"\0"), ""


def one_call(wired: Wired, settings: Settings, who: str, speech: Speech, condition: Condition,
             rng: random.Random) -> Result:  # fmt: skip
    account = draw(rng)
    assert isinstance(wired.accounts, LocalAccounts)
    wired.accounts.add(account.phone, account.code, invented=True)
    talk = Talk(settings.dialogue, settings.security.verifications_per_call, phone=account.phone)
    call = Call(wired.parts, talk, account.phone, uuid.uuid4().hex, wired.rate)
    person = Person(call, talk, account.code, who, speech, condition, rng)
    seconds = person.run()
    return Result(who, person.readbacks, person.right, call.resets == 1, person.keyed,
                  round(seconds, 1))  # fmt: skip


def measure(
    speech: Speech, calls: int, condition: Condition, quiet: bool, seed: int = SEED
) -> list[Result]:
    who = [(name, number) for name in sorted(speech.digits) for number in range(calls)]
    with tempfile.TemporaryDirectory() as name:
        settings = load_settings().model_copy(
            update={"database_url": f"sqlite:///{name}/bench.sqlite3"}
        )
        wired = open_parts(settings)
        errors = Console(stderr=True)
        found = [
            one_call(
                wired, settings, name, speech, condition, random.Random(f"{seed}/{name}/{number}")
            )
            for name, number in track(who, "gọi", disable=quiet, console=errors)
        ]
        wired.accounts.close()
    return found


def rates(results: Sequence[Result]) -> dict[str, Rate]:
    total = len(results)
    first = sum(r.right and r.readbacks == 1 and not r.keys for r in results)
    return {
        "right_at_first_read_back": Rate(first, total),
        "password_by_voice": Rate(sum(r.password and not r.keys for r in results), total),
        "password": Rate(sum(r.password for r in results), total),
    }


def shown(rate: Rate) -> str:
    low, high = (round(100 * bound) for bound in rate.interval)
    return f"{rate.hits}/{rate.total} ({low}-{high} %)"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="labelled sets")
    parser.add_argument("--calls", type=int, default=20, help="calls a speaker")
    parser.add_argument("--condition", choices=sorted(CONDITIONS), default="clean")
    parser.add_argument("--seed", type=int, default=SEED, help="other codes, other recordings")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    console = Console()
    try:
        speech = collect(arguments.folder)
    except AssistantError as error:
        sys.stderr.write(f"{error}\n")
        return 0 if arguments.folder == FOLDER else 2  # "make bench" goes on without recordings
    if not speech.digits or not {"đúng", "không"} <= speech.answers.keys():
        Console(stderr=True).print(
            f"{arguments.folder}: cần một người đọc đủ mười chữ số, và các câu đáp đúng, không."
        )
        return 1
    condition = CONDITIONS[arguments.condition]
    results = measure(speech, arguments.calls, condition, arguments.json, arguments.seed)
    groups = {name: [r for r in results if r.speaker == name] for name in sorted(speech.digits)}
    groups["tất cả / all"] = results
    if arguments.json:
        report = {name: {what: rate.as_dict() for what, rate in rates(mine).items()}
                  for name, mine in groups.items()}  # fmt: skip
        calls = [asdict(r) for r in results]
        sys.stdout.write(json.dumps({"human": True, "rates": report, "calls": calls}) + "\n")
        return 0
    table = Table(title=f"Giọng người thật, {arguments.condition} (human)", title_justify="left")
    for title in ("người đọc / speaker", "đúng ngay lần đầu / first time", "bằng giọng / by voice",
                  "được mật khẩu / password", "giây / seconds"):  # fmt: skip
        table.add_column(title)
    for name, mine in groups.items():
        seconds = statistics.median(r.seconds for r in mine)
        table.add_row(name, *map(shown, rates(mine).values()), f"{seconds:.0f}")
    console.print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
