"""What type checkers make of starting runs and asking after them. Checked (tests/test_typing.py), and never run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_type

from terse_temporal import Run, RunInfo, RunTimeline, create_job, get_run, list_runs, start_run
from terse_temporal.errors import RunFailedError


@dataclass
class Order:
    order_id: str


@dataclass
class Receipt:
    paid: int


@create_job(name="pay", durable=True)
async def pay(order: Order) -> Receipt: ...  # type: ignore[empty-body]  # it is never run


@create_job(name="report")
def report(order: Order) -> str: ...  # type: ignore[empty-body]  # likewise


async def results() -> None:
    assert_type(await pay.run(Order("a")), Receipt)
    assert_type(await report.run(Order("a"), key="a", if_exists="fail", delay="5m", tags=["vip"]), str)
    assert_type(await pay.start(Order("a")), Run[Receipt])
    run = await pay.start({"order_id": "a"}, id="a", delay=datetime.now().astimezone())
    assert_type(await run.result("30s"), Receipt)
    assert_type(await pay.run(), Receipt)


async def maps() -> None:
    orders = [Order("a"), Order("b")]
    assert_type(await pay.map(orders), list[Receipt])
    assert_type(await pay.map(iter(orders), at_once=2, max_failures=None), list[Receipt | RunFailedError])
    await pay.map([3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


async def wrong() -> None:
    await pay.run(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await pay.run(Order("a"), if_exists="atach")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await pay.start(Order("a"), keys="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def by_name() -> None:
    run = await start_run("pay", {"order_id": "a"}, key="a")
    assert_type(run, Run)
    assert_type(await run.result(), Any)
    assert_type(await get_run("pay/a").timeline(), RunTimeline)
    if await run.status() == "timed_out":
        await run.cancel("too late")
    if await run.status() == "done":  # type: ignore[comparison-overlap]
        pass
    async for info in list_runs("pay", status="failed", since="2h"):
        assert_type(info, RunInfo)


async def any_run(run: Run) -> None:
    """A run of a job of whatever types is taken for a bare `Run`."""
    await any_run(await pay.start(Order("a")))
