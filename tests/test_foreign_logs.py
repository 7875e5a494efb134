"""A filter is on the loggers of others for as long as somebody needs it, and not longer."""

from __future__ import annotations

import logging

from terse_temporal.diagnostics.foreign_logs import ForeignLogFilter

NAMES = ["some.library", "some.library.part"]


def test_overlapping_uses() -> None:
    """The last of several that overlap takes it away, also where one fails; filters of others stay."""
    ours, theirs = logging.Filter(), logging.Filter()
    loggers = [logging.getLogger(name) for name in NAMES]
    loggers[0].addFilter(theirs)
    quiet = ForeignLogFilter(ours, NAMES)
    try:
        with quiet:
            try:
                with quiet:
                    raise ValueError
            except ValueError:
                assert [each.filters for each in loggers] == [[theirs, ours], [ours]]
        assert [each.filters for each in loggers] == [[theirs], []]
        with quiet:
            assert [each.filters for each in loggers] == [[theirs, ours], [ours]]
    finally:
        loggers[0].removeFilter(theirs)
    assert [each.filters for each in loggers] == [[], []]
