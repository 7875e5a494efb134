"""The mailbox of a run gives events to waits in their order, and loses none, whatever is done in whatever order."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from terse_temporal.engine.workflow import mailbox as module
from terse_temporal.engine.workflow.mailbox import Arrived, Mailbox, Wait


class Box:
    """A mailbox, with what it gives back."""

    def __init__(self) -> None:
        self.returned: list[Any] = []
        self.mailbox = Mailbox(lambda event: self.returned.append(event.data))

    def wait(self, name: str = "a", key: str | None = None) -> Wait:
        wait = Wait(name, key, lambda: None)
        self.mailbox.open(wait)
        return wait

    def arrive(self, data: Any, key: str | None = None, *, id: str | None = None) -> bool:
        return self.mailbox.arrive(Arrived("a", key, data, None if key is None else "its workflow"), id)

    def deliver(self, data: Any, key: str, *, id: str, name: str = "a") -> bool:
        return self.mailbox.arrive_for(Arrived(name, key, data, id=id))

    def taken(self, wait: Wait) -> Any:
        event = self.mailbox.take(wait)
        return None if event is None else event.data


def test_a_wait_that_does_not_go_on() -> None:
    """The event of one that is cancelled goes to the next, in order, also where that has a later one already."""
    box = Box()
    first, second, third = box.wait(), box.wait(), box.wait()
    assert box.arrive(1)
    assert box.arrive(2)
    box.mailbox.withdraw(first)
    assert (box.taken(second), box.taken(third)) == (1, 2)
    box.mailbox.withdraw(box.wait())
    assert box.mailbox.carried() is None


def test_by_key() -> None:
    """An event by key goes to waits under that key alone, and is given back where there is none; one that was sent to
    the run goes to a wait under any.
    """
    box = Box()
    other, own = box.wait(key=None), box.wait(key="k")
    box.arrive(1, "k")
    box.arrive(2, "other")
    assert box.mailbox.unmet("a", "k") == 0
    box.mailbox.withdraw(own)
    assert box.returned == [2, 1]
    own = box.wait(key="k")
    box.arrive(3)
    box.arrive(4)
    assert (box.taken(other), box.taken(own)) == (3, 4)


def test_deliveries() -> None:
    """One is kept for a wait that takes the same, and is for another that it fits as soon as it is given for that; what
    a wait has taken, no other gets.
    """
    box = Box()
    first, second = box.wait(key="k"), box.wait(key="k")
    box.deliver("x", "k", id="1")
    box.deliver("x", "k", id="1")
    assert second.event is None
    box.deliver("y", "k", id="2")
    assert box.taken(second) == "y"
    box.mailbox.withdraw(first)
    ids = [["terse.delivery", "1"], ["terse.delivery", "2"]]
    carried = box.mailbox.carried()
    assert carried == {"v": 1, "kept": [["a", "x", "k", "1"]], "ids": ids}
    box = Box()
    box.mailbox.restore(carried)
    assert box.mailbox.carried() == carried
    other = box.wait("b", key="other")
    box.deliver("x", "other", id="1", name="b")
    assert box.taken(other) == "x"
    box.deliver("x", "k", id="1")
    assert box.mailbox.carried() == {"v": 1, "kept": [], "ids": ids}
    assert box.returned == []


def test_what_is_carried_on() -> None:
    """Kept events, in order, and the ids that were there, and nothing of another shape."""
    box = Box()
    for data, sent in [(1, "x"), (2, None), (3, "y"), (4, "x")]:
        box.arrive(data, id=sent)
    carried = box.mailbox.carried()
    assert carried == {"v": 1, "kept": [["a", 1], ["a", 2], ["a", 3]], "ids": [["a", "x"], ["a", "y"]]}
    after = Box()
    after.mailbox.restore(carried)
    assert after.arrive("again", id="y")
    assert [after.taken(after.wait()) for _ in range(4)] == [1, 2, 3, None]
    wrong_ids = {"kept": 1, "ids": [1, ["a"], ["a", 1], [1, 1]]}
    shapes: tuple[Any, ...] = (None, 1, [], wrong_ids, {"kept": [["", 1], ["\n", 2]]})
    for hostile in shapes:
        empty = Box()
        empty.mailbox.restore(hostile)
        assert empty.mailbox.carried() is None


def test_bounds() -> None:
    """Events are kept up to a number and a size, ids up to a number: the oldest are forgotten first."""
    box = Box()
    assert all(box.arrive(number) for number in range(module.MAX_KEPT))
    assert not box.arrive("one more")
    large = Box()
    assert large.arrive("x" * 1024 * 1024)
    assert not large.arrive("x" * 1024 * 128)
    assert not large.arrive("x" * 1024 * 128, id="refused")
    wait = large.wait()
    large.mailbox.take(wait)
    assert large.arrive("x" * 1024 * 128, id="refused"), "sent again when there is room"
    assert large.taken(large.wait()) == "x" * 1024 * 128
    for number in range(module.MAX_IDS + 1):
        large.taken(large.wait())
        assert large.arrive(number, id=str(number))
    carried = large.mailbox.carried()
    assert carried is not None
    assert [carried["ids"][0], carried["ids"][-1]] == [["a", "1"], ["a", str(module.MAX_IDS)]]


ACTIONS = st.lists(st.tuples(st.sampled_from(["arrive", "open", "take", "withdraw"]), st.integers(0, 3)), max_size=30)


@given(ACTIONS)
@settings(max_examples=200, deadline=None)
def test_none_is_lost_and_none_comes_twice(actions: list[tuple[str, int]]) -> None:
    """Taken, with a wait, or kept: each is in one of these; and what waits take one after the other is in order."""
    box, waits, sent, taken = Box(), [], 0, []
    for action, which in actions:
        if action == "arrive":
            box.arrive(sent)
            sent += 1
        elif action == "open":
            waits.append(box.wait())
        elif waits and action == "withdraw":
            box.mailbox.withdraw(waits.pop(which % len(waits)))
        elif waits:
            found = box.taken(waits.pop(0))
            if found is not None:
                taken.append(found)
    held = [wait.event.data for wait in waits if wait.event is not None]
    kept = [data for _, data in (box.mailbox.carried() or {"kept": []})["kept"]]
    assert sorted([*taken, *held, *kept]) == list(range(sent))
    assert [*taken, *held, *kept] == sorted([*taken, *held, *kept])
    assert not kept or len(held) == len(waits)
