"""What a local step has come to goes on as an activity where it is too much for the message of a workflow task."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.exceptions import ApplicationError

from terse_temporal.engine.activity.handing_over import _is_large


def caused(causes: int, size: int) -> ApplicationError:
    """A failure with so many causes, each of so many characters."""
    error = ApplicationError("failed", {"v": 1})
    below: BaseException = error
    for _ in range(causes):
        below.__cause__ = ApplicationError("x" * size)
        below = below.__cause__
    return error


@pytest.mark.parametrize(
    ("error", "is_large"),
    [
        (caused(0, 0), False),
        (caused(3, 9_000), False),
        # None of them is large by itself.
        (caused(10, 9_000), True),
        (ApplicationError("failed", "x" * 100_000), True),
    ],
    ids=["small", "few causes", "many causes", "details"],
)
async def test_a_failure(error: ApplicationError, is_large: bool) -> None:
    """Counted are its details and all of its causes."""

    async def fails() -> None:
        raise error

    task = asyncio.ensure_future(fails())
    await asyncio.wait([task])
    assert _is_large(task) is is_large
