"""``assistant batch`` as people type it: real model, real prompts, real databases."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import assistant.cli.app as program
from assistant.batch.journal import read_records
from assistant.settings import packaged
from tests.batch_tools import BAD, batch
from tests.cli_tools import PROGRAM, run
from tests.serve_tools import ROOT

KEYS = (
    """
scenarios:
  - name: trọn cuộc gọi
    turns:
      - {keys: "8"}
      - {keys: "{code}#", expect: {digits: "{code}"}}
      - {keys: "1"}
      - {keys: "#"}
      - {keys: "2"}
    expect: {outcome: done, resets: 1, password: works, listen_back: true}
  - name: đợi điều không có
    turns: [{keys: "0"}]
    expect: {outcome: done}
  - name: đã lành
    known_failure: đã làm rồi
    turns: [{keys: "0"}]
    expect: {outcome: agent}
"""
    + BAD
)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "a.scenario.yaml").write_text(KEYS, "utf-8")
    return tmp_path


ONE = ("run", "a.scenario.yaml", "--filter", "trọn", "--workers", "1", "--json")


@pytest.fixture
def prompts(suite: Path) -> Path:
    """A copy of the prompts to damage, after a run in which they were whole: "before"."""
    copied = suite / "prompts"
    shutil.copytree(packaged("audio_prompts"), copied)
    assert batch(suite, *ONE, "--out", "before").returncode == 0
    return copied


def test_a_run_gives_a_verdict_files_and_an_exit_code(suite: Path) -> None:
    done = batch(suite, "run", ".", "--out", "run", "--workers", "1", "--json", "--audio", "all",
                 "--junit", "junit.xml", "--report", "report.html")  # fmt: skip
    assert done.returncode == 1, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["statuses"] == {"passed": 1, "failed": 2, "known": 1, "healed": 1}
    assert 'failures="2"' in (suite / "junit.xml").read_text("utf-8")
    again = batch(suite, "report", "run", "--out", "again.html", "--json")
    assert json.loads(again.stdout) == {"report": "again.html"}
    assert (suite / "again.html").is_file()
    page = (suite / "report.html").read_text("utf-8")
    assert page.count("<audio") == 2 * 5  # all of them can be heard
    assert not re.search(r'(src|href)="(?!data:)', page)  # one self-contained file
    assert "dữ liệu thật" in page
    records = {one["id"].partition("/")[2]: one for one in read_records(suite / "run")}
    assert records["trọn cuộc gọi"]["password"] == "works"
    read_back = records["trọn cuộc gọi"]["turns"][2]["prompt"]
    assert re.search(r"\d{4} \d{3} \d{3}", read_back), (
        read_back
    )  # an invented account hides nothing
    _no_code_in(records["dữ liệu thật"])


def _no_code_in(record: dict[str, Any]) -> None:
    """Ten digits in a row, anywhere in the record of a call with a real account."""
    assert record["invented"] is False
    said = [
        (turn["said"], turn["prompt"], [w[0] for w in turn["words"]]) for turn in record["turns"]
    ]
    assert "••••" in str(said)
    assert not re.search(r"\d{6,}", str(said) + str(record["failures"]))
    assert record["digits"] == []


@pytest.mark.full
def test_a_swapped_digit_clip_is_at_the_top_of_the_diff(suite: Path, prompts: Path) -> None:
    three, seven = prompts / "clips" / "digit_3.flac", prompts / "clips" / "digit_7.flac"
    other = three.read_bytes()
    three.write_bytes(seven.read_bytes())
    seven.write_bytes(other)
    done = batch(suite, *ONE, "--out", "after", "--against", "before",
                 ASSISTANT_PROMPTS=str(prompts))  # fmt: skip
    assert done.returncode == 1
    (broke,) = json.loads(done.stdout)["diff"]["broke"]
    assert broke["id"].endswith("trọn cuộc gọi")
    assert "listen_back" in broke["why"]
    seven.unlink()
    done = batch(suite, *ONE, "--out", "gone", ASSISTANT_PROMPTS=str(prompts))
    assert done.returncode == 2  # no verdict
    assert json.loads(done.stdout.splitlines()[-1])["error"]["code"] == "clips-missing"


@pytest.mark.full
def test_a_removed_prompt_is_named_as_what_broke(suite: Path, prompts: Path) -> None:
    table = prompts / "prompts.yaml"
    text = table.read_text("utf-8")
    without = re.sub(r"^  code_ask_both:.*\n", "", text, flags=re.MULTILINE)
    assert without != text
    table.write_text(without, "utf-8")
    done = batch(suite, *ONE, "--out", "after", "--against", "before",
                 ASSISTANT_PROMPTS=str(prompts))  # fmt: skip
    assert done.returncode == 1, done.stderr
    (broke,) = json.loads(done.stdout)["diff"]["broke"]
    assert broke["why"].startswith("gặp lỗi: "), broke


@pytest.mark.full
def test_the_same_seed_gives_the_same_call(suite: Path) -> None:
    """The password too: how long it takes to say decides what the caller's words fall upon."""
    lengths = []
    for name in ("one", "two"):
        assert batch(suite, "run", "a.scenario.yaml", "--filter", "trọn", "--out", name,
                     "--audio", "all").returncode == 0  # fmt: skip
        (record,) = read_records(suite / name)
        lengths.append((record["seconds"], [turn["prompt"] for turn in record["turns"]]))
    assert lengths[0] == lengths[1]


