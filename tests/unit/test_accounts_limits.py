"""The decision, by a table and by properties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.limits import Facts, Reason, Verdict, decide
from assistant.settings import Security

CASES = yaml.safe_load(
    (Path(__file__).parent.parent / "data" / "accounts_limits.yaml").read_text(encoding="utf-8")
)
ZERO: dict[str, Any] = {
    "matches": False,
    "attempts_in_call": 0,
    "failures_of_phone": 0,
    "resets_of_account": 0,
    "failures_on_code": 0,
    "alerted": False,
}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_table(case: dict[str, Any]) -> None:
    verdict = decide(Facts(**(ZERO | case["facts"])), Security())
    assert verdict == Verdict(Reason(case["reason"]), case.get("alert", False))


@given(
    st.builds(
        Facts,
        matches=st.booleans(),
        attempts_in_call=st.integers(0, 9),
        failures_of_phone=st.integers(0, 9),
        resets_of_account=st.integers(0, 9),
        failures_on_code=st.integers(0, 9),
        alerted=st.booleans(),
    )
)
def test_granted_only_within_every_limit(facts: Facts) -> None:
    within = facts.attempts_in_call < 3 and facts.failures_of_phone < 5
    within = within and facts.resets_of_account < 3
    verdict = decide(facts, Security())
    assert verdict.granted == (facts.matches and within)
    assert not (verdict.granted and verdict.alert)
