"""Taking in one delivery: whether it is genuine, which jobs it is for, whether it fits them; then it is written down.

It is answered when it is in the spool, and before anything is asked of Temporal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeAlias

from pydantic import ValidationError

from ..diagnostics.logs import logger_of
from ..diagnostics.redaction import redact
from ..diagnostics.text import shorten
from ..errors import EventError, JobDefinitionError, SpoolError, SpoolFullError, StartError
from ..jobs.event_input import home_namespace, read_event
from ..jobs.job import Job
from ..jobs.run_requests import check_id
from ..triggers.base import Trigger
from ..triggers.deliveries import Delivery
from .job_events import event_for_run, expected_event, trigger_for
from .refusals import Refusal
from .requests import NoDelivery, RequestReader
from .spool import Spool, Target

__all__ = ["Headers", "Intake", "Taken", "spool_unusable"]

_logger = logger_of("gateway")

Headers = Sequence[tuple[str, str]]

_Concerned: TypeAlias = Sequence[tuple[Job, Trigger]]

#: Bytes of a body from which on it is read on a thread, so that what takes a tenth of a second keeps no other waiting;
#: one after the other, since 25 MiB of JSON take some 400 MB of memory and a second or two to read.
_LARGE: Final = 256 * 1024

#: Threads on which events are held against the models of jobs, and seconds for one: Slack waits for three. A validator
#: may do anything, and no other delivery is to wait for it. What takes longer is taken in, and found out when the run
#: is to be started.
_MODELS_AT_ONCE: Final = 8
_PATIENCE: Final = 2.0

#: Characters of what is wrong with an event, as it is kept in the list of deliveries.
_LONGEST_PROBLEM: Final = 4_000

#: Wrong fields that are told to a sender, and characters of the path of one.
_MOST_FIELDS: Final = 20
_LONGEST_FIELD: Final = 100


@dataclass(frozen=True)
class Taken:
    """What became of a delivery.

    Attributes:
        id: the delivery's own id.
        kind: its kind.
        runs: the workflow ids of the runs that it starts.
        is_new: whether it had not been taken in before.
    """

    id: str
    kind: str
    runs: Sequence[str]
    is_new: bool


@dataclass(frozen=True)
class _Judged:
    """A delivery, and what is to be made of it.

    Attributes:
        delivery: it.
        targets: the jobs that it is for.
        fields: what is wrong with it, for the sender.
    """

    delivery: Delivery
    targets: Sequence[Target]
    fields: Sequence[Mapping[str, str]]


class Intake:
    """Takes deliveries in.

    Args:
        jobs: those that deliveries may start.
        reader: checks signatures.
        spool: where they are written down.
    """

    def __init__(self, jobs: Iterable[Job], reader: RequestReader, spool: Spool) -> None:
        self._jobs = list(jobs)
        self._by_name = {job.name: job for job in self._jobs}
        self._reader = reader
        self._spool = spool
        self._under_way = 0
        self._large = ThreadPoolExecutor(1, thread_name_prefix="terse-intake")
        self._models = ThreadPoolExecutor(_MODELS_AT_ONCE, thread_name_prefix="terse-models")

    @property
    def under_way(self) -> int:
        """How many senders wait for their answer."""
        return self._under_way

    def close(self) -> None:
        """Let go of the threads."""
        self._large.shutdown(wait=False, cancel_futures=True)
        self._models.shutdown(wait=False, cancel_futures=True)

    async def take(
        self, source: str, headers: Headers, raw_body: bytes, *, job: str | None = None, method: str = "POST"
    ) -> Taken | NoDelivery:
        """Take one request in.

        Args:
            source: whose address it came to.
            headers: in pairs.
            raw_body: as it came.
            job: the name of the job whose own address it is.
            method: of the request.

        Raises:
            Refusal: it is not genuine, not readable, fits none of the jobs that it is for, or the spool is full.
        """
        read = partial(
            self._reader.read_request, source, headers, raw_body, job=job, now=datetime.now(UTC), method=method
        )
        self._under_way += 1
        try:
            return await self._take(read, raw_body)
        finally:
            self._under_way -= 1

    async def _take(self, read: Callable[[], Delivery | NoDelivery], raw_body: bytes) -> Taken | NoDelivery:
        judged: _Judged | NoDelivery
        if len(raw_body) > _LARGE:
            judge = partial(self._judge_large, read, len(raw_body))
            judged = await asyncio.get_running_loop().run_in_executor(self._large, judge)
        else:
            found = read()
            judged = found if isinstance(found, NoDelivery) else await self._judge(found, len(raw_body))
        if isinstance(judged, NoDelivery):
            return judged
        delivery, targets = judged.delivery, judged.targets
        about = f"{delivery.id} {delivery.kind}"
        try:
            put = await self._spool.put(delivery, raw_body, targets)
        except SpoolError as error:
            raise spool_unusable(error, about) from error
        if put.targets and all(target.problem is not None for target in put.targets):
            message = "The body does not fit what the job takes."
            raise Refusal(422, "event_does_not_fit", message, fields=judged.fields, about=about)
        runs = [target.run_id for target in put.targets if target.problem is None]
        return Taken(delivery.id, delivery.kind, runs, put.is_new)

    async def _judge(self, delivery: Delivery, size: int) -> _Judged:
        concerned = self._concerned(delivery)
        if not concerned:
            return _Judged(delivery, (), ())
        held = asyncio.get_running_loop().run_in_executor(self._models, _hold, concerned, delivery, size)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await held
        except TimeoutError:
            names = ", ".join(job.name for job, _ in concerned)
            _logger.warning("the models of %s take long to read an event: it is taken in unread", names)
            return _Judged(delivery, [_target(job, delivery) for job, _ in concerned], ())

    def _judge_large(self, read: Callable[[], Delivery | NoDelivery], size: int) -> _Judged | NoDelivery:
        found = read()
        return found if isinstance(found, NoDelivery) else _hold(self._concerned(found), found, size)

    def _concerned(self, delivery: Delivery) -> _Concerned:
        jobs = self._jobs if delivery.job is None else [self._by_name[delivery.job]]
        return [(job, trigger) for job in jobs if (trigger := trigger_for(job, delivery)) is not None]


def _hold(concerned: _Concerned, delivery: Delivery, size: int) -> _Judged:
    """Hold a delivery against the jobs that it is for."""
    targets: list[Target] = []
    fields: list[Mapping[str, str]] = []
    for job, trigger in concerned:
        problem, wrong = _problem(job, trigger, delivery, size)
        targets.append(_target(job, delivery, problem))
        fields += (field for field in wrong if field not in fields)
    return _Judged(delivery, targets, fields[:_MOST_FIELDS])


def _target(job: Job, delivery: Delivery, problem: str | None = None) -> Target:
    return Target(job.name, f"{job.name}/{delivery.run_suffix}", problem)


def spool_unusable(error: SpoolError, about: str = "") -> Refusal:
    """Return the answer where nothing can be written down; why is for the log."""
    is_full = isinstance(error, SpoolFullError)
    code = "spool_full" if is_full else "spool_unusable"
    message = f"The gateway {'has no room left' if is_full else 'cannot write deliveries down'}. Try again later."
    return Refusal(503, code, message, retry_after=60, about=about, why=str(error))


def _problem(
    job: Job, trigger: Trigger, delivery: Delivery, size: int
) -> tuple[str | None, Sequence[Mapping[str, str]]]:
    """Return what is wrong with a delivery for a job, if anything is: for the operator, and for the sender."""
    try:
        check_id(f"{job.name}/{delivery.run_suffix}", f"a delivery for the job {job.name!r} ({job.where})")
        event = event_for_run(job, trigger, delivery, size)
        read_event(event, expected_event(job), job=job.name, where=job.where, namespace=home_namespace(job))
    except (EventError, StartError, JobDefinitionError) as error:
        return _described(str(error)), _wrong_fields(error.__cause__)
    except (Exception, SystemExit) as error:  # a validator of a model is anybody's code
        text = f"the event of the job {job.name!r} ({job.where}) cannot be read: {type(error).__name__}: {error}"
        return _described(text), ()
    return None, ()


def _described(problem: str) -> str:
    return shorten(redact(problem, _LONGEST_PROBLEM), _LONGEST_PROBLEM)  # cut, and then printable


def _wrong_fields(error: BaseException | None) -> Sequence[Mapping[str, str]]:
    """Return the paths of wrong fields, and what kind of mistake each is; no text in which a value may stand."""
    if not isinstance(error, ValidationError):
        return ()
    return [
        {
            "field": shorten(".".join(map(str, detail["loc"])) or "(the body)", _LONGEST_FIELD),
            "problem": shorten(detail["type"], _LONGEST_FIELD),
        }
        for detail in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_FIELDS]
    ]
