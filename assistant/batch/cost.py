"""What a model costs, in a process of its own: load, real-time factor on one core, memory.

``python -m assistant.batch.cost`` reads a job (JSON) on standard input and prints figures: the
process imports what a call's ears import and nothing that measures.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assistant.asr import engines
from assistant.asr.types import EndReason, RecognizerModel
from assistant.errors import AssistantError, ModelError
from assistant.nlu import phrases, prior
from assistant.nlu.types import Expect
from assistant.settings import load_settings

RATE = 8_000  # Hz of the sample, as a telephone gives it
_BYTES = 2
_SECONDS = 600.0  # then the process is given up
_BLOCK = 4_000  # samples fed at a time, as a file is read
_KIB = 1024.0
_HELD = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Utterance:
    """16-bit PCM at ``RATE`` and the state that listens to it."""

    state: Expect
    pcm: bytes = field(repr=False)


def open_model(path: Path, repeatable: bool = False) -> RecognizerModel:
    """A model folder behind the engine that it is for. Raises ModelError, DependencyError.

    ``repeatable``: every utterance gets a fresh decoder of Vosk. One that has heard others before
    prunes a noisy utterance a little differently (seen at 5 dB of babble), so that figures
    would depend on who came first; a fresh one costs 5 ms."""
    settings = load_settings().asr
    kept = 0 if repeatable else settings.recognizers
    return engines.open_model(path, settings.model_copy(update={"recognizers": kept}))


def size_of(path: Path) -> float:
    """MB (10⁶ bytes) on disk."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6


def cost_of(path: Path, utterances: Sequence[Utterance]) -> dict[str, float]:
    """``load`` (s), ``rtf`` (CPU s per s of audio), ``memory`` (MB, peak), ``size`` (MB),
    ``audio`` (s that were decoded). Raises ModelError."""
    job = {
        "model": str(path.resolve()),
        "utterances": [(one.state.value, base64.b64encode(one.pcm).decode()) for one in utterances],
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "assistant.batch.cost"],
            input=json.dumps(job), capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        found = {}
    if "rtf" not in found:
        error = found.get("error") or {
            "code": "model-broken",
            "message": f"Mô hình {path} làm dừng tiến trình đo.",
            "hint": "Kiểm tra: assistant models verify; hoặc chọn mô hình khác.",
        }
        raise ModelError(**error)
    return {**found, "size": size_of(path)}


def measured(job: dict[str, list[list[object]]]) -> dict[str, float]:
    """The work of the child: load, decode, look at the clock and at the memory."""
    start = time.perf_counter()
    model = engines.load_model(Path(str(job["model"])), load_settings().asr)
    loaded = time.perf_counter() - start
    recognizer = model.recognizer()
    spent, heard = 0.0, 0
    for named, text in job["utterances"]:
        state = Expect(str(named))
        grammar, likely = phrases(state), prior(state)
        pcm = base64.b64decode(str(text))
        start = time.process_time()
        recognizer.begin(grammar, RATE, likely)
        for at in range(0, len(pcm), _BLOCK * _BYTES):
            recognizer.feed(pcm[at : at + _BLOCK * _BYTES])
        recognizer.end(EndReason.SILENCE)
        spent += time.process_time() - start
        heard += len(pcm)
    seconds = heard / (RATE * _BYTES)
    return {
        "load": loaded,
        "rtf": spent / seconds if seconds else 0.0,
        "memory": _peak(),
        "audio": seconds,
    }


def _peak() -> float:
    """MB this process ever held. Linux's own count is of this program alone; ``getrusage``
    remembers what the parent held when it forked."""
    status = Path("/proc/self/status")
    if status.is_file() and (found := _HELD.search(status.read_text())):
        return int(found[1]) / _KIB
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_KIB * _KIB if sys.platform == "darwin" else _KIB)


def main() -> int:
    try:
        found: dict[str, object] = dict(measured(json.load(sys.stdin)))
    except AssistantError as error:
        found = {"error": error.as_dict()}
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
