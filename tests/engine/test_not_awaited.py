"""A step or a sleep that is not awaited does nothing, and Python's warning names it and its line."""

from __future__ import annotations

import pytest

from ..bench import Bench
from .jobs_not_awaited import forgets_to_await


async def test_the_warning_names_what_is_not_awaited(bench: Bench) -> None:
    """The name is that of the step, as in the history, and nothing of how the engine makes it."""
    with pytest.warns(RuntimeWarning, match="never awaited") as warned:
        assert await bench.run(forgets_to_await) == "ended"
    messages = {str(each.message).splitlines()[0] for each in warned}
    assert messages >= {f"coroutine '{name}' was never awaited" for name in ("step send", "step count", "sleep")}
    assert {each.filename.rpartition("/")[2] for each in warned} == {"jobs_not_awaited.py"}
