"""``python -m assistant.asr.probe FOLDER``: does this model load and decode? Exit code 0: yes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from assistant.asr.engines import load_model
from assistant.asr.types import EndReason
from assistant.errors import AssistantError

_SEED = 1


def main(path: Path) -> int:
    try:
        model = load_model(path)
        noise = np.random.default_rng(_SEED).standard_normal(model.rate) * 300
        recognizer = model.recognizer()
        for phrases in (None, ("không một", "hai")):
            recognizer.begin(phrases, model.rate)
            recognizer.feed(noise.astype("<i2").tobytes())
            recognizer.end(EndReason.INTERRUPTED)
    except AssistantError:
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
