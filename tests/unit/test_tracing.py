"""A call as spans: whole, in order, and without a word of what was said."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.channels.live import LiveCall
from assistant.dialogue.types import Ask, Reply, Say
from assistant.nlu.types import Expect
from assistant.server.tracing import Spans
from tests.call_tools import silence, spoken
from tests.live_tools import BYE, live_call

pytestmark = pytest.mark.full
START = 1_700_000_000_000_000_000


def spans_of(live: LiveCall, run: Any) -> list[Any]:
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra `otel`")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    watcher = Spans(provider, lambda: START)
    watcher.began(live)
    run()
    watcher.ended(live)
    return list(kept.get_finished_spans())


def test_a_call_is_a_tree_of_spans() -> None:
    hello = Reply((Say("greeting"),))
    live = live_call(Ask(hello, Expect.MENU), Ask(hello, Expect.CODE), BYE)

    def run() -> None:
        for frame in [*silence(1.2), *spoken("tôi quên"), *silence(2)]:
            live.hear(frame)
            live.tick()
        live.press("9123456780#")
        for _ in range(100):
            live.tick()

    spans = spans_of(live, run)
    call = next(span for span in spans if span.name == "call")
    turns = [span for span in spans if span.name == "turn"]
    assert call.start_time == START
    assert call.end_time - START == pytest.approx(live.call.now * 1e9, abs=1e6)
    assert dict(call.attributes)["call.outcome"] == "done"
    assert len(turns) == 3
    assert all(turn.parent.span_id == call.context.span_id for turn in turns)
    stages = [span.name for span in spans if span.name not in ("call", "turn")]
    assert {"decode", "understand", "dialogue", "render"} <= set(stages)
    told = str([dict(span.attributes) for span in spans])
    assert "quên" not in told
    assert "912" not in told