@pytest.mark.full
def test_a_patient_caller_says_it_again_slower(suite: Path) -> None:
    text = """
scenarios:
  - name: kiên nhẫn
    caller: {patience: 1}
    turns:
      - {say: hôm nay trời đẹp quá đi, expect: {rejection: unknown}}
      - {keys: "0"}
    expect: {outcome: agent}
"""
    (suite / "a.scenario.yaml").write_text(text, "utf-8")
    done = batch(suite, "run", "a.scenario.yaml", "--out", "run", "--json")
    assert done.returncode == 0, done.stdout
    (record,) = read_records(suite / "run")
    assert [turn["owner"] for turn in record["turns"]][:3] == [0, 0, 1]
    first, again = (turn["ended"] - turn["listened"] for turn in record["turns"][:2])
    assert again > 1.05 * first


WRONG = (
    (("--against", "nothere"), "batch-run-missing"),
    (("--report", "."), "batch-write"),
    (("--junit", "."), "batch-write"),
    (("--address", "127.0.0.1:1"), "batch-option"),
    (("--report", "a.scenario.yaml"), "batch-write"),
    (("--report", "one.html", "--junit", "one.html"), "batch-write"),
    (("--report", "flow.scenario.yaml"), "batch-write"),
    (("--out", "a.scenario.yaml"), "batch-write"),
    (("--out", "/proc/x"), "batch-write"),
)


@pytest.mark.parametrize(("options", "code"), WRONG)
def test_what_is_wrong_is_told_before_the_run(
    suite: Path, options: tuple[str, ...], code: str
) -> None:
    (suite / "flow.scenario.yaml").write_text("{scenarios: [{name: a, turns: [{keys: '0'}]}]}")
    done = batch(suite, "run", ".", "--out", "run", "--json", *options)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == code
    assert not (suite / "run").exists()
    assert (suite / "a.scenario.yaml").read_text("utf-8") == KEYS


def test_without_a_voice_no_run_is_left_behind(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(suite)
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    (suite / "a.scenario.yaml").write_text("scenarios: [{name: a, turns: [{say: ừ}]}]", "utf-8")
    assert run(monkeypatch, "batch", "run", "a.scenario.yaml", "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "espeak-missing"
    assert not (suite / "var").exists()


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("results.jsonl", "không phải JSON\n", "batch-run-damaged"),
        ("results.jsonl", "5\n", "batch-run-damaged"),
        ("results.jsonl", '{"ordinal": 0}\n', "batch-run-damaged"),
        ("results.jsonl", None, "batch-run-damaged"),
        ("run.json", "{}", "batch-run-missing"),
        ("run.json", "[]", "batch-run-missing"),
    ],
)
def test_a_damaged_run_is_told_as_such(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    name: str, text: str | None, code: str,
) -> None:  # fmt: skip
    facts = dict.fromkeys(("place", "fingerprint", "filter", "model", "started"), "x")
    facts |= {"seed": 0, "repeat": 1}
    (suite / "run").mkdir()
    (suite / "run" / "run.json").write_text(json.dumps(facts), "utf-8")
    (suite / "run" / "results.jsonl").touch()
    if text is None:
        (suite / "run" / name).unlink()
    else:
        (suite / "run" / name).write_text(text, "utf-8")
    page = suite / "report.html"
    assert run(monkeypatch, "batch", "report", str(suite / "run"), "--out", str(page), "--json")
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code
    assert text is None or name != "results.jsonl" or "dòng 1" in error["message"]


@pytest.mark.full
def test_a_deleted_phrase_is_caught(suite: Path) -> None:
    text = (
        "scenarios:\n  - name: xin\n    turns:\n"
        "      - {say: cấp lại mật khẩu, expect: {intent: reset, reply: [code_ask_both]}}\n"
        "      - {hang_up: true}\n"
    )
    (suite / "b.scenario.yaml").write_text(text, "utf-8")
    package = suite / "changed"
    shutil.copytree(ROOT / "assistant", package / "assistant")
    for name in ("models", "audio_prompts"):
        (package / name).symlink_to(ROOT / name)
    table = package / "assistant" / "nlu" / "data" / "intents.yaml"
    phrase = re.compile(r"    - .*(<password>|mật khẩu)")
    kept = [line for line in table.read_text("utf-8").splitlines() if not phrase.match(line)]
    table.write_text("\n".join(kept) + "\n", "utf-8")
    arguments = ("run", "b.scenario.yaml", "--workers", "1", "--json", "--out")
    assert batch(suite, *arguments, "before").returncode == 0
    done = batch(suite, *arguments, "after", "--against", "before", PYTHONPATH=str(package))
    (broke,) = json.loads(done.stdout)["diff"]["broke"]
    assert "intent" in broke["why"]


