"""`terse-temporal jobs`: what jobs there are."""

from __future__ import annotations

from typing import Annotated

import typer

from ..jobs.loading import load_jobs
from .options import Debug, Targets
from .output import console, job_table, print_json

__all__ = ["jobs"]


def jobs(
    targets: Targets,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
    debug: Debug = False,
) -> None:
    """List jobs: what starts them, whether they are durable, and where each is defined.

    The modules are imported, as a worker does it; no server is needed.
    """
    found = load_jobs(targets)
    if not as_json:
        console.print(job_table(found))
        return
    rows = [
        {
            "name": job.name,
            "durable": job.durable,
            "triggers": [trigger.describe() for trigger in job.triggers],
            "module": job.module,
            "file": job.file,
            "line": job.line,
        }
        for job in found
    ]
    print_json(rows)
