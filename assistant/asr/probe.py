"""``python -m assistant.asr.probe FOLDER``: does this model load and hear? Exit code 0: yes.

What ends this process by a signal or an exception fails too: that is what it is for.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from assistant.asr.engines import Model, load_model
from assistant.asr.folder import VOSK
from assistant.asr.types import EndReason
from assistant.audio import read_audio, resample
from assistant.errors import AssistantError
from assistant.settings import AudioLimits, packaged

_SEED = 1
_WORDS = "graph/words.txt"


def main(path: Path) -> int:
    try:
        model = load_model(path)
        if (path / _WORDS).is_file():  # Vosk takes any bytes, and what it hears is read as UTF-8
            (path / _WORDS).read_text(encoding="utf-8")
        noise = np.random.default_rng(_SEED).standard_normal(model.rate) * 300
        sounds = noise.astype("<i2").tobytes(), _digits(model.rate)
        heard = [
            _hear(model, phrases, pcm) for phrases in (None, ("không một", "hai")) for pcm in sounds
        ]
    except (AssistantError, UnicodeDecodeError):
        return 1
    deaf = model.folder.engine == VOSK and sounds[1] and not any(heard)
    return 1 if deaf else 0


def _hear(model: Model, phrases: tuple[str, ...] | None, pcm: bytes) -> str:
    recognizer = model.recognizer()
    recognizer.begin(phrases, model.rate)
    recognizer.feed(pcm)
    return recognizer.end(EndReason.INTERRUPTED).text


def _digits(rate: int) -> bytes:
    """The ten digits in the voice of our own prompts; nothing where they are not installed."""
    files = sorted((packaged("audio_prompts") / "clips").glob("digit_?.flac"))
    spoken = (read_audio(file, AudioLimits()).audio for file in files)
    pause = bytes(rate)  # half a second
    return b"".join(resample(one.pcm, one.rate, rate) + pause for one in spoken)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
