"""The workers that run in this process, for calls that want the client and the task queue of one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from temporalio.client import Client

__all__ = ["RunningWorker", "may_start_eagerly", "running_worker", "worker_running"]


@dataclass(frozen=True, slots=True, eq=False)
class RunningWorker:
    """A worker of this process, while it runs."""

    client: Client
    task_queue: str
    jobs: Collection[str]
    is_versioned: bool


_running: list[RunningWorker] = []


@contextmanager
def worker_running(
    client: Client, task_queue: str, jobs: Collection[str], *, is_versioned: bool = False
) -> Iterator[None]:
    """Have a worker found for the length of the block."""
    worker = RunningWorker(client, task_queue, frozenset(jobs), is_versioned)
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


def may_start_eagerly(client: Client, task_queue: str, job: str) -> bool:
    """Return whether the server may answer a start with the first task of the run, as a worker with this very
    connection takes it (Temporal's eager start).

    Not to one with a version of a deployment: which version a new run is for, the server decides.
    """
    return any(
        job in each.jobs
        and each.task_queue == task_queue
        and not each.is_versioned
        and each.client.namespace == client.namespace
        and each.client.service_client is client.service_client
        for each in _running
    )
