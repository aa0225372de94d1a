"""``assistant batch init``: a folder with scenarios to change, and the schema for the editor."""

from __future__ import annotations

import json
from pathlib import Path

from assistant.batch.scenario import json_schema
from assistant.errors import UsageError

DATA = Path(__file__).resolve().parent / "data"
_SCHEMA, _SCENARIOS = "scenario.schema.json", "mau.scenario.yaml"


def write_starter(folder: Path) -> list[Path]:
    """Write the starter set; UsageError ``batch-init-exists`` when it would overwrite."""
    schema, scenarios = folder / _SCHEMA, folder / _SCENARIOS
    if scenarios.exists():
        raise UsageError(
            "batch-init-exists", f"{scenarios} đã có.", "Chọn thư mục khác; không ghi đè tệp nào."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        schema.write_text(json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n", "utf-8")
        scenarios.write_text((DATA / "starter.scenario.yaml").read_text("utf-8"), "utf-8")
    except OSError as error:
        raise UsageError(
            "batch-write", f"Không ghi được {folder}: {error.strerror}.", "Chọn chỗ khác."
        ) from None
    return [scenarios, schema]
