"""The embedded ears beside a large general Vietnamese recognizer, on the same clips of people.

``viet-asr`` on PyPI (Apache-2.0, pre-releases only) carries a model of 69 MB in its wheel and
needs no network: the one open peer that can be had where Vosk's own Vietnamese models cannot be
downloaded. It writes whatever it hears, without a grammar and without confidences; what it wrote
goes through the product's understanding as our words do. It is given half a second of quiet
around every clip, without which it writes nothing for a word alone.

    pip install --pre viet-asr
    python benchmarks/peer_vietasr.py [FOLDER] [--limit 100] [--strings 25] [--condition clean]
                                      [--json]

FOLDER: sets with labels.csv, as for ``assistant asr eval``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from assistant.asr.engines import open_model
from assistant.asr.types import EndReason, Recognizer, RecognizerModel, Transcript, Word
from assistant.audio.types import SAMPLE_BYTES
from assistant.batch.compare import Pair, compared
from assistant.batch.conditions import CONDITIONS
from assistant.batch.evaluate import evaluate
from assistant.batch.outcomes import Outcome
from assistant.errors import AssistantError
from assistant.nlu.types import Prior
from assistant.settings import load_settings

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "speech" / "dev"
RATE = 16_000
QUIET = 0.5  # s before and after a clip


class Peer:
    """One recognizer of ``viet-asr``, behind our protocol; its words have no times."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._pcm, self._rate = b"", RATE

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        self._pcm, self._rate = b"", rate

    def feed(self, pcm: bytes) -> Transcript:
        self._pcm += pcm
        return Transcript()

    def end(self, reason: EndReason) -> Transcript:
        sound = np.frombuffer(self._pcm, "<i2")
        quiet = np.zeros(int(QUIET * RATE), np.int16)
        heard = np.concatenate([quiet, soxr.resample(sound, self._rate, RATE), quiet])
        with self._pipeline.stream(sample_rate=RATE) as session:
            session.accept(heard)
            text = session.final().text
        words = text.lower().replace(".", " ").replace(",", " ").split()
        return Transcript(tuple(Word(word, 0.0, 0.0, None) for word in words), reason)


class Timed:
    """A model, and how much CPU time its recognizers took for how much audio."""

    def __init__(self, recognizer: Callable[[], Recognizer]) -> None:
        self._recognizer = recognizer
        self.cpu = self.audio = 0.0  # s

    def recognizer(self) -> Recognizer:
        return _TimedRecognizer(self, self._recognizer())


class _TimedRecognizer:
    def __init__(self, model: Timed, inner: Recognizer) -> None:
        self._model, self._inner, self._rate = model, inner, RATE

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        self._rate = rate
        self._inner.begin(phrases, rate, prior)

    def feed(self, pcm: bytes) -> Transcript:
        self._model.audio += len(pcm) / SAMPLE_BYTES / self._rate
        return self._timed(lambda: self._inner.feed(pcm))

    def end(self, reason: EndReason) -> Transcript:
        return self._timed(lambda: self._inner.end(reason))

    def _timed(self, work: Callable[[], Transcript]) -> Transcript:
        began = time.process_time()
        done = work()
        self._model.cpu += time.process_time() - began
        return done


def heard_by(model: RecognizerModel, title: str, wanted: argparse.Namespace) -> list[Outcome]:
    with Progress(disable=wanted.json) as bar:
        task = bar.add_task(title)

        def shown(name: str, done: int, of: int) -> None:
            bar.update(task, description=f"{title}: {name}", completed=done, total=of)

        return list(
            evaluate(wanted.folder, model, (wanted.condition,), wanted.strings, wanted.limit,
                     progress=shown)
        )  # fmt: skip


def table_of(pairs: list[Pair], factors: list[float]) -> Table:
    cost = "CPU s per s of audio: a {:.4f}, b {:.4f}".format(*factors)
    made = Table(title="right; a: embedded, b: viet-asr (peer)", caption=cost)
    for head in ("set", "measure"):
        made.add_column(head, overflow="fold")
    for head in ("a", "b", "only a", "only b", "p", "errors, b less a"):
        made.add_column(head, justify="right")
    for pair in pairs:
        more = "" if pair.errors is None else f"{100 * pair.errors[0]:+.1f} %"
        made.add_row(
            pair.set, pair.measure, f"{pair.a.hits}/{pair.a.total}",
            f"{pair.b.hits}/{pair.b.total}", str(pair.only_a), str(pair.only_b),
            f"{pair.chance:.3f}", more,
        )  # fmt: skip
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--limit", type=int, default=100, help="clips a set")
    parser.add_argument("--strings", type=int, default=25, help="spliced strings a kind")
    parser.add_argument("--condition", choices=tuple(CONDITIONS), default="clean")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    try:
        import vietasr
    except ImportError:
        print("viet-asr is missing: pip install --pre viet-asr", file=sys.stderr)
        return 2
    pipeline = vietasr.Pipeline.preset("transcribe")
    try:
        ours = Timed(open_model(load_settings().model).recognizer)
        a = heard_by(ours, "embedded", wanted)
    except AssistantError as error:
        print(f"{error.code}: {error.message} {error.hint}", file=sys.stderr)
        return 2
    peer = Timed(lambda: Peer(pipeline))
    b = heard_by(peer, "viet-asr", wanted)
    pairs, factors = compared(a, b), [m.cpu / m.audio for m in (ours, peer)]
    if wanted.json:
        report = {"pairs": [pair.as_dict() for pair in pairs], "cpu_per_audio": factors}
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        Console().print(table_of(pairs, factors))
    return 0


if __name__ == "__main__":
    sys.exit(main())
