"""What the tests of the samples share. The fixture `jobs` comes with terse-temporal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samples.tests.service import Service


@pytest.fixture
def service() -> Iterator[Service]:
    """Start a web service on this machine, in place of the one that a job talks to."""
    with Service() as running:
        yield running
