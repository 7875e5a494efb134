"""A line of a worker's log is one entry, whatever runs, steps, errors and jobs are called and say, without secrets."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from terse_temporal.diagnostics.logs import Block, LineFormatter, log_text, logger_of
from terse_temporal.execution.in_place import write_log

FORGED = "\n12:00:00  step  pay-1 charge done in 3 ms"
SECRET = "hunter2-hunter2"


@pytest.fixture(params=[logging.Formatter, LineFormatter], ids=["of a user", "of the worker"])
def log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a handler writes: one of a user who embeds a worker, and that of `terse-worker`."""
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(request.param("%(asctime)s  %(message)s", "%H:%M:%S"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def entries(text: str) -> int:
    """Lines that look like an entry."""
    return sum(not line.startswith(" ") for line in text.splitlines())


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\r\n", "\x85", "\u2028", "\x0b", "\x0c", "\x1b[2K\x1b[1G", "\u202e"]
)
def test_names_and_errors(log: io.StringIO, character: str) -> None:
    bad = f"pay-1{FORGED}".replace("\n", character)
    logger = logger_of("worker")
    logger.info("step  %s  %s %s", bad, bad, ValueError(f"{bad} {SECRET} \udcff"))
    write_log(f"{bad} {SECRET}")
    written = log.getvalue()
    assert entries(written) == len(written.splitlines()) == 2
    assert written.count(f"pay-1{log_text(character)}12:00:00") == 4
    assert SECRET not in written
    assert not set("\x1b\r\x85\u2028\u202e") & set(written)
    written.encode()


def test_tracebacks_and_blocks(log: io.StringIO) -> None:
    """What has several lines is indented, so that none of them looks like an entry."""
    logger = logger_of("worker")
    try:
        try:
            raise ConnectionError(f"no {SECRET}\x1b]52;c;x\x07{FORGED}")
        except ConnectionError as err:
            raise ValueError(f"x{FORGED}") from err
    except ValueError as err:
        logger.error("step  %s", "failed", exc_info=err)
    logger.error("table: %s", Block(f"a  b\n  c  d{FORGED}"))
    written = log.getvalue()
    assert entries(written) == 2
    assert "  Traceback (most recent call last):\n" in written
    assert "\n  c  d\n  12:00:00" in written
    assert SECRET not in written
    assert "\x1b" not in written


def test_loggers_of_others(log: io.StringIO, request: pytest.FixtureRequest) -> None:
    """In the log of `terse-worker` also what a library or a step logs by itself."""
    if request.node.callspec.params["log"] is logging.Formatter:
        return  # theirs, in a process of theirs
    logging.getLogger("somebody").warning("retrying %s with %s\x1b", f"pay-1{FORGED}", SECRET)
    try:
        raise ValueError(f"{SECRET}{FORGED}")
    except ValueError:
        logging.getLogger("somebody").exception("failed")
    written = log.getvalue()
    assert entries(written) == 2
    assert SECRET not in written
    assert "\x1b" not in written


def test_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is logged, what a job logs is printed in the same way."""
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    monkeypatch.setattr(logging.getLogger("terse_temporal.job"), "disabled", True)
    write_log(f"a{FORGED} {SECRET}")
    assert capsys.readouterr().out == "a\\n12:00:00  step  pay-1 charge done in 3 ms [SHOP_TOKEN]\n"


def test_long_ones() -> None:
    assert len(log_text("x" * 2_000_000)) < 21_000
