"""``assistant train collect`` from the command line: files, consent, a microphone, deletion."""

from __future__ import annotations

import builtins
import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.audio import AudioChunk, card
from assistant.batch.speech_sets import read_set
from assistant.cli import collect as command
from assistant.collect import booth
from assistant.collect.script import script
from assistant.errors import UsageError
from tests import cli_tools
from tests.card_tools import sound_card
from tests.cli_tools import PROGRAM
from tests.collect_tools import RATE, agreed, reading, spoken, write, write_readings

SPEAKER = "nu-hue-01"
COUNT = 12
LINES = script(COUNT, f"1:{SPEAKER}")
AGREED = "đồng ý\n"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``assistant train collect`` with a standard input → exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str, said: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(said))
        code = cli_tools.run(monkeypatch, "train", "collect", *arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def files_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def usual(folder: Path | str = "wav") -> tuple[str, ...]:
    return ("--speaker", SPEAKER, "--lines", str(COUNT), "--from-files", str(folder))


def test_files_become_a_set_that_can_be_measured(run: Run, tmp_path: Path) -> None:
    write_readings(tmp_path / "wav", LINES)
    code, out, err = run(*usual(), "--out", "set", "--json", said=AGREED)
    assert code == 0
    assert json.loads(out) == {"folder": "set", "kept": COUNT, "left": 0, "problems": []}
    assert "Bản ghi âm được dùng để huấn luyện" in err
    assert f"collect --out set --delete {SPEAKER}." in err
    assert [clip.text for clip in read_set(tmp_path / "set")] == [line.text for line in LINES]


def test_the_text_can_be_printed_before_anything_is_agreed(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("--speaker", SPEAKER, "--lines", "3", "--list")
    assert code == 0
    assert out == "".join(f"{n:4d}  {line.shown}\n" for n, line in enumerate(LINES[:3], 1))
    code, out, _ = run("--speaker", SPEAKER, "--lines", "3", "--list", "--json")
    assert [row["text"] for row in json.loads(out)["lines"]] == [line.text for line in LINES[:3]]
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("answer", ["", "\n", "không\n"])
def test_without_consent_nothing_is_kept(run: Run, tmp_path: Path, answer: str) -> None:
    write_readings(tmp_path / "wav", LINES)
    code, out, _ = run(*usual(), "--out", "set", "--json", said=answer)
    assert code == 1
    assert json.loads(out)["error"]["code"] == "collect-no-consent"
    assert not (tmp_path / "set").exists()


def test_bad_recordings_are_named_with_their_figure_and_asked_for_again(
    run: Run, tmp_path: Path
) -> None:
    folder = write_readings(tmp_path / "wav", LINES)
    syllables = len(LINES[0].text.split())
    write(folder / "0001.wav", spoken(syllables, level=-52))
    write(folder / "0002.wav", spoken(9, level=-10, gain=8))
    write(folder / "0003.wav", spoken(9, noise=-28))
    write(folder / "0004.wav", AudioChunk(spoken(9).pcm[:2_000], RATE))
    (folder / "0005.wav").write_bytes(b"no sound")
    (folder / "0006.wav").unlink()
    code, out, _ = run(*usual(), "--json", said=AGREED)
    assert code == 1
    result = json.loads(out)
    assert (result["kept"], result["left"]) == (COUNT - 6, 6)
    codes = {problem["line"]: problem["code"] for problem in result["problems"]}
    assert codes == {1: "too-quiet", 2: "clipped", 3: "too-noisy", 4: codes[4], 5: "audio-format"}
    assert codes[4] in ("too-quiet", "too-short", "too-noisy")
    assert "-52 dBFS" in result["problems"][0]["message"]
    # The same command again: what is kept stays, what was bad is taken in, consent is known.
    write_readings(folder, LINES)
    code, out, _ = run(*usual(), "--json")
    assert code == 0
    assert json.loads(out)["kept"] == 6
    with (tmp_path / "var/speech/labels.csv").open(encoding="utf-8") as rows:
        texts = {row["path"]: row["text"] for row in csv.DictReader(rows)}
    assert texts == {f"{SPEAKER}/1-{n:04d}.flac": line.text for n, line in enumerate(LINES, 1)}


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ((), "collect-files"),
        (("0001.wav", "1.wav"), "collect-files"),
        (("0000.wav",), "collect-files"),
        (("0013.wav",), "collect-files"),
        (("0004.wav", "0008.wav", "test.wav"), "collect-files"),
        (tuple(f"{chr(97 + n)}.wav" for n in range(COUNT + 1)), "collect-files"),
    ],
)
def test_files_that_fit_no_line_are_refused_before_anything(
    run: Run, tmp_path: Path, names: tuple[str, ...], code: str
) -> None:
    (tmp_path / "wav").mkdir()
    for name in names:
        write(tmp_path / "wav" / name, spoken(3))
    assert json.loads(run(*usual(), "--json", said=AGREED)[1])["error"]["code"] == code
    assert not (tmp_path / "var").exists()


