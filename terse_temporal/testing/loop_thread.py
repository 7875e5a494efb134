"""What runs behind the tests of a session: an event loop in a thread, with the server and its clients.

Every test may have a loop of its own, by the scope that pytest-asyncio gives it, and a client or a worker belongs to
the loop it was made on. On a loop that lasts as long as the session they outlive the tests and their fixtures, whatever
those use; a test that stands still in a debugger does not stop the workers either.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.testing import TimeSkipper

from ..client import connect
from ..converter import with_environment
from ..errors import JobTestError
from .crashes import ForkServers
from .environment import JobEnvironment

__all__ = ["LoopThread"]

_T = TypeVar("_T")


class LoopThread:
    """The server of a test session, and the thread that talks to it.

    Args:
        address: `host:port` of a server that is there; `None` starts one.
        namespace: on that server.
    """

    client: Client
    skipper: TimeSkipper

    def __init__(self, address: str | None = None, namespace: str | None = None) -> None:
        self._address = address
        self._namespace = namespace
        # The SDK's Rust half would print past pytest.
        self.runtime: Runtime = Runtime(telemetry=TelemetryConfig(logging=None))
        #: Where the worker processes of crash tests come from: used on the thread, and closed with it.
        self.fork_servers: ForkServers = ForkServers()
        self._open = AsyncExitStack()
        self._loop = asyncio.new_event_loop()
        # A daemon: a session that is ended in the middle of a test must not wait for it.
        self._thread = threading.Thread(target=self._loop.run_forever, name="terse-testing", daemon=True)

    @property
    def address(self) -> str:
        """`host:port` of the server."""
        return self.client.service_client.config.target_host

    @property
    def own_server(self) -> bool:
        """Whether the server was started for the session, and goes with it."""
        return self._address is None

    def start(self) -> None:
        """Start the server, or connect to the one that is there.

        Raises:
            MissingExtraError, ServerUnavailableError: there is none.
        """
        self._thread.start()
        try:
            self.wait(self._connect())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, and the thread. In this order: the kernel ends the server with its thread."""
        self.wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, doing: Coroutine[Any, Any, _T]) -> _T:
        """Do it on the thread, and hold this one until it is done."""
        __tracebackhide__ = True
        if threading.current_thread() is self._thread:
            doing.close()
            raise JobTestError(
                "this was called in a step, on the thread of the workers, where it would wait for itself"
            )
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

    async def run(self, doing: Coroutine[Any, Any, _T]) -> _T:
        """Do it on the thread; this loop goes on meanwhile."""
        __tracebackhide__ = True
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(doing, self._loop))

    async def _connect(self) -> None:
        if self._address is None:
            environment = await self._open.enter_async_context(JobEnvironment(skip_time=False))
            theirs = environment.client.namespace
            self.client = await Client.connect(
                environment.address, namespace=theirs, runtime=self.runtime, data_converter=with_environment()
            )
        else:
            self.client = await connect(target_host=self._address, namespace=self._namespace, runtime=self.runtime)
        self.skipper = TimeSkipper(self.client)

    async def _close(self) -> None:
        await self.fork_servers.close()
        await self._open.aclose()
        current = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not current]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()
