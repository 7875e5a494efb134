"""The log has a line a delivery, whatever its sender calls it, and no more lines of refusals than can be read."""

from __future__ import annotations

import logging

import pytest

from terse_temporal.gateway.delivery_log import DeliveryLog
from terse_temporal.gateway.refusals import Refusal

_REFUSED = Refusal(401, "signature_invalid", "It is not.")


@pytest.fixture(autouse=True)
def _shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "terse_temporal.gateway")


def test_a_line_says_who_sent_what_and_how_it_was_answered(caplog: pytest.LogCaptureFixture) -> None:
    log = DeliveryLog()
    log.taken("stripe", "evt_1", "invoice.paid", "runs: 1", 0.0042)
    log.refused("github", Refusal(422, "event_does_not_fit", "", about="d-1 push"), 0.01)
    log.refused("github", Refusal(503, "spool_full", "", why="the disk is full: make room"), 0.01)
    assert caplog.messages == [
        "stripe evt_1 invoice.paid: 200, runs: 1, 4 ms",
        "github d-1 push: 422, event_does_not_fit, 10 ms",
        "github: 503, spool_full (the disk is full: make room), 10 ms",
    ]


def test_what_others_have_named_stays_in_one_line_of_bounded_length(caplog: pytest.LogCaptureFixture) -> None:
    log = DeliveryLog()
    log.taken("github", "a\r\n12:00:00  stripe evt_2", "\x1b[2J" + "k" * 10_000, "runs: 0", 0.0)
    log.refused("x\n" * 1000, _REFUSED, 0.0)
    for message in caplog.messages:
        assert message.isprintable()
        assert len(message) < 500


def test_a_flood_of_refusals_is_a_few_lines_and_a_number(caplog: pytest.LogCaptureFixture) -> None:
    now = 10.0
    log = DeliveryLog(clock=lambda: now)
    for _ in range(1000):
        log.refused("stripe", _REFUSED, 0.0)
    assert len(caplog.messages) == 10
    now = 11.0
    log.refused("stripe", _REFUSED, 0.0)
    assert caplog.messages[10:] == [
        "990 more were refused in the second of the last line above",
        "stripe: 401, signature_invalid, 0 ms",
    ]


def test_a_wrong_secret_is_told_once_for_each_variable(caplog: pytest.LogCaptureFixture) -> None:
    log = DeliveryLog()
    for what, variable in (("stripe", "A_SECRET"), ("stripe", "A_SECRET"), ("lead", "B_SECRET"), ("open", None)):
        log.refused(what, _REFUSED, 0.0, variable)
    log.refused("stripe", Refusal(401, "timestamp_stale", ""), 0.0, "C_SECRET")
    told = [[name for name in ("A_SECRET", "B_SECRET", "C_SECRET") if name in each] for each in caplog.messages]
    assert told == [["A_SECRET"], [], ["B_SECRET"], [], []]
