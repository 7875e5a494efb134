"""What is said once is remembered in bounded memory, whatever it is called."""

from __future__ import annotations

import sys

from terse_temporal.diagnostics.once import Once


def test_once() -> None:
    once = Once()
    assert [once.is_new(name) for name in ("a", "b", "a", "a")] == [True, True, False, False]
    once.forget("a")
    assert once.is_new("a")


def test_bounded_in_number() -> None:
    """What was met longest ago is forgotten; what comes again and again is not."""
    once = Once(most=10)
    for number in range(1000):
        once.is_new(str(number))
        once.is_new("often")
        assert len(once) <= 10
    assert not once.is_new("often")
    assert once.is_new("5")


def test_bounded_in_size() -> None:
    """A name of two megabytes is not kept."""
    once, name = Once(), "x" * 2_000_000
    held = sys.getrefcount(name)
    once.is_new(name)
    assert sys.getrefcount(name) == held
