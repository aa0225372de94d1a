"""Settings of every test."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from assistant.cli.pytest_plugin import ScenarioItem

# How long an example takes depends on what else the machine does: that is no test.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A few scenarios that pass on any model are part of `make test`, all others of the full
    tests."""
    for item in items:
        if isinstance(item, ScenarioItem) and "quick" not in item.entry.tags:
            item.add_marker("full")
