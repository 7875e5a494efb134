"""A step, a sleep, a run or an event that is not awaited does nothing, and Python's warning names it and its line."""

from __future__ import annotations

import pytest

from ..bench import Bench
from .jobs_not_awaited import forgets_to_await


async def test_the_warning_names_what_is_not_awaited(bench: Bench) -> None:
    """The name is that of the step or job, as in the history, and nothing of how the engine makes it."""
    with pytest.warns(RuntimeWarning, match="never awaited") as warned:
        assert await bench.run(forgets_to_await) == "ended"
    messages = {str(each.message).splitlines()[0] for each in warned}
    runs = [f"{what} forgets-to-await" for what in ("start", "run", "map")]
    names = ["step send", "step count", "sleep", *runs, "wait_for_event", "send_event"]
    assert messages >= {f"coroutine '{name}' was never awaited" for name in names}
    assert {each.filename.rpartition("/")[2] for each in warned} == {"jobs_not_awaited.py"}
