"""Speaking over a prompt, with the real model: how soon does it stop, and for what does it not?

Callers of the demo speak over the greeting at drawn moments; synthetic coughs and the echo of our
own voice come over it as well. Times are of audio, so a busy machine does not change them.

    python benchmarks/barge_in.py [--repeats 10] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from assistant.asr.vad import levels
from assistant.call import Call
from assistant.cli.wiring import Wired, new_call, open_parts
from assistant.settings import Settings, load_settings

DEMO = Path(__file__).resolve().parent.parent / "examples" / "demo"
RATE, FRAME = 8_000, 160
ROOM = 12.0  # rms of the line's noise
AIM_MS = 200.0
Sound = NDArray[np.float64]


def cough(rng: np.random.Generator) -> Sound:
    """A burst of noise through one resonance, then a second, softer one; 0.25 to 0.45 s."""
    n = int(RATE * rng.uniform(0.25, 0.45))
    t, noise, out = np.arange(n) / RATE, rng.normal(size=n), np.zeros(n)
    a1, a2 = -1.94 * np.cos(2 * np.pi * rng.uniform(400, 1_200) / RATE), 0.9409
    for i in range(n):
        out[i] = 1.3 * noise[i] - a1 * (out[i - 1] if i else 0) - a2 * (out[i - 2] if i > 1 else 0)
    envelope = np.exp(-t / 0.08) + 0.3 * np.exp(-(((t - 0.2) / 0.06) ** 2))
    return np.asarray(out / np.abs(out).max() * envelope * rng.uniform(4_000, 14_000))


def turns() -> list[Sound]:
    return [soundfile.read(p, dtype="int16")[0].astype(float) for p in sorted(DEMO.glob("*.wav"))]


def onset(sound: Sound) -> float:
    """Seconds before the first frame that is louder than the room."""
    loud = [level > -60 for level in levels(sound.astype("<i2").tobytes(), RATE, FRAME)]
    return loud.index(True) * 0.02 if True in loud else 0.0


def run(call: Call, sound: Sound, at: float, rng: np.random.Generator, echo: float) -> None:
    """Eight seconds of the call: the sound from ``at`` on, our echo 0.1 s late at ``echo``."""
    line = rng.normal(0, ROOM, 8 * RATE)
    begin = int(at * RATE)
    line[begin : begin + len(sound)] += sound[: len(line) - begin]
    sent = np.zeros(RATE // 10)
    for i in range(0, len(line), FRAME):
        heard = line[i : i + FRAME] + echo * sent[len(sent) - RATE // 10 :][:FRAME]
        out = call.step(np.clip(heard, -32768, 32767).astype("<i2").tobytes())
        sent = np.concatenate([sent[-RATE // 10 :], np.frombuffer(out, "<i2")])


def measure(
    wired: Wired,
    settings: Settings,
    what: str,
    make: Callable[[int], Sound],
    count: int,
    echo: float,
) -> dict[str, object]:
    rng = np.random.default_rng(11)
    pauses, stopped, kept = [], 0, 0
    for i in range(count):
        call, sound, at = new_call(wired, settings, None), make(i), rng.uniform(1.0, 3.5)
        run(call, sound, at, rng, echo)
        notes = {note.what: note.at for note in reversed(call.notes)}
        if "prompt_paused" in notes:
            pauses.append(1_000 * (notes["prompt_paused"] + 0.02 - at - onset(sound)))
        stopped += "prompt_stopped" in notes
        kept += bool(call.turns[0].words)
    return {
        "what": what,
        "count": count,
        "paused": len(pauses),
        "p95_ms": round(float(np.percentile(pauses, 95)), 0) if pauses else None,
        "stopped": stopped,
        "answered": kept,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    spoken, rng = turns(), np.random.default_rng(3)
    several = arguments.repeats * len(spoken)
    silence = np.zeros(1)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        settings = load_settings().model_copy(update={"database_url": url})
        wired = open_parts(settings)
        cases = (
            ("lời người gọi", lambda i: spoken[i % len(spoken)], several, 0.0),
            ("lời người gọi, đường dây vọng", lambda i: spoken[i % len(spoken)], several, 0.2),
            ("tiếng ho (tổng hợp)", lambda _: cough(rng), several, 0.0),
            ("chỉ tiếng vọng của trợ lý", lambda _: silence, arguments.repeats, 0.2),
        )
        rows = [measure(wired, settings, *case) for case in cases]
        wired.accounts.close()
    if arguments.json:
        sys.stdout.write(json.dumps({"aim_ms": AIM_MS, "rows": rows}, ensure_ascii=False) + "\n")
        return 0
    table = Table(title="Nói chen vào câu chào", title_justify="left")
    for name in ("", "Số lần", "Tạm dừng", "p95 ms", "Dừng hẳn", "Có lời đáp"):
        table.add_column(name, justify="left" if not name else "right")
    for row in rows:
        table.add_row(*("–" if cell is None else str(cell) for cell in row.values()))
    Console().print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
