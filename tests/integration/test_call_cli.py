"""``assistant call`` and its neighbours as people type them: real model, prompts and database."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.accounts.demo import DemoAccount, draw
from assistant.accounts.local import LocalAccounts, PasswordState
from assistant.accounts.open import open_local
from assistant.audio import read_audio, write_wav
from assistant.cli import app as program
from assistant.cli import call as call_module
from assistant.cli.app import GROUPS, needed, register
from assistant.errors import AudioError
from assistant.nlu import tables
from assistant.settings import load_settings
from tests.cli_tools import PROGRAM, run

DEMO = Path(__file__).parents[2] / "examples" / "demo"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSISTANT_DATABASE_URL", "sqlite:///var/a.sqlite3")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


def account(seed: int, invented: bool = True) -> DemoAccount:
    """Registered in the test's own database; ``invented`` False: treated as a real person's.

    Not a code that may be the start of a citizen id, nor one that ends a call in between."""
    rng = random.Random(seed)
    pair = draw(rng)
    while pair.code[0] == "0":
        pair = draw(rng)
    with closing(open_local(load_settings(), notice=lambda _: None)) as store:
        store.add(pair.phone, pair.code, invented=invented)
    return pair


def by_keys(pair: DemoAccount) -> list[str]:
    """A whole call on the keypad."""
    return ["--from", pair.phone, "--keys", "8", f"keys:{pair.code}#", "keys:1", "keys:#"]


def report(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def test_a_whole_call_resets_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = account(1)
    assert run(monkeypatch, "call", *by_keys(pair), "--json", "--trace") == 0
    call = report(capsys)
    assert (call["ended"], call["resets"], call["masked"]) == ("done", 1, False)
    assert call["cost"] == 1_000 * -(-call["seconds"] // 60)
    pressed = [turn["said"] for turn in call["turns"] if turn["by_keys"]]
    assert pressed == ["8", pair.code, "1", "#"]
    assert call["trace"][0]["what"] == "prompt"
    secret = next(turn for turn in call["turns"] if turn["expect"] == "secret")
    password = "".join(c for c in secret["prompt"] if c.isdigit())[:6]
    with closing(open_local(load_settings())) as store:
        assert store.check_password(pair.code, password) is PasswordState.MUST_CHANGE


def test_for_people_it_is_a_conversation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "call", *by_keys(account(2)), "--out", "out") == 0
    shown = capsys.readouterr().out
    for wanted in ("Trợ lý", "Người gọi", "[phím 8]", "Kết thúc: xong việc", "đồng", "Tài khoản"):
        assert wanted in shown


def test_nothing_written_about_a_real_account_holds_its_code_or_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pair = account(3, invented=False)
    issued = []  # the password, caught on its way out of the account store
    original = LocalAccounts.verify_and_reset

    def watch(self: LocalAccounts, phone: str | None, code: str, call_id: str) -> object:
        outcome = original(self, phone, code, call_id)
        issued.append(getattr(outcome, "password", None))
        return outcome

    monkeypatch.setattr(LocalAccounts, "verify_and_reset", watch)
    code_file = str(DEMO / "2-ma-so.wav")
    for arguments in (["--json", "--trace"], ["--trace"]):
        run(monkeypatch, "call", *by_keys(pair), code_file, "--out", "out", *arguments)
    written = capsys.readouterr()
    assert all(issued)
    text = written.out + written.err
    for secret in (pair.code, *issued):
        assert secret not in text
        assert secret not in "".join(c for c in text if c.isdigit() or c.isspace()).replace(" ", "")
    assert '"masked": true' in text
    said = [turn["said"] for turn in json.loads(written.out.splitlines()[0])["turns"]]
    spoken = tables.numbers().number_words - {"không"}
    assert not any(spoken & set(line.split()) for line in said)


@pytest.mark.parametrize("out", ["taken", "taken/below", "/dev/null", "/proc/none", "half"])
def test_a_place_that_cannot_be_written_costs_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    """Found before the call: afterwards the account would be reset and the password lost."""
    Path("taken").write_text("a file")
    Path("half/call.wav").mkdir(parents=True)
    pair = account(11)
    asked: list[str] = []
    monkeypatch.setattr(LocalAccounts, "verify_and_reset", lambda *_: asked.append("reset"))
    assert run(monkeypatch, "call", *by_keys(pair), "--out", out, "--json") in (1, 2)
    error = report(capsys)["error"]
    assert error["code"] == "audio-write"
    assert error["hint"]
    assert asked == []


@pytest.mark.parametrize("as_json", [True, False])
def test_a_disk_that_fills_up_in_the_call_does_not_hide_its_outcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    def full(*_: object, **__: object) -> None:
        raise AudioError("audio-write", "Đĩa đầy.", "Dọn đĩa.")

    monkeypatch.setattr(call_module, "write_wav", full)
    arguments = [*by_keys(account(12)), "--out", "out", *(["--json"] if as_json else [])]
    assert run(monkeypatch, "call", *arguments) == 0
    written = capsys.readouterr()
    if as_json:
        call = json.loads(written.out)
        assert (call["resets"], call["files"], call["error"]["code"]) == (1, {}, "audio-write")
    else:
        assert "Đã cấp mật khẩu: 1 lần" in written.out
        assert "[audio-write]" in written.err


def segments(path: Path) -> tuple[int, np.ndarray]:
    with wave.open(str(path)) as file:
        return file.getframerate(), np.frombuffer(file.readframes(1 << 30), "<i2")


def test_recordings_of_a_real_account_have_tones_where_digits_were(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = {}
    for invented in (True, False):
        pair = account(4 + invented, invented=invented)
        out = f"out-{invented}"
        run(monkeypatch, "call", *by_keys(pair), "--out", out, "--json")
        sides[invented] = (report(capsys), segments(Path(out) / "assistant.wav"))
    call, (rate, masked) = sides[False]
    secret = next(turn for turn in call["turns"] if turn["expect"] == "secret")
    part = masked[round(secret["asked"] * rate) : round(secret["listened"] * rate)]
    assert tone_share(part, rate) > 0.3
    call, (rate, plain) = sides[True]
    secret = next(turn for turn in call["turns"] if turn["expect"] == "secret")
    part = plain[round(secret["asked"] * rate) : round(secret["listened"] * rate)]
    assert tone_share(part, rate) < 0.05
    assert Path("out-False/call.wav").stat().st_mode & 0o077 == 0


def tone_share(samples: np.ndarray, rate: int) -> float:
    """The share of 20 ms frames that are nothing but the 440 Hz tone."""
    size = rate // 50
    frames = samples[: len(samples) // size * size].reshape(-1, size).astype(float)
    t = np.arange(size) * 2 * np.pi * 440 / rate
    inside = np.hypot(frames @ np.cos(t), frames @ np.sin(t)) ** 2 * 2 / size
    whole = (frames**2).sum(axis=1) + 1e-9
    return float(np.mean((inside / whole > 0.95) & (whole > size * 1e4)))


@pytest.mark.parametrize(
    ("turns", "code", "ended"),
    [
        (["keys:0"], 0, "agent"),
        (["--keys", "8", "keys:9999999999#", "keys:1"], 4, "no_input"),
        (["keys:8"], 4, "no_input"),
    ],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    turns: list[str],
    code: int,
    ended: str,
) -> None:
    assert run(monkeypatch, "call", "--from", "0500000001", *turns, "--json") == code
    assert report(capsys)["ended"] == ended


def test_refusals_have_a_code_and_sound_alike(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown code, and somebody else's code: word for word the same call."""
    other = account(7)
    calls = []
    for wrong in ("9999999999", other.code):
        keys = [turn for _ in range(3) for turn in (f"keys:{wrong}#", "keys:1")]
        assert run(monkeypatch, "call", "--from", "0500000001", "keys:8", *keys, "--json") == 3
        calls.append(report(capsys))
    assert [t["prompt"] for t in calls[0]["turns"]] == [t["prompt"] for t in calls[1]["turns"]]
    assert calls[0]["seconds"] == pytest.approx(calls[1]["seconds"], abs=8)
    assert all(call["resets"] == 0 for call in calls)


