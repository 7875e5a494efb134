"""`terse-temporal jobs`: what jobs there are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from operator import itemgetter
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ..jobs.job import Job
from ..jobs.loading import load_jobs
from ..triggers import ScheduleTrigger
from .options import Debug, Targets
from .output import console, job_table, print_json

__all__ = ["jobs"]


def jobs(
    targets: Targets,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
    debug: Debug = False,
) -> None:
    """List jobs: what starts them, whether they are durable, and where each is defined.

    The modules are imported, as a worker does it; no server is needed. Of a job with schedules it is told when they are
    for next, by the triggers: whether the server has them, and whether they are paused, `schedules list` says.
    """
    found = load_jobs(targets)
    if not as_json:
        console.print(job_table(found, next_times=_next_times(found)))
        return
    rows = [
        {
            "name": job.name,
            "durable": job.durable,
            "triggers": [trigger.describe() for trigger in job.triggers],
            "next": [moment.isoformat() for moment, _ in _next(job)],
            "module": job.module,
            "file": job.file,
            "line": job.line,
        }
        for job in found
    ]
    print_json(rows)


def _next(job: Job) -> list[tuple[datetime, ScheduleTrigger]]:
    """Return the next moment of each schedule of a job, the earliest first."""
    now = datetime.now(UTC)
    triggers = [each for each in job.triggers if isinstance(each, ScheduleTrigger)]
    return sorted(((next(each.after(now)), each) for each in triggers), key=itemgetter(0))


def _next_times(jobs: Iterable[Job]) -> dict[str, str]:
    coming = {job.name: found[0] for job in jobs if (found := _next(job))}
    return {
        name: f"{moment.astimezone(ZoneInfo(trigger.timezone)):%a %Y-%m-%d %H:%M %Z}"
        for name, (moment, trigger) in coming.items()
    }
