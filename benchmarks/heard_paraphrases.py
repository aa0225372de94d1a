"""Is a caller's wish understood when it is heard, not read? Intent accuracy on recognised audio.

Every utterance of ``tests/data/paraphrases.yaml`` (written by somebody who had not read the
tables) is spoken by espeak-ng in a voice that never trained the model, goes through a telephone
line, the recognizer with the grammar of the state that would listen, and understanding; beside
it stands the same utterance understood from its clean text. Synthetic speech: a floor to keep,
no picture of people. Needs the extra ``voice``.

    python benchmarks/heard_paraphrases.py [--limit N] [--misses] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assistant.asr.types import EndReason
from assistant.asr.vosk_adapter import VoskModel
from assistant.audio import mulaw_decode, mulaw_encode
from assistant.nlu import phrases
from assistant.nlu.evaluate import Case, by_field, evaluate, halves, read_cases
from assistant.settings import load_settings
from assistant.training.synthesis import KEPT_OUT
from assistant.tts.espeak import VOICES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "demo"))
from make_turns import RATE, Caller, speak

CASES = Path(__file__).resolve().parents[1] / "tests" / "data" / "paraphrases.yaml"
SEED = 1900


def heard(cases: list[Case], quiet: bool) -> Iterator[Case]:
    """The cases with what the recognizer heard in place of what was said."""
    settings = load_settings()
    recognizer = VoskModel.open(settings.model, settings.asr).recognizer()
    rng, hiss = random.Random(SEED), np.random.default_rng(SEED)
    variants = sorted(KEPT_OUT)
    for case in track(cases, "nghe", disable=quiet, console=Console(stderr=True)):
        caller = Caller(rng.choice(VOICES), rng.choice(variants), rng.randint(130, 190),
                        rng.randint(30, 70))  # fmt: skip
        recognizer.begin(phrases(case.expect), RATE)
        recognizer.feed(mulaw_decode(mulaw_encode(speak((case.text,), caller, hiss))))
        yield replace(case, text=recognizer.end(EndReason.SILENCE).text)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--limit", type=int, default=None, help="utterances, the first N")
    parser.add_argument("--misses", action="store_true", help="what was said and heard")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    said = read_cases(CASES)[: arguments.limit]
    listened = list(heard(said, arguments.json))
    unread = halves(said)[1]
    unread_heard = [new for old, new in zip(said, listened, strict=True) if old in unread]
    rows = {
        "all": (evaluate(said), evaluate(listened)),
        "unread half": (evaluate(unread), evaluate(unread_heard)),
    }
    clean, through = by_field(said), by_field(listened)
    rows |= {name: (clean[name], through[name]) for name in clean}
    if arguments.json:
        sys.stdout.write(json.dumps({
            name: {"clean_text": a.share, "heard": b.share, "total": a.total,
                   "heard_interval": b.interval, "label": "synthetic"}
            for name, (a, b) in rows.items()
        }) + "\n")  # fmt: skip
        return 0
    console = Console()
    table = Table(title="Hiểu đúng / Understood (synthetic speech)", title_justify="left")
    for title in ("", "chữ sạch / clean text", "nghe được / heard"):
        table.add_column(title)
    for name, (a, b) in rows.items():
        table.add_row(name, str(a), str(b))
    console.print(table)
    if arguments.misses:
        for old, new in zip(said, listened, strict=True):
            if evaluate([new]).misses:
                console.print(f"- {old.text}\n  → {new.text}", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
