"""Prometheus figures of live calls. Labels name channels, outcomes and stages, never people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from assistant.call import Turn
from assistant.channels.live import LiveCall
from assistant.channels.switchboard import Switchboard

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_REPLY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5)
_CALL_BUCKETS = (5, 15, 30, 45, 60, 90, 120, 180, 300, 600, 900)
_STAGES = ("decode", "understand", "dialogue", "account", "render")
_BARGES = {"prompt_paused": "paused", "prompt_stopped": "stopped", "prompt_resumed": "resumed"}
_OUTCOMES = {"ResetDone": "reset", "Refused": "refused", "Failed": "failed"}


class Metrics:
    """Counts the calls of a switchboard (see ``switchboard.Watcher``)."""

    def __init__(self, refusals: Callable[[], Mapping[str, int]]) -> None:
        self.registry = CollectorRegistry()
        self._began = self._counter("calls_begun", "calls that were answered", "channel")
        self._ended = self._counter("calls", "calls by how they ended", "channel", "outcome")
        self._seconds = self._histogram("call_seconds", "length", _CALL_BUCKETS, "channel")
        self._attempts = self._counter("verifications", "by their outcome", "outcome")
        self._stages = self._histogram("stage_seconds", "of a turn", _REPLY_BUCKETS, "stage")
        after = "from the end-of-turn decision to the first sample of the reply"
        self._replies = self._histogram("reply_seconds", after, _REPLY_BUCKETS)
        self._turns = self._counter("turns", "turns of callers", "expect", "end")
        self._barges = self._counter("barge_ins", "voices and keys over a prompt", "what")
        self._frames = self._counter("line_frames", "that a line missed or piled up", "what")
        self._refusals = refusals

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"assistant_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        name = f"assistant_{name}"
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def watch(self, board: Switchboard) -> None:
        self.registry.register(_Now(board, self._refusals))

    def began(self, live: LiveCall) -> None:
        self._began.labels(live.line.channel).inc()

    def ended(self, live: LiveCall) -> None:
        call, channel = live.call, live.line.channel
        self._ended.labels(channel, call.ended.value if call.ended else "none").inc()
        self._seconds.labels(channel).observe(call.now)
        self._frames.labels("missed").inc(live.jitter.missed)
        self._frames.labels("dropped").inc(live.jitter.dropped)
        for note in call.notes:
            if note.what in _BARGES:
                self._barges.labels(_BARGES[note.what]).inc()
        for turn in call.turns:
            self._turn(turn)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _turn(self, turn: Turn) -> None:
        timings = turn.timings.as_dict()
        for stage in _STAGES:
            took = timings[stage]
            if took is not None:
                self._stages.labels(stage).observe(took / 1000)
        if turn.event in _OUTCOMES:
            self._attempts.labels(_OUTCOMES[turn.event]).inc()
        if turn.end_reason is not None and turn.expect is not None:
            self._turns.labels(turn.expect.value, turn.end_reason.value).inc()
            self._replies.observe(turn.timings.computing / 1000)


class _Now:
    """What is read at the moment of asking."""

    def __init__(self, board: Switchboard, refusals: Callable[[], Mapping[str, int]]) -> None:
        self._board, self._refusals = board, refusals

    def collect(self) -> Iterator[Metric]:
        running = GaugeMetricFamily("assistant_calls_running", "calls being served now")
        running.add_metric([], self._board.running)
        yield running
        late = GaugeMetricFamily(
            "assistant_clock_late_seconds", "worst lateness of a clock since the last look"
        )
        late.add_metric([], self._board.late)
        yield late
        reasons = CounterMetricFamily(
            "assistant_refusals", "refused verifications by reason", labels=["reason"]
        )
        for reason, count in self._refusals().items():
            reasons.add_metric([reason], count)
        yield reasons
