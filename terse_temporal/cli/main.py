"""`terse-temporal`: the command line.

Each command is imported when it is called. Together they import the checker, the SDK and its worker, which takes
longer than most of them run; for the list of all, the first sentences of their documentation stand here.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from .._version import __version__
from .lazy_commands import LazyCommands

__all__ = ["COMMANDS", "app", "load_command"]

#: The module of each command, its name in there, and the first line of its documentation.
COMMANDS: Final = {
    "demo": (
        "demo",
        "demo",
        "Watch a job survive `kill -9`: its worker dies in the middle of a step, and what happened is counted.",
    ),
    "dev": (
        "dev",
        "dev",
        "Run jobs on this machine: a Temporal server with its Web UI, and a worker that reloads when you save.",
    ),
    "trigger": ("trigger", "trigger", "Start a run of a job."),
    "jobs": ("listing", "jobs", "List jobs: what starts them, whether they are durable, and where each is defined."),
    "inputs": ("inputs.app", "app", "See the questions that runs ask people, and answer them."),
    "approvals": ("approvals", "approvals", "List the calls of tools that runs wait to have approved."),
    "approve": (
        "approvals",
        "approve",
        "Approve a call that a run waits for: the tool is called, and the run goes on.",
    ),
    "deny": ("approvals", "deny", "Deny a call that a run waits for: the tool is not called, and the run goes on."),
    "replay": (
        "replay",
        "replay",
        "Replay histories against this code, before it is deployed, and say which runs would break.",
    ),
    "tools": (
        "tools",
        "tools",
        "List the tools that jobs and models may call: what each takes, how it is retried, and where it comes from.",
    ),
    "check": (
        "check",
        "check",
        "Read jobs without running them, and report what will hurt, with the line and the fix.",
    ),
    "generate": (
        "generate",
        "generate",
        "Write the types of the tools that jobs may call, so that editors complete them and type checkers check them.",
    ),
    "explain": (
        "explain",
        "explain",
        "Print a page of the documentation, or the section that a message is about; without a topic, what there is.",
    ),
    "runs": ("runs.app", "app", "Look at runs, and change them."),
    "gateway": ("gateway.app", "app", "Take in webhooks, and start the runs of jobs that they are for."),
    "codec-server": (
        "codec_server",
        "codec_server",
        "Show encrypted and stored data in Temporal's Web UI and CLI, to whoever may see them.",
    ),
    "setup": (
        "setup",
        "setup",
        "Create what a Temporal server needs for tags: the search attribute `TerseTags`.",
    ),
    "schedules": (
        "schedules.app",
        "app",
        "Make the schedules that jobs have as triggers on a server, look at them, and change them.",
    ),
    "storage": (
        "storage",
        "app",
        "Look at what is stored outside of histories, where TERSE_STORAGE says, and delete what is old.",
    ),
    "state": ("state", "app", "Look at what a job keeps between its runs, and change it."),
}


class _Commands(LazyCommands):
    package = str(__package__)
    table = COMMANDS

    def invoke(self, ctx: Any) -> Any:
        # What a command returns is its exit status.
        raise typer.Exit(super().invoke(ctx) or 0)


load_command = _Commands.load


app = _Commands.group("terse-temporal", context_settings={"help_option_names": ["--help", "-h"]})


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
