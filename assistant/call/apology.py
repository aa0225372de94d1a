"""When a call cannot go on: what is said, and what is logged."""

from __future__ import annotations

import logging
import traceback

from assistant.dialogue.types import Reply, Say

log = logging.getLogger(__name__)

APOLOGY = Reply((Say("failed"), Say("other_routes"), Say("goodbye")))
BUSY = Reply((Say("busy"), Say("goodbye")))
TOO_LONG = Reply((Say("other_routes"), Say("goodbye")))


def log_failure(call_id: str, error: Exception) -> None:
    """Where and what kind, never the message: it may quote what the caller said."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else "?"
    log.error("call-failed %s: %s at %s", call_id, type(error).__name__, place)
