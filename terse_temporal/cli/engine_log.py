"""The log of the engine, brought down to what a person needs.

The SDK logs in two voices. Its Python half repeats a whole traceback for every retry of a run that waits; its Rust half
writes past Python to standard error, in its own colours, once a poller (there are twenty) when a server is gone. Both
come through one filter here. What the worker already says in its own words is dropped, what repeats is said once, and a
server that is gone is said once, and once more when it is back. With `--debug` there is no filter.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from datetime import timedelta
from typing import Any, Final

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from ..diagnostics.logs import logger_of
from ..diagnostics.once import Once
from ..durations import format_duration
from ..engine.sdk_private import logged_failure
from ..errors import UnknownJobError
from ..serialization.wire_names import TAGS_ATTRIBUTE

__all__ = ["EngineLog", "ServerWatch", "quiet_runtime"]

_logger = logger_of("worker")

#: Where the records of the Rust half arrive.
_CORE: Final = logging.getLogger("temporalio.core")

#: Said by the worker itself, in its own words: a run that waits for its code, and a step that failed.
_LOGGED_BY_US: Final = ("Failing workflow task", "Activity not found on completion")

#: A call that is being repeated because nothing is at the other end.
_UNREACHABLE: Final = re.compile(r"code: (Unavailable|Unknown|DeadlineExceeded)|transport error|tcp connect error")

_RUN_ID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_COUNT: Final = re.compile(r"\d+")

_PROBE_EVERY: Final = 0.5  # seconds
_PROBE_TIMEOUT: Final = timedelta(seconds=2)


def quiet_runtime() -> Runtime:
    """Return a runtime of the SDK whose Rust half logs through Python."""
    forwarding = LogForwardingConfig(
        _CORE, append_target_to_name=False, prepend_target_on_message=False, append_log_fields_to_message=False
    )
    levels = TelemetryFilter(core_level="WARN", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=levels, forwarding=forwarding)))


class EngineLog(logging.Filter):
    """Lets a record of the SDK through if it is news. Records of others all pass.

    Args:
        server: told when the log says that the server does not answer.
    """

    def __init__(self, server: ServerWatch) -> None:
        super().__init__()
        self._server = server
        self._logged = Once()

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("temporalio"):
            return True
        if record.levelno < logging.WARNING:
            return False
        core = getattr(record, "temporal_log", None)
        return self._python(record) if core is None else self._core(record, core.fields)

    def _python(self, record: logging.LogRecord) -> bool:
        kind = logged_failure(record)
        if kind == "ActivityFailure":  # the worker says it in one line, with the user's own traceback
            return False
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if kind == "WorkflowTaskFailure" and type(error).__name__ == UnknownJobError.__name__:  # said by the worker
            return False
        # The same again is a retry: of a run that waits, or of a step that cannot be handed in.
        return self._is_new(f"{record.getMessage()} {error!r}")

    def _core(self, record: logging.LogRecord, fields: dict[str, Any]) -> bool:
        if record.msg.startswith(_LOGGED_BY_US):
            return False
        detail = " ".join(f"{name}={value}" for name, value in fields.items())
        if _UNREACHABLE.search(f"{record.msg} {detail}"):
            self._server.check()
            return False
        if not self._is_new(f"{record.msg} {detail}"):
            return False
        record.msg, record.args = "engine: %s %s", (record.msg, detail)
        if TAGS_ATTRIBUTE in detail:
            record.msg += " (a job starts a run with tags: create the search attribute with `terse-temporal setup`)"
        return True

    def _is_new(self, text: str) -> bool:
        # A run is told from another by its id; counts of retries do not make the same thing another.
        ids = " ".join(_RUN_ID.findall(text))
        return self._logged.is_new(f"{ids} {_COUNT.sub('', _RUN_ID.sub('', text))}")


class ServerWatch:
    """Logs that the server does not answer, and when it does again. It asks only while something is amiss."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._probing: asyncio.Task[None] | None = None

    def attach(self, client: Client) -> None:
        """Use a client, on the loop that runs."""
        self._client, self._loop = client, asyncio.get_running_loop()

    def detach(self) -> None:
        """Log no more: the worker is ending."""
        self._loop = None
        if self._probing is not None:
            self._probing.cancel()

    def check(self) -> None:
        """Check whether the server answers, as something went wrong on the way to it. Called on any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._probe)

    def _probe(self) -> None:
        if self._loop is not None and (self._probing is None or self._probing.done()):
            self._probing = self._loop.create_task(self._probe_until_it_answers())

    async def _probe_until_it_answers(self) -> None:
        assert self._client is not None
        server = self._client.service_client.config.target_host
        since = time.monotonic()
        is_logged = False
        while (reason := await self._unreachable_because()) is not None:
            if not is_logged:
                is_logged = True
                _logger.warning(
                    "the server at %s does not answer: %s. The worker keeps trying, and goes on when it is back;"
                    " what is running goes on meanwhile.",
                    server,
                    reason,
                )
            await asyncio.sleep(_PROBE_EVERY)
        if is_logged:
            gone = timedelta(seconds=round(time.monotonic() - since, 1))
            _logger.warning("the server at %s answers again, after %s", server, format_duration(gone))

    async def _unreachable_because(self) -> str | None:
        """Return why the server does not answer, or `None` if it does."""
        assert self._client is not None
        try:
            await self._client.workflow_service.get_system_info(
                GetSystemInfoRequest(), retry=False, timeout=_PROBE_TIMEOUT
            )
        except Exception as err:
            return str(err) or type(err).__name__
        return None
