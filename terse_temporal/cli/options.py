"""Arguments and options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Address", "Debug", "Namespace", "Targets", "TaskQueue"]

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="MODULE|FILE|PACKAGE...",
        help="Where the jobs are: shop.jobs, jobs/onboarding.py, or a package, of which every module is loaded.",
        show_default=False,
    ),
]
TaskQueue = Annotated[str, typer.Option("--task-queue", "-q", metavar="NAME", help="The task queue of the worker.")]
Address = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="The Temporal server, instead of the one of TEMPORAL_ADDRESS."),
]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Instead of the one of TEMPORAL_NAMESPACE."),
]


def _set_debug(context: typer.Context, debug: bool) -> bool:
    if debug and context.obj is not None:
        context.obj.debug = True
    return debug


#: Read by what ends the process, also where the command itself does nothing with it.
Debug = Annotated[
    bool,
    typer.Option("--debug", callback=_set_debug, help="Show tracebacks, and all that the Temporal SDK logs."),
]
