"""Testing jobs on the real server, with time that can be skipped."""

from ..runs.timeline import Entry
from .crashes import Boundary, CrashPoint, CrashReport, Outcome, Repeat
from .doubles import Call
from .environment import JobEnvironment
from .job_state import StateOfJob
from .jobs import Jobs
from .model_double import ModelDouble, Prompt, ToolCall
from .questions import Inputs, Question, ToldByWay
from .run import Run
from .snapshot import Sleep
from .step_doubles import StepDouble, StepDoubles
from .tool_doubles import ToolDouble, ToolDoubles

__all__ = [
    "Boundary",
    "Call",
    "CrashPoint",
    "CrashReport",
    "Entry",
    "Inputs",
    "JobEnvironment",
    "Jobs",
    "ModelDouble",
    "Outcome",
    "Prompt",
    "Question",
    "Repeat",
    "Run",
    "Sleep",
    "StateOfJob",
    "StepDouble",
    "StepDoubles",
    "ToldByWay",
    "ToolCall",
    "ToolDouble",
    "ToolDoubles",
]
