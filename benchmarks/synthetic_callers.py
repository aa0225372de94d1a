"""How many synthetic callers get their password? Whole calls, from the request to the goodbye.

The callers are espeak-ng in the voice variants that never trained the model (``KEPT_OUT``), in
its three Vietnamese dialects; every call has an invented account of its own and a code drawn at
run time, read in groups with pauses. Synthetic speech, so a floor to keep, not a picture of
people: those are measured by ``assistant asr eval`` on recordings. Needs the extra ``voice``.

    python benchmarks/synthetic_callers.py [--calls 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.accounts.demo import draw
from assistant.accounts.local import LocalAccounts
from assistant.audio import write_wav
from assistant.batch.scoring import Rate
from assistant.channels.wav import FileTurn, WavCaller
from assistant.cli.wiring import Wired, new_call, open_parts
from assistant.dialogue.types import EndOfCall
from assistant.nlu.saying import say_digits
from assistant.settings import Settings, load_settings
from assistant.training.synthesis import KEPT_OUT
from assistant.tts.espeak import VOICES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "demo"))
from make_turns import RATE, Caller, speak

SEED = 1900
REQUESTS = ("tôi muốn cấp lại mật khẩu", "em quên mật khẩu", "cho em xin lại mật khẩu ạ")
GROUPS = ((4, 3, 3), (2, 2, 2, 2, 2), (3, 3, 4), (10,))
YES, WRITTEN, NO_MORE = ("đúng rồi",), ("ghi xong rồi",), ("không, cảm ơn",)


@dataclass(frozen=True, slots=True)
class Result:
    voice: str
    variant: str
    ended: EndOfCall | None
    password: bool


def turns_of(code: str, rng: random.Random) -> list[tuple[str, ...]]:
    """What one caller says: turns of groups of words."""
    sizes, groups, at = rng.choice(GROUPS), [], 0
    for size in sizes:
        groups.append(" ".join(say_digits(code[at : at + size], "singles", rng)))
        at += size
    return [(rng.choice(REQUESTS),), tuple(groups), YES, WRITTEN, NO_MORE]


def callers(rng: random.Random, calls: int) -> Iterator[Caller]:
    for variant in sorted(KEPT_OUT):
        for voice in VOICES:
            for _ in range(calls):
                yield Caller(voice, variant, rng.randint(130, 190), rng.randint(30, 70))


def one_call(
    wired: Wired, settings: Settings, caller: Caller, rng: random.Random, folder: Path
) -> Result:
    account = draw(rng)
    assert isinstance(wired.accounts, LocalAccounts)
    wired.accounts.add(account.phone, account.code, invented=True)
    hiss = np.random.default_rng(rng.getrandbits(32))
    turns = []
    for number, groups in enumerate(turns_of(account.code, rng)):
        path = folder / f"{number}.wav"
        write_wav(path, speak(groups, caller, hiss), RATE)
        turns.append(FileTurn(path))
    call = new_call(wired, settings, account.phone)
    WavCaller(call, turns, settings.audio, settings.turns, settings.vad).run()
    return Result(caller.voice, caller.variant, call.ended, call.resets == 1)


def measure(calls: int) -> list[Result]:
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings().model_copy(
            update={"database_url": f"sqlite:///{folder}/bench.sqlite3"}
        )
        wired = open_parts(settings)
        found = [one_call(wired, settings, caller, rng, folder) for caller in callers(rng, calls)]
        wired.accounts.close()
    return found


def table(results: list[Result]) -> Table:
    shown = Table(title="Người gọi bằng giọng máy: được cấp mật khẩu", title_justify="left")
    shown.add_column("Biến thể")
    for voice in VOICES:
        shown.add_column(voice, justify="right")
    for variant in sorted(KEPT_OUT):
        cells = []
        for voice in VOICES:
            mine = [r.password for r in results if (r.variant, r.voice) == (variant, voice)]
            cells.append(f"{sum(mine)}/{len(mine)}")
        shown.add_row(variant, *cells)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--calls", type=int, default=2, help="calls a voice")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = measure(arguments.calls)
    rate = Rate(sum(r.password for r in results), len(results))
    if arguments.json:
        report = {"password_given": rate.as_dict(), "calls": [asdict(r) for r in results]}
        sys.stdout.write(json.dumps(report) + "\n")
        return 0
    console = Console()
    console.print(table(results))
    low, high = (round(100 * bound) for bound in rate.interval)
    console.print(
        f"{rate.hits} trong {rate.total} cuộc gọi được cấp mật khẩu "
        f"({100 * (rate.value or 0):.0f} %, khoảng tin cậy 95 %: {low}-{high} %)."
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
