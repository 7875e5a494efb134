"""`terse-temporal runs send`: an event for runs that are there."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from ...jobs.run_events import check_event_id, check_event_name, event_data
from ...runs.changing import send_to_run
from ..event_argument import read_data_argument
from ..exiting import CommandError
from ..options import Address, Debug, Namespace
from .arguments import AsJson
from .change import Server, Verb, Yes, change
from .selecting import MOST_SELECTED, JobOption, Limit, Selection, Since, Status, Tag

__all__ = ["send"]


def send(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="ID... NAME",
            help="The workflow ids of the runs, or none where they are selected by the options; and the event's name.",
            show_default=False,
        ),
    ],
    *,
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", metavar="JSON|FILE|-", help="Its data: JSON, a file of it, or - to read it."),
    ] = None,
    event_id: Annotated[
        str | None,
        typer.Option("--event-id", metavar="ID", help="The event's own id: the same one twice is one event."),
    ] = None,
    job: JobOption = None,
    status: Status = None,
    since: Since = None,
    tag: Tag = None,
    limit: Limit = MOST_SELECTED,
    yes: Yes = False,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Send an event to runs, which wait for it by `wait_for_event(NAME)`, or will. Asks first where they are several.

    What no wait has taken is kept by the run, so nothing is lost by coming early, and no worker need be there. Selected
    by options are runs that have not ended.

    The exit status is 1 where one of them has ended, or is not there.
    """
    *ids, name = words
    if not ids and Selection(job, status, since, tag).is_empty:
        raise CommandError(f"say which runs: runs send ID... {name}, or --job, --status, --since or --tag")
    check_event_name(name, "runs send")
    if event_id is not None:
        check_event_id(event_id, "runs send")
    value = None if data is None else read_data_argument(data)
    event_data(name, value, "runs send")  # too large, say: told once, and not for each run
    send_it = partial(send_to_run, name=name, data=value, event_id=event_id)
    verb = Verb(f"Send the event {name!r} to", send_it, "running")
    selection = Selection(job, status, since, tag, limit)
    # One that is named is meant, and nothing ends by it.
    is_meant = yes or len(ids) == 1
    return change(verb, ids, selection, Server(address, namespace), yes=is_meant, as_json=as_json)