@pytest.mark.full
def test_a_stopped_run_goes_on_and_counts_nothing_twice(suite: Path) -> None:
    one = KEYS.partition("  - name: đợi")[0]
    (suite / "a.scenario.yaml").write_text(one, "utf-8")
    arguments = ["run", "a.scenario.yaml", "--repeat", "6", "--workers", "1", "--out", "run"]
    process = subprocess.Popen(
        [*PROGRAM, "batch", *arguments],
        cwd=suite,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    results = suite / "run" / "results.jsonl"
    while not (results.exists() and results.read_bytes().count(b"\n")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=100) == 130
    assert 0 < sum(1 for _ in read_records(suite / "run")) < 6
    assert batch(suite, *arguments, "--resume").returncode == 0
    assert sorted(r["ordinal"] for r in read_records(suite / "run")) == list(range(6))
    done = batch(suite, *arguments, "--resume", "--seed", "9")
    assert done.returncode == 2
    assert "batch-run-other" in done.stderr


@pytest.mark.full
def test_a_run_that_stops_early_says_how_much_it_ran(suite: Path) -> None:
    done = batch(suite, "run", ".", "--filter", "đợi", "--repeat", "40", "--fail-fast",
                 "--workers", "1", "--out", "run", "--junit", "junit.xml", "--report",
                 "report.html")  # fmt: skip
    ran = sum(1 for _ in read_records(suite / "run"))
    assert (done.returncode, 0 < ran < 40) == (1, True)
    assert f"Mới chạy {ran}/40" in done.stdout
    assert f"Mới chạy {ran}/40" in (suite / "report.html").read_text("utf-8")
    junit = (suite / "junit.xml").read_text("utf-8")
    assert 'tests="40"' in junit
    assert junit.count("<testcase") == 40
    assert junit.count("<skipped") == 40 - ran


@pytest.mark.full
def test_init_and_schema_answer_in_json(tmp_path: Path) -> None:
    done = batch(tmp_path, "init", "mau", "--json")
    files = json.loads(done.stdout)["files"]
    assert len(files) == 5
    assert sum((tmp_path / name).stat().st_size for name in files) < 250_000
    assert all((tmp_path / name).is_file() for name in files)
    assert json.loads(batch(tmp_path, "init", "mau", "--json").stdout)["error"]["code"] == (
        "batch-init-exists"
    )
    schema = json.loads(batch(tmp_path, "schema", "--json").stdout)
    assert schema == json.loads((tmp_path / "mau" / "scenario.schema.json").read_text("utf-8"))


@pytest.mark.full
def test_init_writes_what_run_and_pytest_take(tmp_path: Path) -> None:
    assert batch(tmp_path, "init", "mau").returncode == 0
    assert batch(tmp_path, "init", "mau").returncode == 2
    done = batch(tmp_path, "run", "mau", "--filter", "phím im", "--out", "run")
    assert done.returncode == 2  # nothing is named like both
    command = [sys.executable, "-m", "pytest", "-q", "mau", "-p", "assistant.cli.pytest_plugin"]
    command += ["-k", "phím", "-p", "no:cacheprovider"]
    tested = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False,
                            env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert "1 passed" in tested.stdout, tested.stdout
    done = batch(tmp_path, "run", "mau", "--out", "all", "--workers", "1", "--json")
    assert json.loads(done.stdout)["statuses"] == {"passed": 7}, done.stdout


def test_list_counts_what_would_run_without_a_model(suite: Path) -> None:
    nothing = {"ASSISTANT_MODEL": str(suite / "no-model")}
    done = batch(suite, "list", ".", "--json", **nothing)
    found = json.loads(done.stdout)
    assert (done.returncode, found["total"]) == (0, 5)
    assert [one["id"] for one in found["entries"] if one["known_failure"]] == [
        "a/đã lành",
        "a/đã biết",
    ]
    shown = batch(suite, "list", ".", "--filter", "đã", **nothing).stdout
    assert "a/đã biết" in shown
    assert "trọn cuộc gọi" not in shown
    assert "2 kịch bản, trong đó 2 chưa đạt" in shown
    assert "batch-missing" in batch(suite, "list", "nowhere", **nothing).stderr


def test_an_interrupt_while_the_program_loads_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "register", interrupted)
    monkeypatch.setattr(program, "app", program.typer.Typer())
    monkeypatch.setattr(sys, "argv", ["assistant", "batch", "run", "."])
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert caught.value.code == 130
    assert "Bị dừng" in capsys.readouterr().err
