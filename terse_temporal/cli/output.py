"""The output of the command lines: one console for people, JSON for programs, and the log of a worker."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ..diagnostics.logs import LineFormatter
from ..diagnostics.text import json_text, printable
from ..jobs.job import Job

__all__ = [
    "configure_logging",
    "console",
    "errors",
    "job_table",
    "print_error",
    "print_json",
]


class _Console(Console):
    """Shows text of others without what would drive the terminal, wherever in a line or a table that stands."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            # What the library says to the terminal by itself is in segments of their own.
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)


def _console(stream: TextIO, *, stderr: bool) -> Console:
    # `soft_wrap` so that no address or path is broken in the middle. Tables do break theirs, where a line has an end: a
    # file has none.
    return _Console(stderr=stderr, soft_wrap=True, highlight=False, width=None if stream.isatty() else 250)


#: Results and tables.
console = _console(sys.stdout, stderr=False)

#: What is wrong, and what goes on meanwhile.
errors = _console(sys.stderr, stderr=True)


def print_error(message: str) -> None:
    """Print what is wrong, for people."""
    errors.print("[bold red]error:[/] ", end="")
    errors.print(message, markup=False)


def print_json(value: Any) -> None:
    """Print data for programs."""
    text = json_text(value, indent=2)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    print(text, flush=True)


def job_table(jobs: Iterable[Job], *, next_times: Mapping[str, str] | None = None) -> Table:
    """Return a table of jobs, with what starts them and where they are written; and when next, if that is given."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("job", "durable", "triggers", "defined at", *(["next"] if next_times else [])):
        table.add_column(column, overflow="fold")
    for job in jobs:
        triggers = ", ".join(trigger.describe() for trigger in job.triggers) or "-"
        coming = [Text(next_times.get(job.name, "-"))] if next_times else []
        # Text, because in a plain string rich would read "[…]" as a style.
        table.add_row(Text(job.name), "yes" if job.durable else "no", Text(triggers), Text(job.where), *coming)
    return table


def configure_logging(filter: logging.Filter | None) -> None:
    """Log to standard output, one line an entry, as containers like it.

    Args:
        filter: decides what of the engine's own log is shown; `None` shows all of it, down to debugging.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    if filter is not None:
        handler.addFilter(filter)
    logging.basicConfig(level=logging.DEBUG if filter is None else logging.INFO, handlers=[handler], force=True)
    # A step that has ended before its cancellation arrived; nothing follows from it.
    warnings.filterwarnings("ignore", message="Cannot find activity to cancel")
    # Their lines about single requests would drown those about steps.
    for name in ("httpx", "httpcore", "httpx2", "httpcore2", "openai", "asyncio"):
        logging.getLogger(name).setLevel(logging.INFO if filter is None else logging.WARNING)
