"""A plain function runs on a thread, and blocks neither the worker's loop nor another step."""

from __future__ import annotations

import threading

from .bench import Bench
from .jobs_retries import threads


async def test_plain_functions_run_at_the_same_time(bench: Bench) -> None:
    """Two `def` steps that wait for each other end, and a coroutine runs on the loop of the worker meanwhile."""
    assert await bench.run(threads) == [True, True, threading.current_thread().name]
