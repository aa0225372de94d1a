"""What does the call loop cost on top of Vosk? Computing time of a whole call against a bare
``KaldiRecognizer`` loop, in one run: over the very audio that the call listened to, and over
everything that came in on the line (a bare loop does not know when to listen).

The caller's turns are those of ``make demo``; the account is invented, in a throw-away database.
Computing time is CPU time of this process, so that a busy machine does not blur it. Repeats of
both kinds alternate; medians are reported.

    python benchmarks/call_path.py [--repeats 7] [--json] [TURN.wav …]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import vosk
from rich.console import Console
from rich.table import Table

from assistant.asr.noise import NoiseFloor
from assistant.asr.types import EndReason, Recognizer, Transcript
from assistant.call import Call
from assistant.channels.wav import Tape, WavCaller, read_turns
from assistant.cli.wiring import Wired, new_call, open_parts
from assistant.nlu.types import Prior
from assistant.settings import Settings, load_settings

TURNS = Path(__file__).resolve().parent.parent / "examples" / "demo"
PHONE, CODE = "0501234567", "7931025846"  # invented; the code that the demo's caller says
BLOCK = 4_000  # samples; what Vosk's own examples read at a time
AIM = 1.2


@dataclass
class Utterance:
    """What the call gave its recognizer, with the noise floor that Vosk was given under it:
    exact zeros are cheaper to decode than any line ever is."""

    grammar: str | None
    pcm: bytearray


class Listening:
    """A recognizer that also keeps what it is fed."""

    def __init__(self, inner: Recognizer, wired: Wired, kept: list[Utterance]) -> None:
        self._inner, self._wired, self._kept = inner, wired, kept

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        grammar = self._wired.model.grammar(phrases) if phrases else None
        self._kept.append(Utterance(grammar, bytearray()))
        self._inner.begin(phrases, rate, prior)

    def feed(self, pcm: bytes) -> Transcript:
        self._kept[-1].pcm += pcm
        return self._inner.feed(pcm)

    def end(self, reason: EndReason) -> Transcript:
        return self._inner.end(reason)


@dataclass
class Keeping:
    """A model whose recognizers keep what they are fed."""

    wired: Wired
    kept: list[Utterance]

    def recognizer(self) -> Recognizer:
        return Listening(self.wired.model.recognizer(), self.wired, self.kept)


def play(wired: Wired, settings: Settings, turns: list[str]) -> tuple[Call, Tape]:
    call = new_call(wired, settings, PHONE)
    caller = WavCaller(call, read_turns(turns), settings.audio, settings.turns, settings.vad)
    return call, caller.run()


Recognizers = dict[str | None, vosk.KaldiRecognizer]


def bare(model: vosk.Model, rate: int, utterances: list[Utterance], made: Recognizers) -> None:
    """The loop of Vosk's own examples; one recognizer a grammar, kept as the call keeps them."""
    for utterance in utterances:
        if utterance.grammar not in made:
            arguments = (utterance.grammar,) if utterance.grammar else ()
            made[utterance.grammar] = vosk.KaldiRecognizer(model, float(rate), *arguments)
            made[utterance.grammar].SetWords(True)
        recognizer = made[utterance.grammar]
        for at in range(0, len(utterance.pcm), 2 * BLOCK):
            if recognizer.AcceptWaveform(bytes(utterance.pcm[at : at + 2 * BLOCK])):
                recognizer.Result()
            else:
                recognizer.PartialResult()
        recognizer.FinalResult()


def account_ms(call: Call) -> float:
    return sum(turn.timings.account or 0.0 for turn in call.turns)


