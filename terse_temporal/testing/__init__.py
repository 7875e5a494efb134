"""Testing jobs on the real server, with time that can be skipped."""

from .crashes import Boundary, CrashReport
from .doubles import Call
from .environment import JobEnvironment
from .inputs import Question
from .jobs import Jobs
from .looking import Sleep
from .model_double import Prompt, ToolCall
from .run import Run

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
