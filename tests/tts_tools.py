"""What the tests of the voice share: a tiny prompts folder and a voice that plays tones."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from assistant.tts.synthesizers import Cast

Samples = npt.NDArray[np.float32]
DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
SENTENCES = {"greeting": "Xin chào.", "goodbye": "Cảm ơn, xin chào."}


def write_prompts(folder: Path, sentences: dict[str, str] | None = None) -> None:
    """A catalogue of ``sentences`` and the ten digits."""
    texts = {**(SENTENCES if sentences is None else sentences)}
    texts |= {f"digit_{digit}": word for digit, word in enumerate(DIGITS)}
    folder.mkdir(parents=True, exist_ok=True)
    data = {"prompts": {key: {"text": text} for key, text in texts.items()}}
    (folder / "prompts.yaml").write_text(
        yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8"
    )


def voiced(seconds: float, rate: int, pitch: float, seed: int = 0) -> Samples:
    """Something like a vowel: harmonics of ``pitch`` Hz under a rounded envelope, with silence
    of 0.1 s on both sides."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    count = int(min(3_500, rate / 2.5) / pitch)
    tone = np.zeros(len(time))
    for number in range(1, count):
        level = rng.uniform(0.3, 1) / number
        tone += level * np.sin(2 * np.pi * (number * pitch * time + rng.uniform()))
    envelope = np.minimum(1, np.minimum(time, time[::-1]) / 0.03)
    sound = 0.2 * tone * envelope / np.abs(tone).max()
    return np.pad(sound, int(0.1 * rate)).astype(np.float32)


@dataclass
class ToneVoice:
    """A synthesizer of the tests: each text has its own pitch; counts what it was asked."""

    settings: str = "tone=1"
    name: str = "tone"
    rate: int = 22_050
    asked: list[str] = field(default_factory=list)
    fail_on: str | None = None

    def speak(self, text: str) -> tuple[Samples, int]:
        if text == self.fail_on:
            raise RuntimeError("the engine broke")
        self.asked.append(text)
        seed = sum(text.encode())
        return voiced(0.3 + 0.05 * len(text), self.rate, 100 + seed % 97, seed), self.rate

    @property
    def cast(self) -> Cast:
        return Cast(self, self)
