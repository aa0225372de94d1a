"""pytest collects ``*.scenario.yaml`` (or ``.yml``): every scenario is a test of a team's suite.

Installed with the package (entry point ``pytest11``). A scenario's tags are marks (``-m TAG``) and
work with ``-k``; a known failure is an expected one (xfail), so that one which heals shows up as
XPASS. A scenario has the verdict that ``assistant batch run`` gives it.

A folder of recordings with ``labels.csv`` is a set of tests too, but only where it was asked for,
since many a project has files of that name: ``labels.csv`` itself or its folder is named on the
command line or in ``testpaths``, or lies below a folder that the ini option ``scenario_labels``
lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from assistant.batch.pool import Pool
    from assistant.batch.scenario_files import Entry

_SUFFIXES = (".scenario.yaml", ".scenario.yml")
_LABELS = "labels.csv"
_LABELLED = "scenario_labels"
_POOL = pytest.StashKey["Pool"]()
_MARKED = pytest.StashKey[set[str]]()

# What -m can name; and marks that do something, which a tag must not.
_MARK = re.compile(r"(?!_)[\w:+./-]+")
_DOING = {
    *("parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings"),
    *("tryfirst", "trylast", "timeout"),
}


class ScenarioFailed(Exception):
    """Expectations that were not met. ``failures``: as a run's records hold them."""

    def __init__(self, failures: list[dict[str, Any]]) -> None:
        super().__init__("scenario failed")
        self.failures = failures


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        _LABELLED,
        "Thư mục có labels.csv bên dưới mà các bản ghi cũng là kịch bản "
        "(folders whose labels.csv are collected as scenarios).",
        type="paths",
        default=[],
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    labels = file_path.name == _LABELS and _asked_for(file_path, parent.config)
    if labels or file_path.name.endswith(_SUFFIXES):
        collector: pytest.Collector = ScenarioCollector.from_parent(parent, path=file_path)
        return collector
    return None


def _asked_for(labels: Path, config: pytest.Config) -> bool:
    """Whether somebody meant this ``labels.csv``, and not only a folder high above it."""
    if any(labels.is_relative_to(folder) for folder in config.getini(_LABELLED)):
        return True
    if config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR:
        return False  # nothing was named
    start = config.invocation_params.dir
    named = {(start / argument.partition("::")[0]).resolve() for argument in config.args}
    return bool({labels.resolve(), labels.parent.resolve()} & named)


def pytest_unconfigure(config: pytest.Config) -> None:
    pool = config.stash.get(_POOL, None)
    if pool is not None:
        pool.close()


class ScenarioCollector(pytest.File):
    """One scenario file, or the recordings of one ``labels.csv``."""

    def collect(self) -> Iterable[ScenarioItem]:
        from assistant.batch.scenario_files import read_entries
        from assistant.errors import AssistantError

        try:
            for entry in read_entries(str(self.path)):
                name = entry.scenario.name if entry.scenario else entry.id
                name = name.removeprefix(f"{entry.base}/")
                yield ScenarioItem.from_parent(self, name=name, entry=entry)
        except AssistantError as error:
            raise self.CollectError(str(error)) from None


class ScenarioItem(pytest.Item):
    """One scenario, played in a worker process: what hangs or dies is one failed test."""

    def __init__(self, *, entry: Entry, **rest: Any) -> None:
        super().__init__(**rest)
        self.entry = entry
        self.extra_keyword_matches.update(entry.tags)
        for tag in entry.tags:
            self._mark(tag)
        known = entry.scenario.known_failure if entry.scenario else None
        if known:
            self.add_marker(pytest.mark.xfail(reason=known, raises=ScenarioFailed, strict=False))

    def _mark(self, tag: str) -> None:
        """A tag as a mark, registered when it is first seen: --strict-markers knows it."""
        if tag in _DOING or not _MARK.fullmatch(tag):
            return
        marked = self.config.stash.setdefault(_MARKED, set())
        if tag not in marked:
            marked.add(tag)
            self.config.addinivalue_line("markers", f"{tag}: nhãn của kịch bản (a scenario's tag)")
        self.add_marker(tag)

    def runtest(self) -> None:
        from assistant.batch.work import Job

        (done,) = _pool(self.config).run([Job(0, self.entry, seed=0)])
        if done.record["failures"]:
            raise ScenarioFailed(done.record["failures"])

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        from assistant.batch.checking import sentence

        if not isinstance(excinfo.value, ScenarioFailed):
            return super().repr_failure(excinfo, style)
        told = [f"  {sentence(one)}" for one in excinfo.value.failures]
        return "\n".join([f"{self.entry.source}: {self.name}", *told])

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
