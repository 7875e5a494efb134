"""`terse-temporal schedules pause`, `resume`, `trigger` and `backfill`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast, get_args

import typer
from temporalio.client import Client

from ...diagnostics.text import did_you_mean, one_line
from ...errors import ScheduleError
from ...schedules.operating import backfill, matching_times, pause, resume, trigger_now
from ...triggers import Overlap
from ..asking import ask
from ..exiting import FAILED, CommandError
from ..options import Address, Debug, Namespace
from ..output import console, errors, print_json
from ..servers import silent_client
from ..tasks import run_interruptibly

__all__ = ["backfill_command", "pause_command", "resume_command", "trigger_command"]

_OVERLAPS: Final = get_args(Overlap)

ScheduleId = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Its id, as `schedules list` shows it.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; it is shown with the schedule.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]


def pause_command(
    schedule: ScheduleId,
    *,
    note: Note = "paused by `terse-temporal schedules pause`",
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Have a schedule start nothing by itself, until it is resumed.

    Runs go on. A sync leaves it paused. The exit status is 1 where there is no such schedule.
    """

    async def change(client: Client) -> int:
        await pause(client, schedule, note or "paused")
        _print(f"paused {one_line(schedule)}", {"id": schedule, "paused": True, "note": note}, as_json=as_json)
        return 0

    return _run(change, address, namespace)


def resume_command(
    schedule: ScheduleId,
    *,
    note: Note = "resumed by `terse-temporal schedules resume`",
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Have a schedule that is paused start runs again.

    Those that were due meanwhile are not made up for: `schedules backfill` does that. The exit status is 1 where there
    is no such schedule.
    """

    async def change(client: Client) -> int:
        await resume(client, schedule, note or "resumed")
        _print(f"resumed {one_line(schedule)}", {"id": schedule, "paused": False, "note": note}, as_json=as_json)
        return 0

    return _run(change, address, namespace)


def trigger_command(
    schedule: ScheduleId,
    *,
    overlap: Annotated[
        str | None,
        typer.Option(
            "--overlap",
            metavar="POLICY",
            help=f"What to do if a run of it still runs: {', '.join(_OVERLAPS)}; by default as the trigger says.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Have a schedule start a run now, whether it is paused or not.

    The event of the run has `manual` set. The exit status is 1 where none was started, as one still runs.
    """
    policy = _overlap(overlap)

    async def change(client: Client) -> int:
        started = await trigger_now(client, schedule, policy)
        if as_json:
            print_json({"id": schedule, "run": None if started is None else started.to_json()})
        elif started is not None:
            console.print(f"started {one_line(started.id)}", markup=False)
        if started is None:
            errors.print(
                f"nothing is started now: a run of {schedule!r} still runs, and its trigger says what then. To have one"
                " beside it, give --overlap allow_all.",
                markup=False,
            )
        return 0 if started is not None else FAILED

    return _run(change, address, namespace)


def backfill_command(
    schedule: ScheduleId,
    *,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="The first moment, such as 2026-01-31T00:00.")],
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="The last; by default now.", show_default=False)
    ] = None,
    overlap: Annotated[
        str,
        typer.Option(
            "--overlap", metavar="POLICY", help=f"What to do while a run of it still runs: {', '.join(_OVERLAPS)}."
        ),
    ] = "buffer_all",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Start the runs for the moments of a schedule in a time that is past, one after the other. Asks first.

    The event of each has its own `scheduled_at`. A moment that has had its run gets another one. Times without a zone
    are of this machine's. The exit status is 1 where there is no such schedule.
    """
    first, last = _time("--from", start), datetime.now(UTC) if end is None else _time("--to", end)
    if last < first:
        raise CommandError(f"--to ({last.isoformat()}) is before --from ({first.isoformat()})")
    if last > datetime.now(UTC):
        raise CommandError(f"--to ({last.isoformat()}) has not come yet: runs are made up for what is past")
    policy = cast("Overlap", _overlap(overlap))

    async def change(client: Client) -> int:
        moments = await matching_times(client, schedule, first, last)
        data = {"id": schedule, "moments": [_moment(each) for each in moments], "overlap": policy}
        if not moments:
            _print(f"{one_line(schedule)} has no moment in that time", data, as_json=as_json)
            return 0
        count = f"{len(moments):,} runs" if len(moments) > 1 else "a run"
        text = f"{count} of {one_line(schedule)}, for {_moment(moments[0])}"
        if len(moments) > 1:
            text += f" to {_moment(moments[-1])}"
        if not await ask(f"Start {text} ({policy})?", yes=yes):
            return FAILED
        await backfill(client, schedule, first, last, policy)
        _print(f"told to start {text}", data, as_json=as_json)
        return 0

    return _run(change, address, namespace)


def _run(change: Callable[[Client], Awaitable[int]], address: str | None, namespace: str | None) -> int:
    async def run() -> int:
        client = await silent_client(address, namespace)
        try:
            return await change(client)
        except ScheduleError as err:
            raise CommandError(str(err), status=FAILED) from err

    return run_interruptibly(run())


def _overlap(text: str | None) -> Overlap | None:
    if text is not None and text not in _OVERLAPS:
        hint = did_you_mean(text, _OVERLAPS, most=1)
        raise CommandError(f"--overlap {text!r} is none of {', '.join(_OVERLAPS)}{hint}")
    return cast("Overlap | None", text)


def _time(option: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CommandError(f"{option} {text!r} is not a time, such as 2026-01-31T12:00") from None


def _moment(moment: datetime) -> str:
    # The server's moments have the jitter in them, to the millisecond.
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _print(text: str, data: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(data)
    else:
        console.print(text, markup=False)
