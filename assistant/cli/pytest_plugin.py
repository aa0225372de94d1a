"""pytest collects ``*.scenario.yaml``: every scenario is a test of a team's own suite.

Installed with the package (entry point ``pytest11``). A scenario's tags work with ``-k``; a
known failure is an expected one (xfail), so that one which heals shows up as XPASS."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from assistant.batch.pool import Pool
    from assistant.batch.scenario_files import Entry

_SUFFIX = ".scenario.yaml"
_POOL = pytest.StashKey["Pool"]()


class ScenarioFailed(Exception):
    """Expectations that were not met. ``failures``: as a run's records hold them."""

    def __init__(self, failures: list[dict[str, Any]]) -> None:
        super().__init__("scenario failed")
        self.failures = failures


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name.endswith(_SUFFIX):
        collector: pytest.Collector = ScenarioCollector.from_parent(parent, path=file_path)
        return collector
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    pool = config.stash.get(_POOL, None)
    if pool is not None:
        pool.close()


_DRAWS = 2  # ears are statistical: a scenario fails when it fails with two draws of its chances


class ScenarioCollector(pytest.File):
    """One scenario file."""

    def collect(self) -> Iterable[ScenarioItem]:
        from assistant.batch.scenario_files import read_entries
        from assistant.errors import AssistantError

        try:
            entries = list(read_entries(str(self.path)))
        except AssistantError as error:
            raise self.CollectError(str(error)) from None
        for entry in entries:
            name = entry.id.partition("/")[2]
            yield ScenarioItem.from_parent(self, name=name, entry=entry)


class ScenarioItem(pytest.Item):
    """One scenario, played in a worker process: what hangs or dies is one failed test."""

    def __init__(self, *, entry: Entry, **rest: Any) -> None:
        super().__init__(**rest)
        self.entry = entry
        self.extra_keyword_matches.update(entry.tags)
        known = entry.scenario.known_failure if entry.scenario else None
        if known:
            self.add_marker(pytest.mark.xfail(reason=known, raises=ScenarioFailed, strict=False))

    def runtest(self) -> None:
        from assistant.batch.work import Job

        pool = _pool(self.config)
        for draw in range(_DRAWS):
            (done,) = pool.run([Job(0, self.entry, seed=draw)])
            if not done.record["failures"]:
                return
        raise ScenarioFailed(done.record["failures"])

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if not isinstance(excinfo.value, ScenarioFailed):
            return super().repr_failure(excinfo, style)
        lines = [f"{self.entry.source}: {self.name}"]
        for one in excinfo.value.failures:
            place = "" if one["turn"] is None else f"turn {one['turn'] + 1}, "
            lines.append(f"  {place}{one['what']}: expected {one['expected']}, got {one['got']}")
        return "\n".join(lines)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"scenario: {self.name}"


def _pool(config: pytest.Config) -> Pool:
    """The one worker of this session; its model is loaded once."""
    from assistant.batch.pool import Pool
    from assistant.cli.wiring import open_stage
    from assistant.settings import load_settings

    if _POOL not in config.stash:
        make_stage = partial(open_stage, load_settings())
        config.stash[_POOL] = Pool(make_stage, workers=1, keep_audio="none", patience=100.0)
    return config.stash[_POOL]
