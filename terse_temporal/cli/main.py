"""`terse-temporal`: the command line."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from .._version import __version__
from .approvals import approvals, approve, deny
from .check import check
from .demo import demo
from .dev import dev
from .explain import explain
from .generate import generate
from .listing import jobs
from .replay import replay
from .runs import app as runs
from .state import app as state
from .tools import tools
from .trigger import trigger

__all__ = ["app", "main"]

app = typer.Typer(
    name="terse-temporal",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"terse-temporal {__version__}")
        raise typer.Exit


@app.callback()
def _terse_temporal(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and exit."),
    ] = False,
) -> None:
    """Durable jobs in plain async Python, on Temporal.

    Begin with `terse-temporal demo`; then write a job, run it with `terse-temporal dev jobs.py`, and start it with
    `terse-temporal trigger`. In production the worker is `terse-worker jobs.py`. `terse-temporal explain` has the
    documentation.
    """


app.command()(demo)
app.command()(dev)
app.command()(trigger)
app.command()(jobs)
app.command()(approvals)
app.command()(approve)
app.command()(deny)
app.command()(replay)
app.command()(tools)
app.command()(check)
app.command()(generate)
app.command()(explain)
app.add_typer(runs, name="runs")
app.add_typer(state, name="state")


def main() -> None:
    """The entry point."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the encoding of a terminal or of a pipe cannot say is spelled out, as Python does it on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
