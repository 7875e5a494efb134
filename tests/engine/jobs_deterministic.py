"""Jobs that read the clock and random numbers. It is recorded in a step at once, and compared at the end."""

from __future__ import annotations

import datetime as dt
import importlib
import pickle
import random
import time
import uuid
from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from terse_temporal import Event, create_job, job_step, now, sleep
from terse_temporal import uuid4 as terse_uuid4
from tests.effects import record


class Stamped(BaseModel):
    at: datetime = Field(default_factory=datetime.now)
    day: date = Field(default_factory=date.today)
    id: UUID = Field(default_factory=uuid.uuid4)


class Moment(datetime):
    """A class derived from a deterministic one."""


def shuffled() -> list[int]:
    numbers = list(range(20))
    random.shuffle(numbers)
    return numbers


#: Each reads something that differs from call to call outside a run.
READS: dict[str, Callable[[], Any]] = {
    "datetime.now": lambda: datetime.now().isoformat(),
    "datetime.now in a zone": lambda: datetime.now(timezone.utc).isoformat(),  # noqa: UP017  # as people write it
    "datetime.utcnow": lambda: datetime.utcnow().isoformat(),
    "datetime.today": lambda: datetime.today().isoformat(),
    "module datetime": lambda: dt.datetime.now(dt.UTC).isoformat(),
    "derived": lambda: Moment.now().isoformat(),
    "time.time": lambda: time.time(),
    "time.time_ns": lambda: time.time_ns(),
    "time.monotonic": lambda: time.monotonic(),
    "time.perf_counter": lambda: time.perf_counter(),
    "time.clock_gettime": lambda: time.clock_gettime(time.CLOCK_REALTIME),
    "random": lambda: random.random(),
    "randint": lambda: random.randint(1, 10**12),
    "choices": lambda: random.choices(range(10**6), k=3),
    "sample": lambda: random.sample(range(10**6), 3),
    "gauss": lambda: random.gauss(0, 1),
    "shuffle": shuffled,
    "getrandbits": lambda: random.getrandbits(64),
    "Random()": lambda: random.Random().random(),
    "uuid4": lambda: str(uuid.uuid4()),
    "terse uuid4": lambda: str(terse_uuid4()),
    "terse now": lambda: now().isoformat(),
    "default factories": lambda: Stamped().model_dump(mode="json"),
}

#: Coarser than a test is long, so that these are the same in two runs.
COARSE: dict[str, Callable[[], Any]] = {
    "date.today": lambda: date.today().isoformat(),
    "time.strftime": lambda: time.strftime("%Y-%m"),
    "time.localtime": lambda: list(time.localtime())[:2],
    "Random(seed)": lambda: random.Random(5).random(),
    "default day": lambda: Stamped().day.isoformat(),
}


@create_job(name="pinned", durable=True)
async def pinned(event: Event) -> dict[str, Any]:
    read = {name: reading() for name, reading in (READS | COARSE).items()}
    first = await job_step(run=lambda data: data, input=read)
    await sleep("2h")
    await job_step(run=record_reading, input={"effects": event.effects})
    later = {name: reading() for name, reading in READS.items()}
    second = await job_step(run=lambda data: data, input=later)
    return {"first": first, "now": read, "later": later, "second": second}


def record_reading(data: dict[str, Any]) -> None:
    record(data["effects"], "read")


@create_job(name="pinned-types", durable=True)
async def types(event: Event) -> list[bool]:
    moment, day = datetime.now(), date.today()
    return [
        isinstance(moment, datetime),
        isinstance(moment, date),
        not isinstance(day, datetime),
        isinstance(now(), datetime),
        isinstance(datetime(2025, 1, 2), datetime),
        isinstance(datetime.fromisoformat("2025-01-02"), datetime),
        isinstance(Moment.now(), Moment),
        issubclass(Moment, datetime),
        isinstance(uuid.uuid4(), UUID),
        isinstance(random.Random(1), random.Random),
        isinstance(Stamped().at, datetime),
        Stamped.model_validate({"at": "2025-01-02T03:04:05"}).at == datetime(2025, 1, 2, 3, 4, 5),
        datetime.combine(day, dt.time(1)).date() == day,
        moment - dt.timedelta(days=1) < moment,
        abs(moment.timestamp() - time.time()) < 0.001,
        datetime.max > moment,
        datetime.strptime("2025", "%Y") == datetime(2025, 1, 1),
        type(moment) == datetime and datetime == type(moment),  # noqa: E721  # as people write it
        {datetime: "a moment", date: "a day"}.get(type(day)) == "a day",
        (datetime.__name__, date.__qualname__, datetime.__module__) == ("datetime", "date", "datetime"),
        issubclass(datetime, date) and not issubclass(date, datetime),
        pickle.loads(pickle.dumps(datetime)) == datetime,
        not isinstance(random.Random(1), random.SystemRandom),
        importlib.import_module("datetime").datetime.now() == moment,
    ]


@create_job(name="unpinned-in-a-step", durable=True)
async def in_a_step(event: Event) -> float:
    return await job_step(run=lambda: time.time())


@create_job(name="seeded", durable=True)
async def seeded(event: Event) -> list[Any]:
    random.seed(7)
    made = [random.random(), str(uuid.uuid4()), str(terse_uuid4()), random.Random().random()]
    await job_step(run=lambda: None)
    return [*made, str(uuid.uuid4())]
