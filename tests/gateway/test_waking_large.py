"""What a run is given of a large delivery has 1 MiB at most: what its model does not declare goes, or all of it."""

from __future__ import annotations

import logging

import pytest

from terse_temporal import Triggers
from terse_temporal.execution.run_events import MAX_EVENT_BYTES
from terse_temporal.gateway.registered_waits import RegisteredWait, read_waits
from terse_temporal.gateway.waking import _event
from terse_temporal.triggers import PullRequestOpened

from .deliveries import delivery


def wait() -> RegisteredWait:
    entry = {"owner": "o", "run": "r", "number": 1, "n": 1, "at": 1, "since": 1, "key": "k", "match": {}}
    answer = {"v": 1, "waits": [{**entry, "trigger": Triggers.github.on_pr_opened().reference()}]}
    return next(read_waits("registry", answer))


def test_cut_down_to_its_model() -> None:
    """The run reads the same model from it."""
    body = {"action": "opened", "pull_request": {"number": 7, "junk": "x" * MAX_EVENT_BYTES}}
    event = _event(delivery("1", kind="pull_request.opened", body=body), wait())
    assert event is not None
    assert len(event.text) < 1_000
    assert PullRequestOpened.model_validate(event.data).pull_request.number == 7


def test_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """With a line that names it, and has nothing of it."""
    caplog.set_level(logging.WARNING, "terse_temporal.gateway")
    body = {"action": "opened", "pull_request": {"number": 7, "title": "secret" * MAX_EVENT_BYTES}}
    assert _event(delivery("the-id", kind="pull_request.opened", body=body), wait()) is None
    (line,) = caplog.messages
    assert "the delivery the-id of github is not given to runs that wait for" in line
    assert "secret" not in line
