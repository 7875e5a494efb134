"""A memo is anybody's writing: what is no part of a question is left out, and the page shows the rest."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal.gateway.pages.question_page import question_page
from terse_temporal.inputs.questions import InputQuestion, read_question


def _read(**wire: Any) -> InputQuestion | None:
    return read_question(wire, id="a", number="1")


@pytest.mark.parametrize(
    "time", ["", "soon", 1, None, "2026-11-27T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_no_time(time: Any) -> None:
    """Nor one that is before or after all others in UTC."""
    question = _read(prompt="?", since=time, until=time)
    assert question is not None
    assert (question.since, question.until) == (None, None)


@pytest.mark.parametrize("other", [None, 1, "x", [1, [2], None], {"a": {"b": [1]}}, [{"id": 1}, {"label": "x"}]])
def test_parts_that_are_something_else(other: Any) -> None:
    names = ("options", "details", "respond_by", "on_timeout", "via", "run", "fields", "arguments", "because")
    question = _read(prompt="Ship it?", **dict.fromkeys(names, other))
    assert question is not None
    assert (question.options, question.on_timeout) == ((), other if other == "x" else None)
    assert "Ship it?" in question_page(question, csrf="c")
