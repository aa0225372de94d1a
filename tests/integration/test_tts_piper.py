"""Piper: what is missing is said; with the extra installed, a toy voice is really run."""

import sys
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import DependencyError, PromptError
from assistant.tts.piper_voice import PiperSynthesizer

# 9 kB: an ONNX graph of Piper's interface that turns each phoneme id into 0.1 s of id × 100 Hz.
TOY = Path(__file__).parents[1] / "data" / "piper" / "toy.onnx"


@pytest.mark.parametrize("make", [None, "voice.onnx"])
def test_a_missing_voice_is_coded(tmp_path: Path, make: str | None) -> None:
    path = tmp_path / make if make else None
    if path:
        path.write_bytes(b"onnx")  # but no .onnx.json
    with pytest.raises(PromptError) as caught:
        PiperSynthesizer(path).speak("Xin chào.")
    assert caught.value.code == "piper-voice"
    assert "ASSISTANT_VOICE__PIPER_VOICE" in caught.value.hint


def test_a_missing_package_is_coded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("voice.onnx", "voice.onnx.json"):
        (tmp_path / name).write_bytes(b"{}")
    monkeypatch.setitem(sys.modules, "piper", None)
    with pytest.raises(DependencyError) as caught:
        PiperSynthesizer(tmp_path / "voice.onnx").speak("Xin chào.")
    assert caught.value.code == "piper-missing"
    assert "[piper]" in caught.value.hint


def test_settings_change_with_the_voice_file(tmp_path: Path) -> None:
    settings = set()
    for number in range(2):
        path = tmp_path / str(number) / "voice.onnx"
        path.parent.mkdir()
        path.write_bytes(bytes([number]))
        Path(f"{path}.json").write_text("{}")
        settings.add(PiperSynthesizer(path).settings)
    assert len(settings) == 2


@pytest.mark.full
def test_piper_itself_speaks_with_a_toy_voice(tmp_path: Path) -> None:
    pytest.importorskip("piper")
    samples, rate = PiperSynthesizer(TOY).speak("ba")
    assert rate == 22_050
    assert samples.dtype == np.float32
    # "b" is id 4: 400 Hz, after the begin mark and a pad of 0.1 s each.
    letter = samples[4_410:6_615] * np.hanning(2_205)
    assert np.argmax(np.abs(np.fft.rfft(letter, rate))) == pytest.approx(400, abs=5)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    (tmp_path / "broken.onnx.json").write_bytes(Path(f"{TOY}.json").read_bytes())
    with pytest.raises(PromptError) as caught:
        PiperSynthesizer(broken).speak("ba")
    assert caught.value.code == "piper-voice"