def test_files_without_numbers_are_taken_in_order(tmp_path: Path) -> None:
    for name in ("b.wav", "a.WAV", "c.flac", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    found = booth.numbered_files(tmp_path, 3)
    assert {n: path.name for n, path in found.items()} == {1: "a.WAV", 2: "b.wav", 3: "c.flac"}


def test_a_stray_file_among_numbered_ones_is_named(tmp_path: Path) -> None:
    for name in ("0004.wav", "0008.wav", "test.wav"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(UsageError, match=r"test\.wav"):
        booth.numbered_files(tmp_path, 12)


def test_deleting_a_speaker(run: Run, tmp_path: Path) -> None:
    write_readings(tmp_path / "wav", LINES)
    run(*usual(), said=AGREED)
    agreed(tmp_path / "var/speech", "other")
    code, out, _ = run("--delete", SPEAKER, "--json")
    assert (code, json.loads(out)) == (0, {"deleted": SPEAKER, "clips": COUNT})
    assert not [name for name in files_in(tmp_path / "var/speech") if name.endswith(".flac")]
    text = (tmp_path / "var/speech/consent.csv").read_text("utf-8")
    assert text.count(SPEAKER) == 1
    assert "deleted" in text
    assert json.loads(run("--delete", "nobody", "--json")[1])["error"]["code"] == (
        "collect-unknown-speaker"
    )


def test_deleting_where_nothing_is_makes_nothing(run: Run, tmp_path: Path) -> None:
    found = json.loads(run("--delete", SPEAKER, "--json")[1])["error"]
    assert found["code"] == "collect-unknown-speaker"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("--speaker", "Nguyễn Văn A"), ("--delete", "../x")])
def test_a_wrong_speaker_is_a_coded_error(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, _ = run(*arguments, "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "collect-speaker")


# --- the microphone -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "advice"),
    [
        (ImportError("no"), "mic-missing", "[mic]"),
        (OSError("PortAudio library not found"), "mic-portaudio", "libportaudio2"),
    ],
)
def test_without_a_microphone_the_error_says_what_to_do_before_consent_is_asked(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    error: Exception, code: str, advice: str,
) -> None:  # fmt: skip
    def missing(_name: str) -> object:
        raise error

    monkeypatch.setattr(card.importlib, "import_module", missing)
    found = json.loads(run("--speaker", SPEAKER, "--json", said=AGREED)[1])["error"]
    assert found["code"] == code
    assert advice in found["hint"]
    assert "--from-files" in found["hint"]
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Error querying device -1", "không có thiết bị như vậy"),
        ("No input device matching 'x'", "không có thiết bị nào mang tên đó"),
        ("Error opening: Invalid sample rate [PaErrorCode -9997]", "PortAudio báo lỗi -9997"),
    ],
)
def test_without_a_device_nobody_is_asked_for_consent(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, reason: str
) -> None:
    class Silent:
        PortAudioError = OSError

        @staticmethod
        def query_devices(_device: object, _kind: str) -> None:
            raise OSError(said)

    monkeypatch.setattr(booth, "sound_card", lambda _instead: Silent)
    code, out, err = run("--speaker", SPEAKER, "--json", said=AGREED)
    found = json.loads(out)["error"]
    assert (code, found["code"], err) == (2, "mic-device", "")
    assert found["message"] == f"Không mở được micro hay loa: {reason}."
    assert files_in(tmp_path) == []


class FakeBooth:
    """A microphone at which somebody reads: first badly, then well."""

    def __init__(self, takes: Iterator[AudioChunk]) -> None:
        self._takes = takes
        self.played: list[AudioChunk] = []

    def record(self, wait: Callable[[], object]) -> AudioChunk:
        wait()
        return next(self._takes)

    def play(self, audio: AudioChunk) -> None:
        self.played.append(audio)


def test_a_sitting_at_the_microphone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet, good = spoken(9, level=-55), [reading(line) for line in LINES]
    fake = FakeBooth(iter([quiet, good[0], good[0], good[2]]))
    monkeypatch.setattr(command, "_microphone", lambda _settings, _device: fake)
    answers = iter([
        "đồng ý",
        "", "",  # line 1: start, stop: too quiet, asked again
        "", "", "l",  # read, and read again by choice
        "", "", "x", "n", "",  # read, a wrong key, replayed, kept
        "b",  # line 2 is skipped
        "", "", "",  # line 3 is kept
        "q",
    ])  # fmt: skip
    monkeypatch.setattr(builtins, "input", lambda: next(answers))
    code, out, err = run("--speaker", SPEAKER, "--lines", str(COUNT), "--json")
    assert code == 0
    assert json.loads(out)["kept"] == 2
    assert json.loads(out)["left"] == COUNT - 2
    assert "Nhỏ quá: tiếng nói -55 dBFS" in err
    assert LINES[0].shown in err
    assert fake.played == [good[0]]
    kept = [clip.text for clip in read_set(tmp_path / "var/speech")]
    assert kept == [LINES[0].text, LINES[2].text]
    assert next(answers, None) is None


@pytest.mark.full
def test_a_recording_through_portaudio(tmp_path: Path) -> None:
    """A virtual ALSA sound card plays somebody's reading into the microphone."""
    # The card plays faster than a clock: the line is followed by a long quiet.
    environment = sound_card(tmp_path, reading(LINES[0]).pcm + spoken(0).pcm * 600)
    arguments = ["train", "collect", "--speaker", SPEAKER, "--lines", "1", "--out", "set", "--json"]
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=tmp_path,
        env=os.environ | environment | {"PYTHONPATH": os.getcwd()},
    ) as talk:  # fmt: skip
        assert talk.stdin is not None
        for answer, wait in (("đồng ý", 6.0), ("", 8.0), ("", 2.0), ("n", 4.0), ("", 0.0)):
            talk.stdin.write(answer + "\n")
            talk.stdin.flush()
            time.sleep(wait)
        out, err = talk.communicate(timeout=60)
    assert talk.returncode == 0, err
    assert json.loads(out)["kept"] == 1
    (clip,) = read_set(tmp_path / "set")
    assert len(clip.samples) > RATE
    assert np.abs(clip.samples).max() > 0.1
    assert (tmp_path / "speaker.raw").stat().st_size > RATE  # it was replayed
