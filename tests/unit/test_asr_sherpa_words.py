"""Words from the tokens of sherpa-onnx, and what a folder of its must have; no engine needed."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from assistant.asr.engines import open_model
from assistant.asr.folder import SHERPA, VOSK, ModelFolder, inspect_folder
from assistant.asr.sherpa_adapter import SherpaModel, words_of
from assistant.errors import DependencyError, ModelError
from assistant.settings import Asr, load_settings

LASTS = 0.2
CASES: dict[str, tuple[str, list[str], list[float], list[tuple[str, float, float]]]] = {
    "nothing": ("", [], [], []),
    "a token a word": (
        " không một", [" không", " một"], [0.4, 1.0],
        [("không", 0.4, 0.6), ("một", 1.0, 1.2)],
    ),
    "pieces of words": (
        " không một", ["▁kh", "ông", "▁m", "ột"], [0.4, 0.48, 0.6, 0.64],
        [("không", 0.4, 0.6), ("một", 0.6, 0.84)],
    ),
    "a space of its own": (" ba", ["▁", "ba"], [0.2, 0.24], [("ba", 0.2, 0.44)]),
    "no space at the beginning": ("ba tư", ["ba", " tư"], [0, 1], [("ba", 0, 0.2), ("tư", 1, 1.2)]),
    "capitals": (" MỘT", [" MỘT"], [0.1], [("một", 0.1, 0.3)]),
    "decomposed": (" mo\u0323\u0302t", [" mo\u0323\u0302t"], [0], [("một", 0.0, 0.2)]),
    "bytes": (
        " một hai", ["▁m", "<0xE1>", "<0xBB>", "<0x99>", "t", "▁hai"], [0, 0.1, 0.1, 0.1, 0.2, 0.5],
        [("một", 0.0, 0.0), ("hai", 0.0, 0.7)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_words_of_tokens(name: str) -> None:
    text, tokens, starts, expected = CASES[name]
    found = words_of(text, tokens, starts, [], LASTS)
    assert [(w.text, w.start, w.end) for w in found] == expected
    assert all(word.confidence is None for word in found)


def test_a_word_is_as_sure_as_its_worst_token() -> None:
    logs = [math.log(0.9), math.log(0.5), 0.1]  # rounding may carry a logarithm above zero
    words = words_of(" một hai", [" m", "ột", " hai"], [0, 0.1, 0.5], logs, LASTS)
    assert [word.confidence for word in words] == [pytest.approx(0.5), 1.0]


def folder(path: Path, *files: str, **card: object) -> Path:
    path.mkdir(exist_ok=True)
    for name in files:
        (path / name).write_bytes(b"x")
    (path / "model.json").write_text(json.dumps({"engine": SHERPA, **card}))
    return path


def test_a_folder_with_the_parts_of_its_kind(tmp_path: Path) -> None:
    folder(tmp_path, "tokens.txt", "m.int8.onnx", kind="nemo-ctc", sample_rate=8_000,
           files={"model.onnx": "m.int8.onnx"}, feature_dim=64, name="n", version="3")  # fmt: skip
    found = inspect_folder(tmp_path)
    assert (found.engine, found.name, found.version) == (SHERPA, "n", "3")
    assert (found.rate, found.bins, found.narrows) == (8_000, 64, False)
    assert found.parts == {"tokens.txt": "tokens.txt", "model.onnx": "m.int8.onnx"}


@pytest.mark.parametrize(
    ("files", "card", "code"),
    [
        ((), {"kind": "nemo-ctc"}, "model-incomplete"),
        (("tokens.txt",), {"kind": "wenet-ctc"}, "model-incomplete"),
        (("tokens.txt", "encoder.onnx"), {"kind": "transducer"}, "model-incomplete"),
        (("tokens.txt", "model.onnx"), {}, "model-card"),
        (("tokens.txt", "model.onnx"), {"kind": "whisper"}, "model-card"),
        (("tokens.txt", "model.onnx"), {"kind": ["nemo-ctc"]}, "model-card"),
        (("tokens.txt", "model.onnx"), {"kind": "nemo-ctc", "engine": "kaldi"}, "model-card"),
        (
            ("tokens.txt",),
            {"kind": "nemo-ctc", "files": {"model.onnx": "../tokens.txt"}},
            "model-incomplete",
        ),
        (
            ("tokens.txt",),
            {"kind": "nemo-ctc", "files": {"model.onnx": "/etc/passwd"}},
            "model-incomplete",
        ),
        (("tokens.txt",), {"kind": "nemo-ctc", "files": {"model.onnx": "\0"}}, "model-incomplete"),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_used(
    tmp_path: Path, files: tuple[str, ...], card: dict[str, object], code: str
) -> None:
    with pytest.raises(ModelError) as error:
        inspect_folder(folder(tmp_path, *files, **card))
    assert error.value.code == code


def test_the_embedded_model_is_of_vosk() -> None:
    assert inspect_folder(load_settings().model).engine == VOSK


def test_without_the_package_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.asr.sherpa_adapter.find_spec", lambda _: None)
    with pytest.raises(DependencyError) as error:
        open_model(folder(tmp_path, "tokens.txt", "model.onnx", kind="nemo-ctc"))
    assert error.value.code == "sherpa-missing"
    assert "[sherpa]" in error.value.hint


@pytest.mark.parametrize(
    ("tokens", "phrases", "expected"),
    [
        ("▁MỘT 0\n▁HAI 1\n<blk> 2\n", ("một hai", "hai", "một hai"), "MỘT HAI/HAI"),
        ("▁một 0\n<blk> 1\n", ("Một",), "một"),
        ("▁một 0\n", (":9 hai", "[unk]", "a/b", "", "ba :x"), "hai/ba"),
        ("▁một 0\n", ("nhân_viên tư",), "nhân viên tư"),
        ("\xff", (), ""),
    ],
)
def test_hot_words_are_spelled_as_the_model_spells(
    tmp_path: Path, tokens: str, phrases: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "tokens.txt").write_text(tokens)
    parts = {"tokens.txt": "tokens.txt"}
    found = ModelFolder(tmp_path, "n", None, 16_000, False, 0, {}, SHERPA, "transducer", parts)
    assert SherpaModel(found, None, Asr()).hotwords(phrases) == expected
