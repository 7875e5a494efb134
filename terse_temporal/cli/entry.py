"""The entry points of the installed commands.

What they run is imported after the hash seed has been seen to, as a process that executes itself again imports all
of it twice.
"""

from __future__ import annotations

import sys

from .hash_seed import fix_hash_seed

__all__ = ["command", "worker"]

#: The subcommands of `terse-temporal` that execute handlers in their own process.
_RUN_HANDLERS = frozenset({"dev", "replay"})


def worker() -> None:
    """`terse-worker`."""
    fix_hash_seed()
    from .worker_command import main  # noqa: PLC0415  # only now

    main()


def command() -> None:
    """`terse-temporal`."""
    if _RUN_HANDLERS.intersection(sys.argv[1:2]):
        fix_hash_seed()
    from .main import main  # noqa: PLC0415  # only now

    main()
