"""Testing jobs on the real server, with time that can be skipped."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

#: Where they are. They are imported when they are asked for: the worker processes of crash tests are in this package
#: too, are started by the dozen, and need none of it.
_MODULES = {
    "Boundary": ".crashes",
    "Call": ".doubles",
    "CrashPoint": ".crashes",
    "CrashReport": ".crashes",
    "Entry": "..runs.timeline",
    "Inputs": ".questions",
    "JobEnvironment": ".environment",
    "Jobs": ".jobs",
    "ModelDouble": ".model_double",
    "Outcome": ".crashes",
    "Prompt": ".model_double",
    "Question": ".questions",
    "Repeat": ".crashes",
    "Run": ".run",
    "Sleep": ".snapshot",
    "StateOfJob": ".job_state",
    "StepDouble": ".step_doubles",
    "StepDoubles": ".step_doubles",
    "ToldByWay": ".questions",
    "ToolCall": ".model_double",
    "ToolDouble": ".tool_doubles",
    "ToolDoubles": ".tool_doubles",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name], __name__), name)
