"""The workers that run in this process, for calls that want the client and the task queue of one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from temporalio.client import Client

__all__ = ["RunningWorker", "running_worker", "worker_running"]


@dataclass(frozen=True, slots=True, eq=False)
class RunningWorker:
    """A worker of this process, while it runs."""

    client: Client
    task_queue: str
    jobs: Collection[str]


_running: list[RunningWorker] = []


@contextmanager
def worker_running(client: Client, task_queue: str, jobs: Collection[str]) -> Iterator[None]:
    """Have a worker found for the length of the block."""
    worker = RunningWorker(client, task_queue, frozenset(jobs))
    _running.append(worker)
    try:
        yield
    finally:
        _running.remove(worker)


def running_worker(job: str = "", client: Client | None = None) -> RunningWorker | None:
    """Return a worker of this process: one that has the job if there is one, else any; of several the latest.

    Args:
        job: the job's name.
        client: only workers with this client count, if it is given.
    """
    found = [each for each in reversed(_running) if client is None or each.client is client]
    return next((each for each in found if job in each.jobs), found[0] if found else None)
