"""Stores that kill their process right after a write, where CRASH_AT says so: before the worker can tell the server.

Or that begin no write before there is the file that WRITES_WAIT_FOR names.

Imported by a module of jobs, and so executed once, while that is executed for every run.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from terse_temporal.engine.state.store import TemporalStore
from terse_temporal.state.sql import SQLStore


def _crashing(write: Callable[..., Awaitable[Any]], point: str) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(write)
    async def written(*args: Any, **kwargs: Any) -> Any:
        file = os.environ.get("WRITES_WAIT_FOR")
        while file and not Path(file).exists():  # noqa: ASYNC110, ASYNC240  a file, as the test is another process
            await asyncio.sleep(0.02)
        result = await write(*args, **kwargs)
        if os.environ.get("CRASH_AT") == point:
            signal.raise_signal(signal.SIGKILL)
        return result

    return written


for store in (TemporalStore, SQLStore):
    for name in ("set", "update", "delete"):
        setattr(store, name, _crashing(getattr(store, name), f"state.{name}: committed"))
