"""What the tests of the engine share."""

from __future__ import annotations

import pytest

from terse_temporal.testing import JobEnvironment

from ..effects import Effects
from .bench import Bench


@pytest.fixture
def bench(env: JobEnvironment, cache: int, task_queue: str, effects: Effects) -> Bench:
    """A place to run jobs, once with the workflow cache on and once with it at zero."""
    return Bench(env, cache, task_queue, effects)
