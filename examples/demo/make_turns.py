"""Speak the demo caller's turns: ``.venv/bin/python examples/demo/make_turns.py [FOLDER]``.

The caller is espeak-ng in a voice that the recognizer's training never heard (a variant of
``KEPT_OUT``), because recordings of people cannot be shipped. Everything said is invented. The
turns are written as a telephone carries them: 8 kHz, mono, over a quiet hiss, not digital zeros.
Needs the extra ``voice``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from assistant.audio import write_wav
from assistant.training.synthesis import KEPT_OUT
from assistant.tts.espeak import synthesize

HERE = Path(__file__).parent
RATE = 8_000  # Hz
MARGIN = 0.4  # s of line before the first word and after the last
PEAK = 0.4  # of full scale
HISS = 10 ** (-62 / 20)  # of full scale, RMS
SEED = 8


@dataclass(frozen=True, slots=True)
class Caller:
    """A way of speaking. ``pause``: s between the groups of a turn."""

    voice: str = "vi"
    variant: str = "m4"
    rate_wpm: int = 150
    pitch: int = 50
    pause: float = 0.9


# One file a turn: groups of words, with a pause between them. The code is 7931 025 846.
TURNS = {
    "1-cap-lai-mat-khau": ("tôi muốn cấp lại mật khẩu",),
    "2-ma-so": ("bảy chín ba một", "không hai năm", "tám bốn sáu"),
    "3-dung-roi": ("đúng rồi",),
    "4-ghi-xong-roi": ("ghi xong rồi",),
    "5-khong-cam-on": ("không, cảm ơn",),
}


def speak(groups: tuple[str, ...], caller: Caller, hiss: np.random.Generator) -> bytes:
    """A turn as 16-bit mono PCM at ``RATE``."""
    if caller.variant not in KEPT_OUT:
        raise ValueError(f"{caller.variant} has trained the model")
    pause = np.zeros(round(caller.pause * RATE))
    margin = np.zeros(round(MARGIN * RATE))
    parts: list[npt.NDArray[np.float64]] = [margin]
    for group in groups:
        spoken = _group(group, caller)
        parts += [spoken, pause]
    line = np.concatenate([*parts[:-1], margin])
    line += hiss.normal(0.0, HISS, len(line))
    pcm: bytes = np.round(np.clip(line, -1, 1) * 32767).astype("<i2").tobytes()
    return pcm


def _group(text: str, caller: Caller) -> npt.NDArray[np.float64]:
    samples, rate = synthesize(
        text, caller.voice, caller.rate_wpm, caller.pitch, variant=caller.variant
    )
    spoken = soxr.resample(samples / 32768, rate, RATE)
    loud = np.flatnonzero(np.abs(spoken) > 0.01)
    spoken = spoken[loud[0] : loud[-1] + 1]
    peak: npt.NDArray[np.float64] = spoken * (PEAK / np.abs(spoken).max())
    return peak


def main(folder: Path, caller: Caller) -> None:
    """Write every turn into ``folder``."""
    hiss = np.random.default_rng(SEED)
    for name, groups in TURNS.items():
        write_wav(folder / f"{name}.wav", speak(groups, caller, hiss), RATE)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE, Caller())
