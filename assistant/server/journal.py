"""The log of live calls, as JSON lines with a call id, and their records for operators."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from assistant.channels.live import LiveCall
from assistant.channels.records import Records, record_of

log = logging.getLogger("assistant.calls")
# They warn of every packet that they cannot read, with its bytes: anybody could fill the log.
_OF_PACKETS = ("aiortp", "aiosipua")


class JsonLines(logging.Formatter):
    """One JSON object a line; ``extra={"fields": {…}}`` adds to it."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        line["message"] = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__  # never its message, nor its frames
        return json.dumps(line | getattr(record, "fields", {}), ensure_ascii=False)


def set_up_logging(as_json: bool) -> None:
    """Everything to standard error; libraries only from warnings up, or errors."""
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(JsonLines() if as_json else text)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("assistant").setLevel(logging.INFO)
    for name in _OF_PACKETS:
        logging.getLogger(name).setLevel(logging.ERROR)


class Journal:
    """Writes down every call (see ``switchboard.Watcher``)."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._began: dict[LiveCall, datetime] = {}

    def began(self, live: LiveCall) -> None:
        self._began[live] = datetime.now(UTC)
        fields = {"call": live.call.call_id, "channel": live.line.channel}
        log.info("call-began %s", live.call.call_id, extra={"fields": fields})

    def ended(self, live: LiveCall) -> None:
        call = live.call
        record = record_of(call, live.line.channel, self._began.pop(live))
        named = ("call", "channel", "seconds", "ended", "resets", "barged_in")
        fields = {name: record[name] for name in named} | {"turns": len(call.turns)}
        log.info("call-ended %s %s", call.call_id, record["ended"], extra={"fields": fields})
        try:
            self._records.keep(record)
        except OSError as error:
            log.error("record-lost %s: %s", call.call_id, error.strerror)
