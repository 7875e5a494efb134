"""Durable jobs for automation and AI workflows: plain async Python that survives restarts, on Temporal."""

from ._version import __version__
from .agents import Skills, TerseAgent, generate_text
from .events import Event
from .execution.protocol import RunIdentity, StepContext
from .execution.run_operations import RunInfo
from .execution.run_timeline import RunTimeline, TimelineEntry
from .inputs import InputAnswer, InputOption, wait_for_input
from .jobs.clock import log, now, sleep, uuid4
from .jobs.current_run import current_run
from .jobs.failures import RunFailure
from .jobs.job import Job
from .jobs.mapping import job_map
from .jobs.options import Retry, StepOptions
from .jobs.registry import create_job, registered_jobs
from .jobs.run_events import send_event, wait_for_event
from .jobs.runs import Run, get_run, list_runs
from .jobs.start_run import start_run
from .jobs.steps import current_step, job_step, step
from .state import State
from .tools import toolbox
from .triggers import Triggers

__all__ = [
    "Event",
    "InputAnswer",
    "InputOption",
    "Job",
    "Retry",
    "Run",
    "RunFailure",
    "RunIdentity",
    "RunInfo",
    "RunTimeline",
    "Skills",
    "State",
    "StepContext",
    "StepOptions",
    "TerseAgent",
    "TimelineEntry",
    "Triggers",
    "__version__",
    "create_job",
    "current_run",
    "current_step",
    "generate_text",
    "get_run",
    "job_map",
    "job_step",
    "list_runs",
    "log",
    "now",
    "registered_jobs",
    "send_event",
    "sleep",
    "start_run",
    "step",
    "toolbox",
    "uuid4",
    "wait_for_event",
    "wait_for_input",
]
