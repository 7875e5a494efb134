"""Waiting for what happens elsewhere and tells nobody: by asking again, never for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable

import pytest

__all__ = ["SOON", "until", "until_logged"]

#: Seconds for what takes a fraction of one on a quiet machine, and has taken forty on a busy one.
SOON = 100.0


async def until(condition: Callable[[], object], what: str) -> None:
    """Ask until the answer, which may have to be awaited, is true."""
    deadline = time.monotonic() + SOON
    while True:
        answer = condition()
        if await answer if isawaitable(answer) else answer:
            return
        assert time.monotonic() < deadline, f"not within {SOON:g} s: {what}"
        await asyncio.sleep(0.02)


async def until_logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Wait until a line of the log has a text in it."""
    await until(lambda: text in caplog.text, f"{text!r} in the log")
