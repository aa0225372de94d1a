"""Is scoring bound by decoding? Wall and CPU time of ``assistant batch run`` on labelled clips,
against a bare ``KaldiRecognizer`` loop over the very same samples, and against
``vosk-transcriber`` on the same files and model. Run by ``batch.py``.

The clips are espeak-ng callers kept out of training. ``vosk-transcriber`` starts one ffmpeg a
file, resamples everything to 16 kHz and cannot be given a grammar: it does more work for less, and
is shown for scale. Every side is timed from process start to process end. Where other programs use
the machine, CPU time is the figure to read.
"""

from __future__ import annotations

import csv
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.audio import write_wav
from assistant.batch.scenario import CALLER_VARIANTS, Voice
from assistant.batch.speaking import speak
from assistant.settings import load_settings
from assistant.tts.espeak import VOICES

SEED, RATE = 1906, 8_000
DIGITS = "không một hai ba bốn năm sáu bảy tám chín".split()
REQUESTS = ("tôi quên mật khẩu", "cấp lại mật khẩu", "đúng rồi", "không phải", "đọc lại từ đầu")

BARE = """
import csv, json, sys, wave
from pathlib import Path
import numpy, vosk
from assistant.asr.noise import NoiseFloor
from assistant.batch.clips import state_of
from assistant.batch.conditions import LEAD
from assistant.cli.wiring import phrases
from assistant.asr.vosk_adapter import VoskModel
from assistant.settings import load_settings
settings = load_settings()
folder, rate = Path(sys.argv[1]), 8000
model = VoskModel.open(settings.model, settings.asr)
made = {}
for row in csv.DictReader((folder / "labels.csv").open(encoding="utf-8")):
    grammar = model.grammar(phrases(state_of(row["text"])))
    if grammar not in made:
        made[grammar] = vosk.KaldiRecognizer(model.kaldi, float(model.rate), grammar)
        made[grammar].SetWords(True)
    recognizer = made[grammar]
    with wave.open(str(folder / row["path"])) as file:
        pcm = file.readframes(file.getnframes())
    silence = bytes(2 * round(LEAD * rate))
    if settings.asr.noise_floor is not None:  # exact zeros are cheaper to decode than any line
        pcm = NoiseFloor(settings.asr.noise_floor, rate).mix(silence + pcm + silence)
    recognizer.AcceptWaveform(pcm)
    json.loads(recognizer.FinalResult())
"""


@dataclass(frozen=True, slots=True)
class Cost:
    wall: float
    cpu: float


def timed(command: list[str]) -> Cost:
    """A command from its start to its end, with all its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(wall, cpu)


def make_clips(folder: Path, count: int) -> None:
    """``count`` clips of one to four seconds, as labels.csv knows them."""
    rng = random.Random(SEED)
    noise = np.random.default_rng(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "text", "invented"])
        for number in range(count):
            digits = " ".join(rng.choices(DIGITS, k=rng.randint(4, 10)))
            text = digits if rng.random() < 0.7 else rng.choice(REQUESTS)
            voice = Voice(
                region=rng.choice(VOICES), variant=rng.choice(CALLER_VARIANTS),
                wpm=rng.randint(130, 190), pitch=rng.randint(30, 70),
            )  # fmt: skip
            sound = speak((text,), voice, 0.5, RATE)
            sound = sound / np.abs(sound).max() * 0.4 + noise.normal(0, 8e-4, len(sound))
            pcm = np.round(sound * 32767).astype("<i2").tobytes()
            write_wav(folder / f"{number:05}.wav", pcm, RATE)
            rows.writerow([f"{number:05}.wav", text, 1])


def measure_speed(folder: Path, workers: int, rounds: int) -> dict[str, Any]:
    """The best of so many rounds of each side; the bare loop is one process."""
    clips = sum(1 for _ in (folder / "labels.csv").open(encoding="utf-8")) - 1
    bare: list[Cost] = []
    ours: list[Cost] = []
    with tempfile.TemporaryDirectory() as out:
        for number in range(rounds):
            bare.append(timed([sys.executable, "-c", BARE, str(folder)]))
            program = "from assistant.cli import main; main()"
            command = [sys.executable, "-c", program, "batch", "run", str(folder), "--json"]
            command += ["--out", f"{out}/{number}", "--workers", str(workers)]
            ours.append(timed(["sh", "-c", '"$@" || test $? = 1', "sh", *command]))
        other = vosk_transcriber(folder, Path(out) / "vosk")
    base, batch = best(bare), best(ours)
    return {
        "clips": clips,
        "workers": workers,
        "bare": base,
        "batch": batch,
        "wall_ratio": round(batch["wall"] * workers / base["wall"], 3),  # per core
        "cpu_ratio": round(batch["cpu"] / base["cpu"], 3),
        "vosk_transcriber": None if other is None else best([other]),
    }


def best(costs: list[Cost]) -> dict[str, float]:
    return {
        "wall": round(min(cost.wall for cost in costs), 2),
        "cpu": round(min(cost.cpu for cost in costs), 2),
    }


def vosk_transcriber(folder: Path, out: Path) -> Cost | None:
    """None where there is no ffmpeg."""
    program = Path(sys.executable).with_name("vosk-transcriber")
    if shutil.which("ffmpeg") is None or not program.exists():
        return None
    out.mkdir()
    only = out / "wav"
    only.mkdir()
    for path in sorted(folder.rglob("*.wav")):
        (only / path.name).symlink_to(path.resolve())
    model = str(load_settings().model)
    return timed([str(program), "-m", model, "-i", str(only), "-o", str(out), "-t", "txt"])
