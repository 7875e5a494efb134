"""Execution in place: inside a step, and in a job that is not durable.

Nothing is recorded here, so calls that only make sense with a record (`job_step`, `sleep`) are refused. What is a
step by itself in a durable job (a tool, a model, the state) runs where it is called, by the same rules: its arguments
and its result pass through JSON, and it is retried as it would be there.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from ..diagnostics.logs import log_text, logger_of
from ..diagnostics.redaction import error_text
from ..errors import DurableOnlyError, UnknownToolError
from ..serialization.payload_limits import largest_payload
from ..serialization.serializer import shared_serializer
from .input_requests import InputRequest
from .perform import Call, perform, record_arguments
from .protocol import UNSET, Execution, RunIdentity, StepContext, StepRequest, current_execution
from .recorded_results import RecordedResults
from .retries import next_delay
from .run_events import EventToSend, EventWait
from .token_usage import Tokens

__all__ = ["LONGEST_WAIT", "DirectExecution", "execution_for_call", "not_durable", "write_log"]

_logger = logger_of("job")


def write_log(text: str, level: int = logging.INFO) -> None:
    """Write a line of a job's own log, to `logging` where that would show it, else to standard output."""
    if _logger.isEnabledFor(level) and _logger.hasHandlers():
        _logger.log(level, "%s", text)
    elif level >= logging.INFO:
        print(log_text(text), flush=True)


def not_durable(call: str, job: str, where: str) -> str:
    """Return why `call` is refused in a job that is not durable."""
    return (
        f"{call} was called in the job {job!r} ({where}), which is not durable. Add durable=True to its create_job()."
    )


#: The longest that a call in place waits before it is tried again, in seconds. A process is held meanwhile; in a
#: durable handler none is, and there a service may ask for any time.
LONGEST_WAIT: Final = 60.0


