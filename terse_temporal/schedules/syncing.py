"""Making the schedules of a server match the triggers of jobs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from temporalio.api.workflowservice.v1 import DescribeScheduleResponse
from temporalio.client import Client

from ..errors import ScheduleError
from ..jobs.job import Job
from ..runs.starting import DEFAULT_TASK_QUEUE
from .markers import marked_job, owner_text, read_memo
from .server import ScheduleServer
from .wanted import Wanted, wanted_schedules

__all__ = ["Change", "sync"]

_T = TypeVar("_T")
_R = TypeVar("_R")

#: Requests to the server at once.
_AT_ONCE: Final = 10

#: How often a schedule is read and written anew which somebody else changes at the same time. Ten workers of one
#: version write the same, so that one round is enough for nine of them.
_ROUNDS: Final = 5
_BETWEEN_ROUNDS: Final = 0.2


@dataclass(frozen=True)
class Change:
    """What a sync did with one schedule, or would do.

    Attributes:
        id: of the schedule.
        job: its job.
        action: what was done.
        what: of one that is made or removed, the trigger as it is written; of one that is changed, each change as text.
    """

    id: str
    job: str
    action: Literal["created", "changed", "removed", "unchanged"]
    what: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"id": self.id, "job": self.job, "action": self.action, "what": list(self.what)}


async def sync(
    jobs: Iterable[Job],
    client: Client,
    *,
    task_queue: str = DEFAULT_TASK_QUEUE,
    modules: Iterable[str] = (),
    take_over: bool = False,
    dry_run: bool = False,
) -> list[Change]:
    """Make the schedules of a namespace match the triggers of jobs.

    Schedules that are missing are made, those that differ from their trigger are changed, and those of these jobs and
    of their modules that no trigger has any more are removed. What operators have done (that one is paused, its note)
    stays, and what is as it should be is only read. It may be called by any number of processes at the same time.

    Args:
        jobs: whose schedules; those of other modules are left alone.
        client: of the server and namespace.
        task_queue: where the runs are started. Schedules of other task queues are left alone.
        modules: modules and packages that these jobs are all of, also where none is in one any more: schedules of jobs
            that were deleted from them are removed. The jobs' own modules are among them.
        take_over: move schedules of these jobs that start their runs on another task queue, instead of refusing to.
        dry_run: only return what would be done.

    Returns:
        One change for each schedule, also for those that are unchanged: first those of the jobs, in their order.

    Raises:
        ScheduleError: the id of one is taken, by somebody else's schedule or by that of another task queue; nothing was
            changed then. Or the server refuses one.
        SetupError: the server has no schedules, or does not let this client write them.
        ServerUnavailableError: the server does not answer.

    Costs a request for each schedule of the jobs and one for each 200 schedules of the namespace, two more for each
    that is made or changed, and one for each schedule of ours that is of other modules.
    """
    jobs = list(jobs)
    server = ScheduleServer(client)
    wanted = wanted_schedules(jobs, task_queue)
    there = dict(zip(wanted, await _each(list(wanted), server.describe), strict=True))
    if problems := await _taken(wanted, there, client, task_queue if not take_over else None):
        text = ".\n".join(problems.values())
        raise ScheduleError(f"{text}. Nothing was changed.", id=next(iter(problems)) if len(problems) == 1 else "")
    surplus = await _surplus(server, jobs, wanted, set(modules), task_queue)

    async def make(each: Wanted) -> Change:
        return await _make(each, server, there[each.id], dry_run=dry_run)

    async def remove(each: Change) -> Change:
        if not dry_run:
            await server.delete(each.id)
        return each

    return await _each(list(wanted.values()), make) + await _each(surplus, remove)


async def _make(
    wanted: Wanted, server: ScheduleServer, there: DescribeScheduleResponse | None, *, dry_run: bool
) -> Change:
    """Make one schedule as it is wanted, whatever others do with it meanwhile."""
    client, job = server.client, wanted.job.name
    first: tuple[str, ...] = ()
    for attempt in range(_ROUNDS):
        if attempt:
            await asyncio.sleep(random.uniform(0, _BETWEEN_ROUNDS * attempt))
            there = await server.describe(wanted.id)
            if problems := await _taken({wanted.id: wanted}, {wanted.id: there}, client, None):
                raise ScheduleError(problems[wanted.id], id=wanted.id)
        if there is None:
            created = Change(wanted.id, job, "created", (wanted.trigger.describe(),))
            if dry_run or await server.create(wanted.id, job, await wanted.write(client)):
                return created
            continue
        differences = await wanted.differences(client, there.schedule)
        if not differences:
            return Change(wanted.id, job, "changed" if first else "unchanged", first)
        first = first or tuple(differences)
        if dry_run:
            return Change(wanted.id, job, "changed", first)
        await server.update(wanted.id, await wanted.write(client, there.schedule), there.conflict_token)
    raise ScheduleError(
        f"the schedule {wanted.id!r} of the job {job!r} ({wanted.job.where}) is changed by somebody else again and"
        " again, as by workers of another version of the code that start at this moment. Run the sync again when they"
        " have.",
        id=wanted.id,
    )


async def _taken(
    wanted: dict[str, Wanted],
    there: dict[str, DescribeScheduleResponse | None],
    client: Client,
    task_queue: str | None,
) -> dict[str, str]:
    """Return which ids belong to somebody else, each with a text that says so and what to do."""
    problems = {}
    for name, found in there.items():
        if found is None:
            continue
        job = wanted[name].job
        owner = marked_job(await read_memo(client, found.memo))
        starts = found.schedule.action.start_workflow
        if owner != job.name:
            problems[name] = (
                f"there is a schedule {name!r} (it starts {starts.workflow_type.name!r}) which"
                f" {owner_text(found.memo, owner)}, and the job"
                f" {job.name!r} ({job.where}) needs that id. Delete it if nobody needs it (`temporal schedule delete"
                f" --schedule-id '{name}'`), or rename the job"
            )
        elif task_queue is not None and starts.task_queue.name != task_queue:
            problems[name] = (
                f"the schedule {name!r} of the job {job.name!r} ({job.where}) starts its runs on the task queue"
                f" {starts.task_queue.name!r}, not on {task_queue!r}. Sync with --take-over (take_over=True) to move"
                " it; two deployments of a job need a namespace each to have their own schedules"
            )
    return problems


async def _surplus(
    server: ScheduleServer, jobs: Sequence[Job], wanted: Collection[str], modules: set[str], task_queue: str
) -> list[Change]:
    """Return the schedules of ours that no trigger of the jobs and modules has any more, to be removed."""
    names = {job.name for job in jobs}
    homes = {job.module for job in jobs}
    marked = [(each.schedule_id, marked_job(await read_memo(server.client, each.memo))) async for each in server.list()]
    others = [(name, job) for name, job in marked if job is not None and name not in wanted]

    async def removal(found: tuple[str, str]) -> Change | None:
        name, job = found
        # The list may be behind: what it says is read again.
        described = await server.describe(name)
        if described is None or marked_job(await read_memo(server.client, described.memo)) != job:
            return None
        starts = described.schedule.action.start_workflow
        memo = await read_memo(server.client, starts.memo) or {}
        module = str(memo.get("module", ""))
        is_ours = job in names or module in homes or any(_is_within(module, each) for each in modules)
        if not is_ours or starts.task_queue.name != task_queue:
            return None
        return Change(name, job, "removed", (str(memo.get("trigger", "")),))

    return [each for each in await _each(sorted(others), removal) if each is not None]


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


async def _each(items: Sequence[_T], call: Callable[[_T], Awaitable[_R]]) -> list[_R]:
    """Call for each item, some at once, and return the results in their order."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(item: _T) -> _R:
        async with places:
            return await call(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each)) for each in items]
    except ExceptionGroup as failed:  # the others were cancelled by the first
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
