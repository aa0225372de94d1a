"""Piper: neural voices offline, with a voice file the user brings (extra ``piper``)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.errors import DependencyError, PromptError


@dataclass(frozen=True, slots=True)
class PiperSynthesizer:
    """``voice``: an ``.onnx`` voice with its ``.onnx.json`` beside it."""

    voice: Path | None
    name: str = "piper"

    @property
    def settings(self) -> str:
        """Names the voice by its content, so that another file under the same name is seen."""
        path = _voice_file(self.voice)
        return f"voice={path.name} sha256={_digest(path)}"

    def speak(self, text: str) -> tuple[npt.NDArray[np.float32], int]:
        """Raises DependencyError (``piper-missing``) and PromptError (``piper-voice``,
        ``piper-silent``)."""
        chunks = list(_load(_voice_file(self.voice)).synthesize(text))  # one a sentence
        if not chunks:
            raise PromptError(
                "piper-silent",
                "Giọng Piper không đọc được câu này.",
                "Kiểm tra giọng có đúng tiếng Việt không.",
            )
        blocks = [np.asarray(chunk.audio_float_array, dtype=np.float32) for chunk in chunks]
        return np.concatenate(blocks), int(chunks[0].sample_rate)


def _voice_file(path: Path | None) -> Path:
    if path is None or not path.is_file() or not Path(f"{path}.json").is_file():
        raise PromptError(
            "piper-voice",
            "Chưa có giọng Piper (cần tệp .onnx và tệp .onnx.json bên cạnh).",
            "Tải một giọng tiếng Việt của Piper rồi đặt ASSISTANT_VOICE__PIPER_VOICE=/…/vi.onnx.",
        )
    return path


@cache
def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


@cache
def _load(path: Path) -> Any:
    try:
        import onnxruntime.capi.onnxruntime_pybind11_state as onnx
        from piper import PiperVoice
    except ImportError:
        raise DependencyError(
            "piper-missing",
            "Chưa cài bộ đọc Piper.",
            "Cài: pip install 'vssid-voice-assistant[piper]'.",
        ) from None
    # onnxruntime's errors share no base below Exception.
    broken = (onnx.Fail, onnx.InvalidGraph, onnx.InvalidProtobuf, onnx.RuntimeException)
    try:
        return PiperVoice.load(path)
    except (ValueError, KeyError, OSError, *broken):
        raise PromptError(
            "piper-voice",
            f"Tệp giọng {path.name} bị hỏng hoặc không phải giọng Piper.",
            "Tải lại tệp .onnx và tệp .onnx.json của giọng.",
        ) from None
