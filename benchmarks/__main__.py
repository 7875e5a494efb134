"""`python -m benchmarks`: everything, in a few minutes; `--quick`: the same with fewer runs."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from benchmarks.calls import measure_calls
from benchmarks.compare import LOADS, QUICK, compare
from benchmarks.startup import startup


def _command(quick: Annotated[bool, typer.Option(help="Fewer runs: less than a minute.")] = False) -> None:
    """Measure this package against the same job written by hand, and how long it takes to start."""
    asyncio.run(compare(QUICK if quick else LOADS))
    asyncio.run(measure_calls(turns=2 if quick else 7))
    asyncio.run(startup(repeats=1 if quick else 5))


if __name__ == "__main__":
    typer.run(_command)
