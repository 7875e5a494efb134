"""What type checkers make of `connect` and `build_worker`. Checked by mypy (tests/test_typing.py), and never run."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from temporalio.client import Client
from temporalio.worker import Worker

from terse_temporal import create_job
from terse_temporal.client import connect
from terse_temporal.plugin import TersePlugin
from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker


@create_job(name="a")
async def job(event: dict[str, int]) -> None: ...


async def connections() -> None:
    client = await connect(target_host="127.0.0.1:7233", namespace=None, tls=True, plugins=[TersePlugin()])
    assert_type(client, Client)
    assert_type(build_worker(client), Worker)
    build_worker(client, jobs=[job], task_queue="mail", graceful_shutdown_timeout=timedelta(minutes=1))

    await connect(name_space="shop")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await connect(namespace=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    build_worker(client, max_cached_workflow=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    build_worker(client, graceful_shutdown_timeout="1m")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    build_worker(client, jobs=["a"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


async def environments(env: JobEnvironment) -> None:
    async with env.worker([job], max_cached_workflows=0) as worker:
        assert_type(worker, Worker)
    async with env.worker([job], max_cached_workflow=0):  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        pass
