"""A gateway that people reach with a browser: on a port of its own, beside a worker with jobs that ask."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

from temporalio.client import Client, WorkflowHandle

from terse_temporal import Job
from terse_temporal.gateway import build_app
from terse_temporal.gateway.server import GatewayServer, listen
from terse_temporal.gateway.settings import Limits
from terse_temporal.inputs import InputQuestion, question_link
from terse_temporal.runs.inputs import questions_of
from terse_temporal.testing import JobEnvironment

from ..waiting import SOON, until
from .jobs_browser import ALL

__all__ = ["OPERATOR", "Asked", "Site", "serve_site"]

_KEY: Final = "a key that is only for tests 0123456789"

#: The token by which an operator of the tests logs in; they are called Olivia.
OPERATOR: Final = "operator-token-of-the-tests-0123456789"

_ENVIRONMENT: Final = {"TERSE_GATEWAY_KEY": _KEY, "TERSE_OPERATOR_TOKEN": f"Olivia:{OPERATOR}"}

Run = WorkflowHandle[Any, Any]


@dataclass(frozen=True)
class Asked:
    """A question that a run asks.

    Attributes:
        run: it.
        question: what it asks.
        link: to its page, for nobody in particular.
        site: which serves it.
    """

    run: Run
    question: InputQuestion
    link: str
    site: Site

    def link_for(self, respondent: str) -> str:
        """Return the link that is sent to somebody."""
        return self.site.link(self.question, respondent)

    async def result(self) -> Any:
        """Return the result of the run."""
        async with asyncio.timeout(SOON):
            return await self.run.result()


class Site:
    """The gateway's site.

    Args:
        env: the server of the tests.
        client: of it, for runs that take as long as they say.
        address: of the gateway.
        task_queue: of the worker.
    """

    def __init__(self, env: JobEnvironment, client: Client, address: str, task_queue: str) -> None:
        self.env = env
        self.client = client
        self.address = address
        self.task_queue = task_queue

    def link(self, question: InputQuestion, respondent: str = "") -> str:
        """Return the link to the page of a question."""
        link = question_link(question, respondent, environ={**_ENVIRONMENT, "TERSE_GATEWAY_URL": self.address})
        assert link is not None
        return link

    async def ask(self, job: Job, *, id: str | None = None, task_queue: str | None = None, **event: Any) -> Asked:
        """Start a run, on the wall clock, and return its question as soon as it is asked."""
        run = await self.client.start_workflow(
            job.name, event, id=id or f"{job.name}/{uuid.uuid4()}", task_queue=task_queue or self.task_queue
        )
        found: list[InputQuestion] = []

        async def is_asked() -> bool:
            found[:] = (await questions_of(self.client, run.id))[0]
            return bool(found)

        await until(is_asked, f"{run.id} asks")
        return Asked(run, found[0], self.link(found[0]), self)


@asynccontextmanager
async def serve_site(env: JobEnvironment, spool: Path, *, port: int = 0) -> AsyncIterator[Site]:
    """A gateway and a worker for the length of the block."""
    task_queue = f"test-{uuid.uuid4()}"
    client = await Client.connect(env.address, namespace=env.client.namespace)
    with mock.patch.dict(os.environ, _ENVIRONMENT):
        app = build_app(ALL, client=client, spool=spool, task_queue=task_queue)
    listening = listen("127.0.0.1", port)
    ready = asyncio.Event()
    server = GatewayServer(app, Limits(), on_ready=ready.set)
    async with env.worker(ALL, task_queue=task_queue), app.state.gateway.running():
        serving = asyncio.create_task(server.serve([listening]))
        try:
            await ready.wait()
            yield Site(env, client, f"http://127.0.0.1:{listening.getsockname()[1]}", task_queue)
        finally:
            server.stop()
            server.stop()  # at once, whatever connection the browser keeps
            await serving
            listening.close()