def test_the_code_is_heard_by_the_streaming_loop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo's spoken code, at most one digit off, and its end found within 0.6 s."""
    run(monkeypatch, "call", "--from", "0500000001", "keys:8", str(DEMO / "2-ma-so.wav"), "--json")
    turn = next(t for t in report(capsys)["turns"] if t["expect"] == "code" and not t["by_keys"])
    assert turn["digits"] in (9, 10, 11)
    if turn["end_reason"] == "complete":
        assert turn["timings"]["waited"] <= 0.6


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["call"], "turns-missing"),
        (["call", "keys:abc"], "keys-invalid"),
        (["call", "--keys", ""], "keys-invalid"),
        (["call", "none.wav"], "audio-missing"),
        (["call", "."], "audio-directory"),
        (["call", "--nope"], "usage"),
        (["nothing"], "usage"),
        (["models", "verify", "none"], "model-missing"),
        (["models", "download", "none"], "model-unknown"),
        (["models", "download", "http://example.com/m.zip"], "download-url"),
    ],
)
def test_errors_are_json_with_json(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: str,
) -> None:
    assert run(monkeypatch, *arguments, "--json") in (1, 2)
    error = report(capsys)["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("ASSISTANT_MODEL", "/none", "model-missing"),
        ("ASSISTANT_PROMPTS", "/none", "prompts-missing"),
        ("ASSISTANT_TURNS__NO_INPUT", "never", "settings-invalid"),
    ],
)
def test_what_is_missing_is_said_before_the_call(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    code: str,
) -> None:
    monkeypatch.setenv(name, value)
    assert run(monkeypatch, "call", "keys:8") != 0
    written = capsys.readouterr()
    assert f"[{code}]" in written.err
    assert "Traceback" not in written.err
    assert len(written.err.splitlines()) == 1


