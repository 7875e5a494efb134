"""Jobs whose steps take and give what their functions' annotations say."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from pydantic import BaseModel, SecretStr

from terse_temporal import Event, Retry, create_job, current_step, job_step, step
from terse_temporal.errors import StepError, StepInputError
from tests.effects import record

MISSING = object()
ALSO_MISSING: Any = frozenset({(1, 2)})


class Invoice(BaseModel):
    customer: str
    cents: int


def charge(invoice: Invoice) -> str:
    return f"{type(invoice).__name__} {invoice.customer} {invoice.cents}"


def totals(*invoices: Invoice) -> int:
    return sum(each.cents for each in invoices)


@create_job(name="annotated-inputs", durable=True)
async def annotated(event: Event) -> list[Any]:
    def nested(invoice: Invoice) -> Invoice:
        return Invoice(customer=invoice.customer, cents=invoice.cents + 1)

    def wrong_result(effects: str) -> int:
        record(effects, "made")
        return "none"  # type: ignore[return-value]  # what is found in the worker

    given: Any = {"customer": "ada", "cents": "5"}
    results = [
        await job_step(run=charge, input=Invoice(customer="ada", cents=5)),
        await job_step(run=charge, input=given),
        await job_step(run=totals, input=given),
        repr(await job_step(run=nested, input=given)),
    ]
    for run, value in ((charge, {"customer": "ada"}), (wrong_result, event.effects)):
        try:
            await job_step(run=run, input=value)  # type: ignore[arg-type]  # of either kind
        except (StepInputError, StepError) as error:
            results.append(f"{type(error).__name__}: {error}")
    return results


@step
def generated() -> Generator[str, None, None]:
    yield "ada"
    yield "grace"


@step
async def mean(numbers: Iterable[int], by: Any = MISSING, limit: int = ALSO_MISSING) -> list[Any]:  # neither is JSON
    return [sum(numbers), len(list(numbers)), by is MISSING, limit is ALSO_MISSING]


@step
async def secret(effects: str) -> dict[str, SecretStr]:
    record(effects, "made")
    return {"token": SecretStr("s3cret")}


@create_job(name="read-back", durable=True)
async def read_back(event: Event) -> list[Any]:
    names = await generated()
    results: list[Any] = [list(names), list(names), await mean(iter([1, 3]))]
    try:
        await secret(event.effects)
    except StepError as error:
        results.append(f"{type(error).__name__}: {error}")
    return results


@step
async def inner(note: object) -> str:
    return current_step().idempotency_key


@step
async def outer(effects: str) -> list[str]:
    keys = [current_step().idempotency_key, await inner(1), await inner(1), await inner(object())]
    record(effects, " ".join(keys))
    if current_step().attempt == 1:
        raise ConnectionError("at first")
    return [*keys, current_step().idempotency_key]


@create_job(name="steps-in-steps", durable=True)
async def steps_in_steps(event: Event) -> list[str]:
    return await job_step(run=outer, input=event.effects, retry=Retry(max_attempts=2, initial="10ms"))
