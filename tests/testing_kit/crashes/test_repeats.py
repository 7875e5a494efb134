"""What ran again is compared with what the run itself has recorded, and not with a child run that has the same ids."""

from __future__ import annotations

from collections.abc import Sequence

from terse_temporal.testing.crashes.executions import Execution
from terse_temporal.testing.crashes.survival import _Ended, _repeats


def ended(executions: Sequence[Execution]) -> _Ended:
    return _Ended(
        workflow_id="order",
        outcome=None,
        crashed=True,
        places=[],
        steps=[],
        recorded={"1": 1},
        executions=executions,
        problem="",
        seconds=0,
    )


def test_of_a_child() -> None:
    """A step of the run that runs again after its record is told as that; one of a child run is not."""
    peace = ended([])
    for workflow_id, late in (("order", True), ("child", False)):
        [repeat] = _repeats(ended([Execution("pay", workflow_id, "1", 1, begun=[1, 2], keys={"k"})]), peace)
        assert (repeat.times, repeat.after_record) == (1, late)
