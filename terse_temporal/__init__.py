"""Durable jobs for automation and AI workflows: plain async Python that survives restarts, on Temporal."""

from ._version import __version__
from .agents import Skills, TerseAgent, generate_text
from .events import Event
from .execution.protocol import RunIdentity, StepContext
from .jobs.clock import log, now, sleep, uuid4
from .jobs.current_run import current_run
from .jobs.mapping import job_map
from .jobs.options import Retry, StepOptions
from .jobs.registry import Job, create_job, registered_jobs
from .jobs.steps import current_step, job_step, step
from .state import State
from .tools import toolbox
from .triggers import Triggers

__all__ = [
    "Event",
    "Job",
    "Retry",
    "RunIdentity",
    "Skills",
    "State",
    "StepContext",
    "StepOptions",
    "TerseAgent",
    "Triggers",
    "__version__",
    "create_job",
    "current_run",
    "current_step",
    "generate_text",
    "job_map",
    "job_step",
    "log",
    "now",
    "registered_jobs",
    "sleep",
    "step",
    "toolbox",
    "uuid4",
]