class DirectExecution:
    """Calls run where they are made. With `step`, it is the inside of one; without, a job that is not durable.

    Args:
        job: the job's name; empty outside a run.
        job_where: where that is created, for messages.
        step: the step that it is the inside of.
        key: what the idempotency keys of calls are made from, where there is no step.
        state: where the job's state is kept, and what it may hold; `None` where there is none.
        tokens: counts what model calls use.
        runs: the function that the step runs.
        run: the run that it is part of; `None` outside of one.
        server_namespace: the namespace that this is in; empty where that is not known.
        recorded_results: what calls of the run have come to; `None` in what is not recorded by itself.
    """

    is_durable = False
    records_calls = False
    run_operations = None
    serializer = shared_serializer

    def __init__(
        self,
        job: str,
        job_where: str,
        step: StepContext | None = None,
        *,
        key: str = "",
        state: Any = None,
        tokens: Tokens | None = None,
        runs: Callable[..., Any] | None = None,
        run: RunIdentity | None = None,
        server_namespace: str = "",
        recorded_results: RecordedResults | None = None,
    ) -> None:
        self.job = job
        self.recorded_results = recorded_results
        self.step_context = step
        self.state = state
        self.tokens = Tokens() if tokens is None else tokens
        self._job_where = job_where
        self._runs = runs
        self.run = run
        self.server_namespace = server_namespace
        self._key = step.idempotency_key if step else key or uuid.uuid4().hex
        self._occurrences: Counter[str] = Counter()

    def plain_step(
        self, function: Callable[..., Any], name: str, arguments: Mapping[str, Any]
    ) -> DirectExecution | None:
        if self._runs is not None and inspect.unwrap(self._runs) is inspect.unwrap(function):
            self._runs = None  # what it calls after that, itself perhaps, is no longer the step
            return None
        try:
            readable = json.loads(json.dumps(arguments, default=lambda each: type(each).__qualname__, skipkeys=True))
        except (ValueError, RecursionError):  # one contains itself, or is an integer of 5,000 digits
            readable = {}
        step = StepContext(
            name, self.step_context.attempt if self.step_context else 1, self._derived_key(name, readable)
        )
        return self._inside(step)

    def recorded(self, marker: str, value: bool) -> bool:
        return value

    def may_record(self, size: int, most: int) -> bool:
        return size <= max(most, largest_payload())

    def refusal(self, call: str) -> str:
        if not self.job:
            return (
                f"{call} was called outside a run. It is allowed in the handler of a durable job, started by a worker."
            )
        if self.step_context is not None:
            return (
                f"{call} was called inside the step {self.step_context.name!r} of the job {self.job!r}. A step runs in"
                " one piece: make the call in the handler of a durable job, before or after the step."
            )
        return not_durable(call, self.job, self._job_where)

    def call(self, request: StepRequest) -> Coroutine[Any, Any, Any]:
        if request.unknown:
            raise UnknownToolError(request.unknown)
        written = record_arguments(request, self.serializer)
        arguments = {} if written is None else written.data
        return self._attempts(request, arguments, self._derived_key(request.name, arguments))

    async def _attempts(self, request: StepRequest, arguments: dict[str, Any], key: str) -> Any:
        outer = self.step_context.attempt if self.step_context else 1
        attempt = 1
        while True:
            # Counted on from the step around it, so that no attempt of either looks like the first.
            context = StepContext(request.name, outer + attempt - 1, key, by_model=request.by_model)
            call = Call(
                function=request.run,
                reference=request.reference or "",
                context=context,
                timeout=request.timeout.total_seconds(),
                arguments=arguments,
                objects={**request.functions, **request.types},
                output_type=request.output_schema,
                job=self.job,
                within=self.step_context.idempotency_key if self.step_context else "",
            )
            try:
                result = await perform(call, self._inside(context))
                if request.as_json:
                    return result.data
                type_ = request.output_schema
                type_ = self.serializer.result_type(request.run) if type_ is UNSET else type_
                return self.serializer.codec(type_).load_text(result.text)
            except Exception as err:
                rule = request.retry
                wait = None if rule is None else next_delay(err, rule, attempt, listed=isinstance(err, rule.on))
                if wait is None or wait > LONGEST_WAIT:
                    raise
                _logger.warning(
                    "%s failed (attempt %d), tried again in %.1f s: %s", request.name, attempt, wait, error_text(err)
                )
                await asyncio.sleep(wait)
                attempt += 1

    def _inside(self, step: StepContext) -> DirectExecution:
        """Return the execution of what runs in place as a step of its own."""
        return DirectExecution(
            self.job,
            self._job_where,
            step,
            state=self.state,
            tokens=self.tokens,
            run=self.run,
            server_namespace=self.server_namespace,
        )

    def _derived_key(self, name: str, arguments: dict[str, Any]) -> str:
        """Return the same key for the same call of the next attempt of the step around it, in any order of calls."""
        call = json.dumps([name, arguments], sort_keys=True)
        occurrence = self._occurrences[call]
        self._occurrences[call] += 1
        return hashlib.sha256(json.dumps([self._key, call, occurrence]).encode()).hexdigest()[:32]

    def run_key(self, job: str) -> str:
        # By the occurrence alone, not by the event: a repeated attempt may make another, with another time in it.
        return self._derived_key("start_run", {"job": job})

    def ask(self, request: InputRequest) -> NoReturn:
        what = "wait_for_input()" if "tool" not in request.shown else "a tool that a person has to approve"
        raise DurableOnlyError(self.refusal(what))

    def wait_for_event(self, wait: EventWait) -> NoReturn:
        raise DurableOnlyError(self.refusal("wait_for_event()"))

    def send_event(self, event: EventToSend) -> None:
        return None

    def event_id(self, name: str, to: str) -> str | None:
        return None if self.step_context is None else self._derived_key("send_event", {"name": name, "to": to})

    def sleep(self, delay: timedelta) -> Coroutine[Any, Any, None]:
        raise DurableOnlyError(self.refusal("sleep()"))

    def now(self) -> datetime:
        return datetime.now(UTC)

    def uuid4(self) -> uuid.UUID:
        return uuid.uuid4()

    def log(self, text: str, level: int) -> None:
        write_log(text, level)


def execution_for_call() -> Execution:
    """Return the current execution, or outside any run (in a script, a test) one in which calls run in place."""
    return current_execution() or DirectExecution("", "outside a run")
