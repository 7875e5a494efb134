"""What a turn of a model costs, as a conversation grows: bytes and events of the history, time, and memory.

One run asks a model again and again, which calls a tool each time that returns so many random bytes, which nothing can
compress. The model is in this process and answers at once, so the time is this package's, pydantic-ai's and the
server's. With more than one worker the turns are whoever's polls first, and each reads what the others have added.
"""

from __future__ import annotations

import random
import resource
import time
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.usage import RequestUsage
from rich.console import Console
from rich.table import Table
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from terse_temporal import Event, create_job, generate_text, toolbox
from terse_temporal.client import connect
from terse_temporal.devserver import DevServer
from terse_temporal.execution.test_doubles import CallDoubles, FunctionCall, use_doubles
from terse_temporal.testing.answering_model import answering_model
from terse_temporal.worker import build_worker

__all__ = ["measure_conversation"]

_QUEUE: Final = "conversation"

_ROWS: Final = 10


@toolbox.tool("bench_pages.read", read_only=True)
def read_page(number: int, size: int) -> str:
    """Return a page of random letters."""
    return random.Random(number).randbytes(size // 2).hex()


@create_job(name="benchmark-conversation", durable=True)
async def converse(event: Event) -> str:
    """Have a conversation of so many turns."""
    return await generate_text(prompt="Read all pages", skills=["bench_pages"], max_turns=event.turns)


@dataclass(frozen=True)
class _Turn:
    began: float
    cpu: float
    memory: float


async def measure_conversation(*, turns: int = 1_000, size: int = 20_000, workers: int = 1) -> None:
    """Measure, and print a table.

    Args:
        turns: of the model, the last of which ends the conversation.
        size: bytes that the tool returns in each.
        workers: that share them.
    """
    asked: list[_Turn] = []

    async def respond(messages: list[Any], info: Any) -> ModelResponse:
        used = resource.getrusage(resource.RUSAGE_SELF)
        asked.append(_Turn(time.perf_counter(), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))
        number = sum(isinstance(each, ModelResponse) for each in messages)
        heard = sum(
            len(str(part.content)) for each in messages for part in each.parts if part.part_kind == "tool-return"
        )
        assert heard == number * size, f"turn {number} has heard {heard} bytes"
        # Otherwise pydantic-ai counts the words of all that was said.
        usage = RequestUsage(input_tokens=1, output_tokens=1)
        if number == turns - 1:
            return ModelResponse(parts=[TextPart("done")], finish_reason="stop", usage=usage)
        call = ToolCallPart(info.function_tools[0].name, {"number": number, "size": size})
        return ModelResponse(parts=[call], finish_reason="stop", usage=usage)

    async def proceed(call: FunctionCall) -> Any:
        return await call.proceed()

    model = answering_model(respond, name="bench")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(DevServer())
        client = await connect(target_host=server.address)
        stack.enter_context(use_doubles(CallDoubles(call=proceed, model=lambda _: model)))
        for _ in range(workers):
            # Each with a client of its own: one client has one worker of a task queue.
            own = await connect(target_host=server.address)
            await stack.enter_async_context(build_worker(own, jobs=[converse], task_queue=_QUEUE))
        run = await client.start_workflow(
            converse.name, {"turns": turns}, id=f"conversation-{uuid.uuid4()}", task_queue=_QUEUE
        )
        assert await run.result() == "done"
        events, run_id = list[HistoryEvent](), run.first_execution_run_id
        while run_id:  # until the last history, where it has continued as new by itself
            events += (await client.get_workflow_handle(run.id, run_id=run_id).fetch_history()).events
            run_id = events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    _print(asked, _by_turn(events), sum(each.ByteSize() for each in events))


def _by_turn(events: Sequence[HistoryEvent]) -> list[list[HistoryEvent]]:
    """Return the events from each turn's schedule to the next."""
    found: list[list[HistoryEvent]] = []
    for event in events:
        scheduled = event.activity_task_scheduled_event_attributes.activity_type.name
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED and scheduled == "generate_text":
            found.append([])
        if found:
            found[-1].append(event)
    return found


def _print(asked: Sequence[_Turn], history: Sequence[Sequence[HistoryEvent]], whole: int) -> None:
    console = Console(width=110, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("turns", "history bytes / turn", "events / turn", "ms / turn", "CPU ms / turn", "peak MiB"):
        table.add_column(column, justify="right")
    step = max(1, (len(asked) - 1) // _ROWS)
    for begin in range(0, len(asked) - step, step):
        end = begin + step
        part = history[begin:end]
        table.add_row(
            f"{begin + 1}-{end}",
            f"{sum(event.ByteSize() for turn in part for event in turn) / step:,.0f}",
            f"{sum(map(len, part)) / step:.1f}",
            f"{(asked[end].began - asked[begin].began) / step * 1000:.0f}",
            f"{(asked[end].cpu - asked[begin].cpu) / step * 1000:.0f}",
            f"{asked[end].memory:.0f}",
        )
    console.print(table)
    console.print(f"{whole:,} bytes of history in {sum(map(len, history)):,} events")
