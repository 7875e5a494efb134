"""What a forked process has imported when it begins.

It is kept from being looked through for garbage: pytest does that five times at the end of a session, and each process
would have to copy all of it.
"""

from __future__ import annotations

import gc

gc.disable()  # while thousands of modules are imported

import anyio.pytest_plugin  # noqa: E402
import pytest  # noqa: E402
import pytest_asyncio.plugin  # noqa: E402
import xdist.plugin  # noqa: E402

import terse_temporal.testing  # noqa: E402

from . import loaded_commands  # noqa: E402
from .crash import worker_process  # noqa: E402

__all__ = ["anyio", "loaded_commands", "pytest", "pytest_asyncio", "terse_temporal", "worker_process", "xdist"]

gc.freeze()
gc.enable()