def measure(turns: list[str], repeats: int) -> dict[str, float | int | bool]:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings().model_copy(
            update={"database_url": f"sqlite:///{folder}/bench.sqlite3"}
        )
        wired = open_parts(settings)
        wired.accounts.add(PHONE, CODE, invented=True)  # type: ignore[union-attr]
        kept: list[Utterance] = []
        keeping = replace(wired.parts, model=Keeping(wired, kept))
        first, tape = play(replace(wired, parts=keeping), settings, turns)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # of the call alone
        floor = settings.asr.noise_floor
        for utterance in kept if floor is not None else ():
            utterance.pcm = bytearray(NoiseFloor(floor, wired.rate).mix(bytes(utterance.pcm)))
        listened = sum(len(u.pcm) for u in kept) / (2 * wired.rate)
        made: Recognizers = {}
        without_account, alone, line = [], [], []
        inbound = [Utterance(kept[0].grammar, bytearray(tape.caller))]
        bare(wired.model.kaldi, wired.rate, kept, made)  # warm, as the call's decoders are
        for _ in range(repeats):
            start = time.process_time()
            bare(wired.model.kaldi, wired.rate, kept, made)
            alone.append(time.process_time() - start)
            start = time.process_time()
            bare(wired.model.kaldi, wired.rate, inbound, made)
            line.append(time.process_time() - start)
            fresh = replace(wired, parts=replace(wired.parts, accounts=_Accounts()))
            start = time.process_time()
            play(fresh, settings, turns)
            without_account.append(time.process_time() - start)
        account = account_ms(first) / 1000
        wired.accounts.close()
    whole = [seconds + account for seconds in without_account]
    base = statistics.median(alone)
    path = statistics.median(without_account)
    return {
        "call_seconds": round(first.now, 2),
        "listened_seconds": round(listened, 2),
        "password_given": first.resets == 1,
        "bare_seconds": round(base, 4),
        "bare_line_seconds": round(statistics.median(line), 4),
        "path_seconds": round(path, 4),
        "path_with_account_seconds": round(statistics.median(whole), 4),
        "bare_rtf": round(base / listened, 5),
        "path_rtf": round(path / first.now, 5),
        "ratio": round(path / base, 3),
        "ratio_to_line": round(path / statistics.median(line), 3),
        "ratio_with_account": round(statistics.median(whole) / base, 3),
        "peak_rss_mb": round(peak, 1),
        "repeats": repeats,
    }


class _Accounts:
    """Gives a password at once: a password's hash is slow on purpose, and measured apart."""

    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> object:
        from assistant.dialogue.types import ResetDone

        return ResetDone("482915")


def table(figures: dict[str, float | int | bool]) -> Table:
    shown = Table(title="Đường đi của cuộc gọi so với KaldiRecognizer trần", title_justify="left")
    shown.add_column("")
    shown.add_column("CPU (s)", justify="right")
    shown.add_column("× trần", justify="right")
    shown.add_row("trần, chỉ đoạn cuộc gọi lắng nghe", f"{figures['bare_seconds']:.3f}", "1.00")
    line = figures["bare_line_seconds"]
    shown.add_row(
        "trần, mọi âm thanh trên đường dây", f"{line:.3f}", f"{line / figures['bare_seconds']:.2f}"
    )
    shown.add_row(
        "cả cuộc gọi, trừ băm mật khẩu",
        f"{figures['path_seconds']:.3f}",
        f"{figures['ratio']:.2f}",
    )
    shown.add_row(
        "cả cuộc gọi",
        f"{figures['path_with_account_seconds']:.3f}",
        f"{figures['ratio_with_account']:.2f}",
    )
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("turns", nargs="*", help="caller turns; default: those of the demo")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    turns = arguments.turns or [str(path) for path in sorted(TURNS.glob("*.wav"))]
    figures = measure(turns, arguments.repeats)
    if arguments.json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return 0
    console = Console()
    console.print(table(figures))
    console.print(
        f"Cuộc gọi {figures['call_seconds']} s, nghe {figures['listened_seconds']} s; hệ số thời "
        f"gian thực: trần {figures['bare_rtf']}, cả cuộc gọi {figures['path_rtf']}. Mục tiêu "
        f"≤ {AIM}×. Bộ nhớ cao nhất {figures['peak_rss_mb']} MB."
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
