"""The pytest plugin as a team uses it: in a folder of its own, with its own configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serve_tools import ROOT

TWO = """
scenarios:
  - {name: gặp người, tags: [smoke, chen-ngang], turns: [{keys: "0"}], expect: {outcome: agent}}
  - name: sai
    tags: [slow, hai chữ, skip, xfail, _riêng]
    turns: [{keys: "0", expect: {reply: [menu]}}, {keys: "8", expect: {intent: reset}}]
    expect: {outcome: done}
"""
STRICT = "[pytest]\naddopts = --strict-markers -W error\n"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text(STRICT, "utf-8")
    (tmp_path / "tests" / "ghi").mkdir(parents=True)
    (tmp_path / "tests" / "a.scenario.yml").write_text(TWO, "utf-8")
    labels = "path,text\na.wav,đúng rồi\nb/a.wav,không\n"
    (tmp_path / "tests" / "ghi" / "labels.csv").write_text(labels, "utf-8")
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    plugins = ["-p", "assistant.cli.pytest_plugin", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def names(folder: Path, *arguments: str) -> list[str]:
    done = run_pytest(folder, "--collect-only", *arguments)
    assert done.returncode in (0, 5), done.stdout + done.stderr
    return [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]


SCENARIOS = ["gặp người", "sai"]
CLIPS = ["a.wav", "b/a.wav"]


@pytest.mark.full
@pytest.mark.parametrize(
    ("arguments", "ini", "found"),
    [
        ([], "", SCENARIOS),  # a labels.csv that nobody asked for
        (["tests"], "", SCENARIOS),
        (["tests/ghi"], "", CLIPS),
        (["tests/ghi/labels.csv"], "", CLIPS),
        (["tests/ghi/labels.csv::b/a.wav"], "", CLIPS[1:]),
        (["tests", "tests/ghi"], "", [*SCENARIOS, *CLIPS]),
        ([], "testpaths = tests/ghi\n", CLIPS),
        ([], "scenario_labels = tests\n", [*SCENARIOS, *CLIPS]),
        (["-m", "chen-ngang and not slow"], "", SCENARIOS[:1]),
        (["-m", "clip", "tests/ghi"], "", CLIPS),
        (["-k", "hai"], "", SCENARIOS[1:]),
    ],
)
def test_what_is_collected(team: Path, arguments: list[str], ini: str, found: list[str]) -> None:
    (team / "pytest.ini").write_text(STRICT + ini, "utf-8")
    assert sorted(names(team, *arguments)) == sorted(found)


def test_a_file_with_mistakes_is_one_error_that_tells_them(team: Path) -> None:
    (team / "tests" / "a.scenario.yml").write_text("scenarios: [{name: a, turns: [{}]}]", "utf-8")
    done = run_pytest(team, "tests")
    assert done.returncode == 2
    assert "[scenario-invalid]" in done.stdout
    assert "một lượt là đúng một trong" in done.stdout
    assert "Traceback" not in done.stdout


def test_one_seed_is_one_verdict_told_in_sentences(team: Path) -> None:
    """A tag called skip or xfail is a name and nothing else."""
    done = run_pytest(team, "tests")
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "lượt 2, cuộc gọi kết thúc trước lượt này" in done.stdout
    assert "outcome: đợi done, được agent" in done.stdout
