"""`terse-temporal schedules sync`: the schedules of a server as the triggers of jobs say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from ...diagnostics.text import one_line
from ...jobs.loading import load_modules
from ...jobs.registry import registered_jobs
from ...runs.starting import DEFAULT_TASK_QUEUE
from ...schedules.syncing import Change, sync
from ..options import Address, Debug, Namespace, Targets, TaskQueue
from ..output import console, errors, print_json
from ..servers import silent_client
from ..tasks import run_interruptibly

__all__ = ["change_line", "sync_command"]


def sync_command(
    targets: Targets,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Move schedules of these jobs that start their runs on another task queue."),
    ] = False,
    task_queue: TaskQueue = DEFAULT_TASK_QUEUE,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Make the schedules of a server match the triggers of jobs.

    Schedules that are missing are made, those that differ are changed, and those of jobs or triggers that these modules
    no longer have are removed; each is shown. Others are left alone, and so is what operators have done: that one is
    paused, its note. Nothing is asked: run it with every deploy, or `terse-worker --sync-schedules` at the start.

    The exit status is 2 where the id of one is taken by somebody else's schedule: nothing is changed then.
    """
    before = registered_jobs()
    modules = {module.__name__ for module in load_modules(targets)}
    # Those too of modules that are imported by these: a worker of these modules runs them.
    jobs = [each for each in registered_jobs() if each.module in modules or each not in before]

    async def synced() -> list[Change]:
        client = await silent_client(address, namespace)
        return await sync(jobs, client, task_queue=task_queue, modules=modules, take_over=take_over, dry_run=dry_run)

    changes = run_interruptibly(synced())
    if as_json:
        print_json([each.to_json() for each in changes])
    elif not changes:
        errors.print("no job of these modules has a schedule")
    else:
        for each in changes:
            console.print(change_line(each), markup=False)
        _print_sum(changes, dry_run=dry_run)
    return 0


def change_line(change: Change) -> str:
    """Return what was done with one schedule, in a line."""
    what = "; ".join(one_line(each) for each in change.what)
    return f"{change.action:<9}  {one_line(change.id)}{f'  {what}' if what else ''}"


def _print_sum(changes: Sequence[Change], *, dry_run: bool) -> None:
    changed = sum(each.action != "unchanged" for each in changes)
    if dry_run and changed:
        errors.print(f"(a dry run: nothing was done; {changed:,} of {len(changes):,} would change)", style="dim")
