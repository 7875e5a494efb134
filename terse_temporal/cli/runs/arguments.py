"""Arguments and options of the commands for runs."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["AsJson", "RunId", "RunName"]

RunName = Annotated[
    str, typer.Argument(metavar="ID", help="The workflow id of the run, as `trigger` and `runs list` name it.")
]
RunId = Annotated[
    str,
    typer.Option(
        "--run-id",
        metavar="RUN_ID",
        help="One of several runs that had this id; by default the newest.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
