"""Whatever is done with a spool, in whatever order, it says what a dictionary would; also after it was closed, and
after its process was killed in the middle of writing.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import signal
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from terse_temporal.gateway.spool import Put, Spool, SpoolFile, Target

from .deliveries import delivery, raw, targets

#: Long enough that what has failed is never due again in a test, and no longer than a wait may be.
LATER = timedelta(seconds=100)


@dataclass
class Known:
    """A delivery, as the model has it."""

    order: int
    jobs: dict[str, str | None] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    offered: bool = False

    def targets(self, id: str) -> tuple[Target, ...]:
        return tuple(Target(job, f"{job}/github:{id}", problem) for job, problem in self.jobs.items())

    def due(self) -> list[str]:
        waiting = [job for job, problem in self.jobs.items() if problem is None and job not in self.started]
        return sorted(job for job in waiting if job not in self.later)


#: Deliveries by their id, and the jobs that each is for.
JOBS = {"none": [], "one": ["a"], "two": ["a", "b"], "three": ["c", "b", "a"]}


class Machine(RuleBasedStateMachine):
    """A spool, and a dictionary beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.model: dict[str, Known] = {}
        self.spool = Spool(self.directory.name)
        self.runner.run(self.spool.open())

    def teardown(self) -> None:
        self.runner.run(self.spool.close())
        self.runner.close()
        self.directory.cleanup()

    @rule(id=st.sampled_from(sorted(JOBS)), wrong=st.sets(st.sampled_from("abc")))
    def put(self, id: str, wrong: set[str]) -> None:
        """A delivery comes, or comes again; jobs refuse it, or do not any more."""
        each = delivery(id)
        read = {job: "it does not fit" if job in wrong else None for job in JOBS[id]}
        put = self.runner.run(
            self.spool.put(each, raw(each), [Target(job, f"{job}/github:{id}", read[job]) for job in read])
        )
        is_new = id not in self.model
        known = self.model.setdefault(id, Known(len(self.model), dict(read)))
        for job, problem in known.jobs.items():
            if problem is not None:
                known.jobs[job] = read[job]
        assert put == Put(is_new, known.targets(id))

    @precondition(lambda self: any(known.due() for known in self.model.values()))
    @rule(data=st.data(), what=st.sampled_from(["started", "failed", "refused"]))
    def hand_on(self, data: st.DataObject, what: str) -> None:
        """Something becomes of a start that is due."""
        pending = data.draw(st.sampled_from(self.runner.run(self.spool.waiting(100))))
        assert pending.target is not None
        known, job = self.model[pending.delivery.id], pending.target.job
        if what == "started":
            known.started.add(job)
            self.runner.run(self.spool.started(pending.number, job))
        elif what == "failed":
            known.later.add(job)
            self.runner.run(self.spool.failed(pending.number, job, "busy", retry_at=datetime.now(UTC) + LATER))
        else:
            known.jobs[job] = "never"
            self.runner.run(self.spool.refused(pending.number, job, "never"))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def try_again(self, data: st.DataObject) -> None:
        """Somebody has a delivery tried again."""
        rows = SpoolFile(Path(self.directory.name)).deliveries()
        row = data.draw(st.sampled_from(rows))
        known = self.model[row.id]
        open_jobs = [job for job in known.jobs if job not in known.started]
        assert SpoolFile(Path(self.directory.name)).retry(row.number) == open_jobs
        for job in open_jobs:
            known.jobs[job] = None
            known.later.discard(job)

    @rule()
    def offer(self) -> None:
        """What is there is offered to the runs that wait."""
        found = self.runner.run(self.spool.to_offer("github", 2))
        expected = sorted((known.order, name) for name, known in self.model.items() if not known.offered)[:2]
        assert [each.delivery.id for each in found] == [name for _, name in expected]
        self.runner.run(self.spool.offered_to_all([each.number for each in found]))
        for _, name in expected:
            self.model[name].offered = True

    @rule()
    def restart(self) -> None:
        """The gateway is ended, and started again; what has failed is tried at once."""
        for known in self.model.values():
            known.later.clear()
        self.runner.run(self.spool.close())
        self.spool = Spool(self.directory.name)
        self.runner.run(self.spool.open())

    @invariant()
    def says_what_the_model_says(self) -> None:
        """What is due is that, in order; nothing is empty that is not."""
        due = self.runner.run(self.spool.waiting(100))
        in_order = sorted(self.model.items(), key=lambda item: item[1].order)
        assert [(each.delivery.id, each.target.job) for each in due if each.target] == [
            (name, job) for name, known in in_order for job in known.due()
        ]
        empty = all(
            known.offered and all(job in known.started or problem for job, problem in known.jobs.items())
            for known in self.model.values()
        )
        assert self.runner.run(self.spool.is_empty()) == empty
        rows = SpoolFile(Path(self.directory.name)).deliveries()[::-1]
        assert [row.id for row in rows] == [name for name, _ in in_order]


def test_it_is_what_the_model_is() -> None:
    """A spool is equal to its model after every step."""
    run_state_machine_as_test(Machine, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))


def _put_until_killed(directory: str, first: int, told: int) -> None:
    """Put deliveries, thirty at once, and tell of each that is stored."""

    async def put_all(spool: Spool, numbers: range) -> None:
        for number in numbers:
            each = delivery(str(number), body={"text": str(number) * random.choice((10, 3_000))})
            await spool.put(each, raw(each), targets(each, "a", "b"))
            os.write(told, f"{number}\n".encode())

    async def run() -> None:
        async with Spool(directory) as spool:
            await asyncio.gather(*(put_all(spool, range(first + lane, first + 100_000, 30)) for lane in range(30)))

    asyncio.run(run())


@pytest.mark.server
def test_killed_in_the_middle_of_writing(tmp_path: Path) -> None:
    """What was stored is there, whole, after the process was killed at any moment; and another may have the spool."""
    stored: set[str] = set()
    for turn in range(5):
        reading, writing = os.pipe()
        process = multiprocessing.get_context("fork").Process(
            target=_put_until_killed, args=(str(tmp_path), turn * 100_000, writing)
        )
        process.start()
        os.close(writing)
        with os.fdopen(reading) as told:
            stored.update(told.readline().strip() for _ in range(random.randint(1, 200)))
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            lines = told.read().splitlines(keepends=True)
        process.join()
        stored.update(line.strip() for line in lines if line.endswith("\n"))

    async def look() -> None:
        async with Spool(tmp_path) as spool:
            rows = SpoolFile(tmp_path).deliveries()
            assert {row.id for row in rows} >= stored
            for row in rows:
                found = SpoolFile(tmp_path).body(row.number)
                assert found is not None
                text = found[1]["text"]
                assert text == row.id * (len(text) // len(row.id))
                assert len(json.dumps(found[1])) == row.size
                assert [(each.job, each.state) for each in row.targets] == [("a", "waiting"), ("b", "waiting")]
            assert len(await spool.waiting(10)) == 10

    asyncio.run(look())
