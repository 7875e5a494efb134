"""Crashes for everybody: a job runs in worker processes, each of which is killed at a chosen point."""

from .executions import Execution
from .fork_server import ForkServers
from .points import CrashPoint, Moment
from .report import Boundary, CrashReport, Outcome, Repeat
from .survival import Skip, Start, survive
from .worker_processes import Crash, CrashWorkers

__all__ = [
    "Boundary",
    "Crash",
    "CrashPoint",
    "CrashReport",
    "CrashWorkers",
    "Execution",
    "ForkServers",
    "Moment",
    "Outcome",
    "Repeat",
    "Skip",
    "Start",
    "survive",
]
