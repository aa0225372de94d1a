"""``assistant batch init``: a folder with scenarios to change, recordings with labels, and a schema
for the editor."""

from __future__ import annotations

import json
from pathlib import Path

from assistant.audio import write_wav
from assistant.batch.scenario import json_schema
from assistant.dialogue.types import Reply, SayDigits
from assistant.errors import AudioError, UsageError
from assistant.settings import load_settings
from assistant.tts.renderer import Renderer

DATA = Path(__file__).resolve().parent / "data"
RECORDINGS = {"ma-so.wav": (4, 3, 3), "bon-so.wav": (4,)}  # and how their digits are grouped
_SCHEMA, _SCENARIOS, _LABELS, _SOUND = (
    "scenario.schema.json", "mau.scenario.yaml", "labels.csv", "ghi-am",
)  # fmt: skip
_CODE = "7931025866"  # nobody's; the scenario file and the labels name it, too
_RATE = 8_000  # Hz, a telephone's


def write_starter(folder: Path) -> list[Path]:
    """Write the starter set; UsageError ``batch-init-exists`` when it would overwrite, PromptError
    when there are no digits for the recordings."""
    schema, scenarios, labels = (folder / name for name in (_SCHEMA, _SCENARIOS, _LABELS))
    for path in (scenarios, labels):
        if path.exists():
            raise UsageError(
                "batch-init-exists", f"{path} đã có.", "Chọn thư mục khác; không ghi đè tệp nào."
            )
    shown = json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n"
    sounds = _recordings()
    try:
        (folder / _SOUND).mkdir(parents=True, exist_ok=True)
        schema.write_text(shown, "utf-8")
        scenarios.write_text((DATA / "starter.scenario.yaml").read_text("utf-8"), "utf-8")
        labels.write_text((DATA / "starter.labels.csv").read_text("utf-8"), "utf-8")
        for name, pcm in sounds.items():
            write_wav(folder / _SOUND / name, pcm, _RATE)
    except (OSError, AudioError) as error:
        why = error.strerror if isinstance(error, OSError) else error.message
        raise UsageError(
            "batch-write", f"Không ghi được {folder}: {why}.", "Chọn chỗ khác."
        ) from None
    return [scenarios, labels, *(folder / _SOUND / name for name in sounds), schema]


def _recordings() -> dict[str, bytes]:
    """An invented code said by the voice of the prompts: the only one that is always there."""
    settings = load_settings()
    voice = Renderer.open(settings.prompts, _RATE, settings.voice)
    return {
        name: voice.render(Reply((SayDigits(_CODE[: sum(groups)], groups),))).pcm
        for name, groups in RECORDINGS.items()
    }
