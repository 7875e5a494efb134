"""`terse-temporal runs`: the commands that there are."""

from __future__ import annotations

import typer

from .changes import cancel, rerun, terminate
from .list import list_command
from .retry import retry
from .send import send
from .show import show
from .skip import skip
from .watch import watch
from .why import why_command

__all__ = ["app"]

app = typer.Typer(
    name="runs",
    no_args_is_help=True,
    add_completion=False,
    help="Look at runs, and change them.",
    rich_markup_mode="markdown",
)

app.command("list")(list_command)
app.command()(show)
app.command()(watch)
app.command("why")(why_command)
app.command()(cancel)
app.command()(terminate)
app.command()(send)
app.command()(rerun)
app.command()(retry)
app.command()(skip)


@app.callback()
def _runs() -> None:
    """Look at runs, and change them."""
