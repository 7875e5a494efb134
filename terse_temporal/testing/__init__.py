"""Testing jobs on the real server, with time that can be skipped."""

from .crashes import Boundary, CrashReport
from .doubles import Call
from .environment import JobEnvironment
from .jobs import Jobs
from .model_double import Prompt, ToolCall
from .questions import Question
from .run import Run
from .snapshot import Sleep

__all__ = [
    "Boundary",
    "Call",
    "CrashReport",
    "JobEnvironment",
    "Jobs",
    "Prompt",
    "Question",
    "Run",
    "Sleep",
    "ToolCall",
]
