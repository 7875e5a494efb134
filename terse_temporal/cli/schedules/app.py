"""`terse-temporal schedules`: the commands that there are."""

from __future__ import annotations

from typing import Final

from ..lazy_commands import LazyCommands

__all__ = ["COMMANDS", "app"]

#: The module of each command, its name in there, and the first line of its documentation.
COMMANDS: Final = {
    "sync": ("sync", "sync_command", "Make the schedules of a server match the triggers of jobs."),
    "list": ("list", "list_command", "List the schedules of jobs, with their next moments and their last run."),
    "pause": ("changes", "pause_command", "Have a schedule start nothing by itself, until it is resumed."),
    "resume": ("changes", "resume_command", "Have a schedule that is paused start runs again."),
    "trigger": ("changes", "trigger_command", "Have a schedule start a run now, whether it is paused or not."),
    "backfill": ("changes", "backfill_command", "Start the runs for the moments of a schedule in a time that is past."),
}


class _Commands(LazyCommands):
    package = str(__package__)
    table = COMMANDS


app = _Commands.group("schedules")


@app.callback()
def _schedules() -> None:
    """Make the schedules that jobs have as triggers on a server, look at them, and change them.

    Those that somebody else has made are never touched.
    """
