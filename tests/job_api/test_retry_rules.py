"""`retry=None` is as if it were left out, of a step and of a tool, and `Retry.never()` is never."""

from __future__ import annotations

import pytest

from terse_temporal import Retry, toolbox
from terse_temporal.errors import JobDefinitionError
from terse_temporal.execution.protocol import RetryRule
from terse_temporal.execution.retries import next_delay
from terse_temporal.jobs.options import rule_of
from terse_temporal.tools import find_tool, registry


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the tools of a test at its end."""
    monkeypatch.setattr(registry, "_tools", {})


def read(source: str) -> str:
    """Answer nothing: what is asked is how it is tried again."""
    return source


def rule_of_tool(name: str) -> RetryRule:
    rule = find_tool(name).template.retry
    assert rule is not None
    return rule


def test_never() -> None:
    """No failure is tried again, of whatever class."""
    assert Retry.never() == Retry(max_attempts=1)
    rule = rule_of(Retry.never())
    assert rule is not None
    assert next_delay(ConnectionError(), rule, 1, listed=True) is None
    assert next_delay(ConnectionError(), rule_of(Retry()) or rule, 1, listed=True) == 1.0


def test_a_tool() -> None:
    """One that may be called twice is tried again by itself, also with `None`, and not where that says never."""
    toolbox.tool("rules.left_out", read_only=True)(read)
    toolbox.tool("rules.none", read_only=True, retry=None)(read)
    toolbox.tool("rules.never", read_only=True, retry=Retry.never())(read)
    assert rule_of_tool("rules.none") == rule_of_tool("rules.left_out")
    assert next_delay(ConnectionError(), rule_of_tool("rules.none"), 1, listed=False) == 1.0
    assert next_delay(ConnectionError(), rule_of_tool("rules.never"), 1, listed=True) is None


def test_a_step() -> None:
    """One that says nothing has no rule, and `None` says nothing."""
    assert rule_of(None) is None


@pytest.mark.parametrize("wrong", [3, True, "never", Retry])
def test_what_is_no_rule(wrong: object) -> None:
    """It is refused with what there is."""
    with pytest.raises(JobDefinitionError, match=r"Retry\.never\(\), or None"):
        rule_of(wrong)  # type: ignore[arg-type]  # as one without a type checker would
