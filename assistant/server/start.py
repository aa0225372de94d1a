"""From an exchange to a running server."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from assistant.channels.records import Records
from assistant.channels.switchboard import Exchange, Switchboard, Watcher
from assistant.server import tracing
from assistant.server.app import House
from assistant.server.door import open_door, read_secret
from assistant.server.journal import Journal, set_up_logging
from assistant.server.metrics import Metrics
from assistant.server.probe import Probe, Trouble
from assistant.server.run import run
from assistant.settings import Settings

Addresses = dict[str, str | None]


def serve(
    settings: Settings,
    exchange: Exchange,
    trouble: Trouble,
    refusals: Callable[[], Mapping[str, int]],
    ready: Callable[[Addresses], None],
) -> None:
    """Serve until a signal. ``trouble`` says what is wrong with the accounts (it may block),
    ``ready`` is told the addresses."""
    door = open_door(settings.serve, settings.telephone)
    twilio_file = settings.telephone.twilio_token_file
    twilio = read_secret(twilio_file) if twilio_file else None
    set_up_logging(settings.serve.log_json)
    metrics = Metrics(refusals)
    records = Records(settings.serve.calls, settings.serve.calls_days)
    watchers: list[Watcher] = [metrics, Journal(records)]
    if tracing.wanted():
        watchers.append(tracing.Spans(tracing.exporting()))
    board = Switchboard(exchange, settings.live, settings.turns.frame, watchers)
    metrics.watch(board)

    def tell(url: str, audiosocket: str | None) -> None:
        token = f"?token={door.token}"
        operator = f"{url}operator{token}"
        ready({"url": url, "open": url + token, "operator": operator, "audiosocket": audiosocket})

    accounts = Probe(trouble, settings.serve)
    house = House(
        settings, board, door, twilio, accounts=accounts, metrics=metrics, records=records
    )
    run(house, tell)