def test_transcribe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.wav").write_bytes(b"x")
    files = [str(DEMO / "2-ma-so.wav"), "bad.wav", str(DEMO / "3-dung-roi.wav")]
    assert run(monkeypatch, "transcribe", *files, "--expect", "code", "--json") == 1
    good, bad, other = report(capsys)["files"]
    assert bad["error"]["code"] == "audio-format"
    words = [word for utterance in good["utterances"] for word in utterance["words"]]
    assert len(words) >= 8
    assert [w["start"] for w in words] == sorted(w["start"] for w in words)
    assert words[-1]["end"] <= good["seconds"] + 0.1
    assert (good["rate"], good["encoding"], other["warnings"]) == (8_000, "WAV/PCM_16", [])
    quiet = read_audio(DEMO / "2-ma-so.wav", load_settings().audio).audio
    write_wav(Path("quiet.wav"), (np.frombuffer(quiet.pcm, "<i2") // 1000).tobytes(), quiet.rate)
    assert run(monkeypatch, "transcribe", "quiet.wav", "--json") == 0
    assert report(capsys)["files"][0]["warnings"] == ["quiet"]
    assert run(monkeypatch, "transcribe", *files[::2], "quiet.wav") == 0
    told = capsys.readouterr().out
    assert "2-ma-so.wav" in told
    assert "hãy thu lại gần micro hơn" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("closed.wav").write_bytes(b"x")
    Path("closed.wav").chmod(0)
    files = ["closed.wav", str(DEMO / "3-dung-roi.wav")]
    assert run(monkeypatch, "transcribe", *files, "--json") == 1
    closed, good = report(capsys)["files"]
    assert closed["error"]["code"] == "audio-permission"
    assert good["utterances"]


def test_a_stream_without_vietnamese_letters_gets_them_all_the_same() -> None:
    done = subprocess.run(
        [*PROGRAM, "models", "list"], capture_output=True, check=False,
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "đang dùng" in done.stdout.decode("utf-8")


def test_models(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ASSISTANT_ASR__MODELS", "downloads")
    assert run(monkeypatch, "models", "list", "--json") == 0
    listed = report(capsys)
    assert listed["models"][0]["used"]
    assert listed["models"][0]["rate"] == 8_000
    assert "vosk-model-vn-0.4" in listed["available"]
    assert run(monkeypatch, "models", "verify", "--json") == 0
    assert report(capsys)["ok"]
    assert run(monkeypatch, "models", "list") == 0


def test_only_folders_with_something_of_a_model_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = tmp_path / "place"
    monkeypatch.setenv("ASSISTANT_ASR__MODELS", str(place / "none"))
    monkeypatch.setenv("ASSISTANT_MODEL", str(place / "mine"))
    for name in ("mine", "photos", "broken/am"):
        (place / name).mkdir(parents=True)
    (place / "broken/am/final.mdl").write_bytes(b"")
    (place / "photos/a.jpg").write_bytes(b"")
    assert run(monkeypatch, "models", "list", "--json") == 0
    listed = report(capsys)["models"]
    assert [Path(one["path"]).name for one in listed] == ["mine", "broken"]


def test_a_variable_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = load_settings()
    for name in ("MODEL", "PROMPTS", "ASR__MODELS", "TURNS__END_SILENCE"):
        monkeypatch.setenv(f"ASSISTANT_{name}", "")
    assert load_settings() == usual


def test_doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "doctor", "--json") == 0
    found = report(capsys)
    assert found["ok"]
    assert all(check["works"] for check in found["checks"] if check["required"])
    assert all(check["hint"] for check in found["checks"] if not check["works"])
    assert not Path("var").exists(), "looking changes nothing"
    monkeypatch.setenv("ASSISTANT_MODEL", "/none")
    assert run(monkeypatch, "doctor") == 1
    shown = capsys.readouterr().out
    assert "✗ Mô hình nhận dạng" in shown
    assert "cột" not in shown


def test_what_is_stopped_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("assistant.cli.doctor.run_checks", stopped)
    assert run(monkeypatch, "doctor") == 130
    assert capsys.readouterr().err == "\nBị dừng.\n"
    assert run(monkeypatch, "doctor", "--json") == 130
    assert report(capsys)["error"]["code"] == "interrupted"


def test_version_and_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("assistant ")
    assert run(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    assert all(command in shown for commands in GROUPS.values() for command in commands)


def test_the_table_of_commands_is_true() -> None:
    for module, commands in GROUPS.items():
        one = register(program.typer.Typer(), [module])
        names = {c.name for c in one.registered_commands} | {g.name for g in one.registered_groups}
        assert names == set(commands)
        for command in commands:
            assert needed([command]) == (module,)
    assert needed([]) == needed(["--help"]) == needed(["call"], completing=True) == tuple(GROUPS)
    assert needed(["--version"]) == ()


def commands(command: object, *path: str) -> Iterator[tuple[str, set[str]]]:
    """Every command below this one, and its options."""
    for name, below in getattr(command, "commands", {}).items():
        if hasattr(below, "commands"):
            yield from commands(below, *path, name)
        else:
            options = {option for one in below.params for option in one.opts}
            yield " ".join((*path, name)), options


def test_every_command_has_json() -> None:
    """As README says. A group has none: it does nothing by itself."""
    whole = register(program.typer.Typer(), tuple(GROUPS))
    found = dict(commands(program.typer.main.get_command(whole)))
    assert len(found) > 30
    assert [name for name, options in found.items() if "--json" not in options] == []


@pytest.mark.parametrize(
    ("typed", "offered"), [("assistant ca", "call"), ("assistant models ver", "verify")]
)
def test_shell_completion(typed: str, offered: str) -> None:
    words = typed.split()
    env = os.environ | {
        "_ASSISTANT_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    program_file = Path(sys.executable).parent / "assistant"
    done = subprocess.run([str(program_file)], env=env, capture_output=True, text=True, check=False)
    assert offered in done.stdout
