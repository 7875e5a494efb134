"""One order of sets in all processes that run jobs.

A set of strings is ordered by their hashes, which Python makes anew in every process unless PYTHONHASHSEED says
otherwise. A handler that goes through a set would then do its steps in another order wherever its run is replayed. The
seed is read when the interpreter starts, so a process that has none executes itself again, once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

__all__ = ["SEED", "VARIABLE", "fix_hash_seed", "with_hash_seed"]

VARIABLE = "PYTHONHASHSEED"
SEED = "0"


def with_hash_seed(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for a process that runs jobs: the same, with the seed where it has none."""
    return {**environment, VARIABLE: environment.get(VARIABLE) or SEED}


def fix_hash_seed() -> None:
    """Execute this process again, as it was called, with a fixed hash seed; nothing where it has been given one.

    To be called before anything has been done: the process begins anew, under the same process id but on Windows. It
    costs the start of an interpreter, and of what has been imported so far. An interpreter that ignores its environment
    (`-E`, `-I`) cannot be told the seed, and goes on as it is.
    """
    if os.environ.get(VARIABLE) or sys.flags.ignore_environment or not sys.executable:
        return
    os.environ[VARIABLE] = SEED
    command = [sys.executable, *sys.orig_argv[1:]]
    if sys.platform == "win32":
        # Its `exec` starts another process and ends this one, so that a shell would not wait for it.
        sys.exit(subprocess.call(command))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, command)
