"""What a forked process has imported when it begins.

It is kept from being looked through for garbage: pytest does that five times at the end of a session, and each process
would have to copy all of it.
"""

from __future__ import annotations

import gc
import importlib

gc.disable()  # while thousands of modules are imported
for _name in (
    "anyio.pytest_plugin",
    "pytest",
    "pytest_asyncio.plugin",
    "terse_temporal.testing",
    "tests.crash.worker_process",
    "tests.loaded_commands",
    "xdist.plugin",
):
    importlib.import_module(_name)
gc.freeze()
gc.enable()
