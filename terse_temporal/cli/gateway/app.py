"""`terse-temporal gateway`: the gateway itself, and the commands about it.

`gateway MODULE…` runs it, without a word for that: so whatever is not the name of a command is an argument of `run`. A
module that is called like a command is reached as a file (`gateway ./urls.py`), or by that word (`gateway run urls`).
"""

from __future__ import annotations

from typing import Any, Final

from ..lazy_commands import LazyCommands

__all__ = ["COMMANDS", "app"]

_RUN: Final = "run"

#: The module of each command, its name in there, and the first line of its documentation.
COMMANDS: Final = {
    _RUN: ("run", "run", "Run the gateway: `gateway MODULE…` is short for `gateway run MODULE…`."),
    "deliveries": (
        "deliveries",
        "app",
        (
            "List the deliveries that the gateway took in, the newest first: which runs were started, what waits, and"
            " what was refused and why."
        ),
    ),
    "urls": ("urls", "urls", "Print the addresses of the triggers: what to enter at each vendor."),
    "catch-up": ("catch_up", "catch_up", "Have the deliveries that failed delivered again."),
}


class _Commands(LazyCommands):
    package = str(__package__)
    table = COMMANDS

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *self.get_help_option_names(ctx)}:
            args = [_RUN, *args]
        return super().parse_args(ctx, args)


app = _Commands.group("gateway")


@app.callback()
def _gateway() -> None:
    """Take in webhooks, and start the runs of jobs that they are for.

    `terse-temporal gateway MODULE…` runs the gateway; its options are those of `terse-temporal gateway run`. A module
    that is called like one of the commands below is reached by its file, `gateway ./urls.py`, or by `gateway run urls`.
    """
