"""The schedules that jobs are to have, what one is written as, and how one that is there differs from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.api.common.v1 import Payloads, WorkflowType
from temporalio.api.enums.v1 import ScheduleOverlapPolicy
from temporalio.api.schedule.v1 import Schedule
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.client import Client

from ..diagnostics.text import one_line, shorten
from ..errors import ScheduleError
from ..jobs.job import Job
from ..serialization.wire_names import SCHEDULE_MEMO
from ..triggers import Overlap, ScheduleTrigger
from .clock_changes import YEARS
from .markers import memo_of, read_memo, run_memo
from .specs import schedule_spec, times_of

__all__ = ["OVERLAPS", "Wanted", "overlap_name", "wanted_schedules"]

_PREFIX: Final = "SCHEDULE_OVERLAP_POLICY_"

#: The server's values by our names.
OVERLAPS: Final[Mapping[Overlap, ScheduleOverlapPolicy.ValueType]] = {
    "skip": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_SKIP,
    "buffer_one": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
    "buffer_all": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL,
    "cancel_other": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER,
    "terminate_other": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER,
    "allow_all": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL,
}

#: Characters of a text from the server in what is told of a change.
_SHOWN: Final = 100


@dataclass(frozen=True)
class Wanted:
    """A schedule that a job is to have.

    Attributes:
        id: its id on the server, and what the ids of its runs begin with.
    """

    id: str
    job: Job
    trigger: ScheduleTrigger
    task_queue: str

    async def write(self, client: Client, there: Schedule | None = None) -> Schedule:
        """Return it as it is written: what a trigger says of it anew, and the rest as it is there.

        So what operators have done stays: that it is paused, its note, a limit to its runs, search attributes of those.
        """
        schedule = Schedule()
        if there is not None:
            schedule.CopyFrom(there)
        schedule.spec.CopyFrom(schedule_spec(self.trigger))
        schedule.policies.overlap_policy = OVERLAPS[self.trigger.overlap]
        schedule.policies.catchup_window.FromTimedelta(self.trigger.catch_up)
        starts = schedule.action.start_workflow
        starts.workflow_id = self.id
        starts.workflow_type.CopyFrom(WorkflowType(name=self.job.name))
        starts.task_queue.CopyFrom(TaskQueue(name=self.task_queue))
        starts.input.CopyFrom(Payloads())
        memo = await memo_of(client, run_memo(self.job, self.trigger))
        starts.memo.fields[SCHEDULE_MEMO].CopyFrom(memo.fields[SCHEDULE_MEMO])
        return schedule

    async def differences(self, client: Client, there: Schedule) -> list[str]:
        """Return what is to be changed of the schedule which is there, each as a text; none where it is as wanted.

        A server writes in its own way what it was sent, with defaults put in. So what the two mean is compared.
        """
        trigger, starts = self.trigger, there.action.start_workflow
        told, tells = await read_memo(client, starts.memo) or {}, run_memo(self.job, trigger)
        found = [
            _changed("starts", starts.workflow_type.name, self.job.name),
            _changed("ids of runs", starts.workflow_id, self.id),
            _changed("task queue", starts.task_queue.name, self.task_queue),
            _changed("overlap", overlap_name(there.policies.overlap_policy), trigger.overlap),
            _changed("catch_up", str(there.policies.catchup_window.ToTimedelta()), str(trigger.catch_up)),
            _changed("jitter", str(there.spec.jitter.ToTimedelta()), str(trigger.jitter)),
            _changed("module", str(told.get("module", "")), self.job.module),
        ]
        if starts.input.payloads:
            found.append("input: none any more")
        times, is_to_be = times_of(there.spec), times_of(schedule_spec(trigger))
        if times != is_to_be:
            if (was := told.get("trigger")) != tells["trigger"]:
                found.append(_changed("times", was or "?", tells["trigger"]))
                if there.state.paused:
                    # Whoever paused it meant what it was.
                    found.append("it stays paused")
            elif times.regular == is_to_be.regular:
                found.append(f"changes of the clocks: up to {datetime.now(UTC).year + YEARS - 1}")
            else:
                found.append("times: as the trigger says again")
        texts = [each for each in found if each]
        # What only its runs are told, such as how the same moments are written.
        if not texts and dict(told) != tells:
            trigger_text = _changed("trigger", str(told.get("trigger", "")), tells["trigger"])
            texts.append(trigger_text or "what its runs are told")
        return texts


def wanted_schedules(jobs: Iterable[Job], task_queue: str) -> dict[str, Wanted]:
    """Return the schedules of jobs by their ids: `<job>`, and `<job>#2`, `<job>#3` for its further schedules.

    Raises:
        ScheduleError: two of them would have one id, as those of a job whose own name ends with `#2`.
    """
    wanted: dict[str, Wanted] = {}
    for job in jobs:
        triggers = [each for each in job.triggers if isinstance(each, ScheduleTrigger)]
        for number, trigger in enumerate(triggers, 1):
            name = job.name if number == 1 else f"{job.name}#{number}"
            if (other := wanted.get(name)) is not None:
                raise ScheduleError(
                    f"the jobs {other.job.name!r} ({other.job.where}) and {job.name!r} ({job.where}) would both have a"
                    f" schedule called {name!r}: rename one of them",
                    id=name,
                )
            wanted[name] = Wanted(name, job, trigger, task_queue)
    return wanted


def overlap_name(policy: ScheduleOverlapPolicy.ValueType) -> str:
    """Return the name of what is done where runs overlap; what is not said is `skip`."""
    if policy == ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_UNSPECIFIED:
        return "skip"
    try:
        return ScheduleOverlapPolicy.Name(policy).removeprefix(_PREFIX).lower()
    except ValueError:  # of a newer server
        return str(policy)


def _changed(what: str, was: Any, wanted: Any) -> str:
    return "" if was == wanted else f"{what}: {_shown(was)} → {_shown(wanted)}"


def _shown(value: Any) -> str:
    return shorten(one_line(str(value)), _SHOWN) or "none"
