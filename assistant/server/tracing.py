"""Calls as OpenTelemetry spans: one a call, one a turn, one for each stage that took time.

On when the usual variable OTEL_EXPORTER_OTLP_ENDPOINT names a collector; needs the extra
``otel``. Attributes name channels, states and outcomes, never what was said.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from assistant.call import Turn
from assistant.channels.live import LiveCall

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer, TracerProvider

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SERVICE = "vssid-voice-assistant"
_STAGES = ("decode", "understand", "dialogue", "render")  # one after the other
_NS = 1_000_000_000


def wanted() -> bool:
    return any(os.environ.get(name) for name in _ENDPOINTS)


def exporting() -> TracerProvider:
    """A provider that sends to the collector. Raises ImportError without the extra."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider as Provider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    made = Provider(resource=Resource.create({"service.name": _SERVICE}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    provider: TracerProvider = made  # of no known type where only the API is installed
    return provider


class Spans:
    """Turns finished calls into spans (see ``switchboard.Watcher``)."""

    def __init__(self, provider: TracerProvider, clock: Callable[[], int] = time.time_ns) -> None:
        self._tracer: Tracer = provider.get_tracer(_SERVICE)
        self._clock = clock
        self._began: dict[LiveCall, int] = {}

    def began(self, live: LiveCall) -> None:
        self._began[live] = self._clock()

    def ended(self, live: LiveCall) -> None:
        from opentelemetry import trace

        call, start = live.call, self._began.pop(live)
        span = self._tracer.start_span("call", start_time=start)
        span.set_attribute("call.id", call.call_id)
        span.set_attribute("call.channel", live.line.channel)
        span.set_attribute("call.outcome", call.ended.value if call.ended else "none")
        span.set_attribute("call.resets", call.resets)
        inside = trace.set_span_in_context(span)
        for turn in call.turns:
            self._turn(turn, start, inside)
        span.end(start + round(call.now * _NS))

    def _turn(self, turn: Turn, start: int, inside: Context) -> None:
        from opentelemetry import trace

        begun = start + round(turn.asked * _NS)
        ended = begun if turn.ended is None else start + round(turn.ended * _NS)
        span = self._tracer.start_span("turn", inside, start_time=begun)
        span.set_attribute("turn.expect", turn.expect.value if turn.expect else "none")
        span.set_attribute("turn.end", turn.end_reason.value if turn.end_reason else "none")
        within, at = trace.set_span_in_context(span), ended
        timings = turn.timings.as_dict()
        for stage in _STAGES:
            took = timings[stage]
            if took is not None:
                one = self._tracer.start_span(stage, within, start_time=at)
                at += round(took * _NS / 1_000)
                one.end(at)
        span.end(max(at, ended))
