"""`python -m benchmarks`: everything, in a few minutes; `--quick`: with fewer runs; or one part, by its name."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from benchmarks.calls import measure_calls
from benchmarks.compare import LOADS, QUICK, compare
from benchmarks.many import measure_many
from benchmarks.path_of_calls import measure_paths
from benchmarks.startup import startup
from benchmarks.testing import measure_testing
from benchmarks.waking import measure_waking
from benchmarks.webhooks import measure_webhooks

_app = typer.Typer(add_completion=False)


@_app.callback(invoke_without_command=True)
def _everything(
    context: typer.Context, quick: Annotated[bool, typer.Option(help="Fewer runs: less than a minute.")] = False
) -> None:
    """Measure this package against the same job written by hand, how long it takes to start, and to test a job."""
    if context.invoked_subcommand is not None:
        return
    asyncio.run(compare(QUICK if quick else LOADS))
    asyncio.run(measure_calls(turns=2 if quick else 7))
    asyncio.run(measure_many(turns=1 if quick else 4))
    asyncio.run(startup(repeats=1 if quick else 5))
    measure_testing(count=20 if quick else 100)


@_app.command("testing")
def _testing(count: Annotated[int, typer.Option(help="Tests in the long rows.")] = 100) -> None:
    """Measure how long it takes to test a job that sleeps for three days."""
    measure_testing(count=count)


@_app.command("waking")
def _waking(count: Annotated[int, typer.Option(help="Runs that wait.")] = 1_000) -> None:
    """Measure how long it takes to wake runs that wait for deliveries."""
    asyncio.run(measure_waking(count))


@_app.command("webhooks")
def _webhooks(
    count: Annotated[int, typer.Option(help="Deliveries of each measurement.")] = 5_000,
    rate: Annotated[float, typer.Option(help="Deliveries a second that are offered.")] = 500,
) -> None:
    """Measure how fast the gateway takes deliveries in and hands them on."""
    asyncio.run(measure_webhooks(count=count, rate=rate))


@_app.command("paths")
def _paths(names: Annotated[bool, typer.Option(help="The functions too.")] = False) -> None:
    """Count the functions of this package that each kind of call passes through."""
    asyncio.run(measure_paths(names=names))


if __name__ == "__main__":
    _app()
