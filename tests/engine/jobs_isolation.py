"""Jobs whose steps need something that will not be there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from terse_temporal import Event, Job, create_job, job_step

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForTypeCheckers


class Sender:
    def send(self, text: str) -> str:
        return text

    def __call__(self, text: str) -> str:
        return text


def add(a: int, b: int = 1) -> int:
    return a + b


SENDER = Sender()


@create_job(name="reads-a-local", durable=True)
async def reads_a_local(event: Event) -> Any:
    address = event.effects
    subject = "hello"

    async def send() -> str:
        return f"{address} {subject}"

    return await job_step(run=send)


@create_job(name="lambda-reads-the-event", durable=True)
async def lambda_reads_the_event(event: Event) -> Any:
    return await job_step(run=lambda: event.effects)


@create_job(name="calls-a-local-function", durable=True)
async def calls_a_local_function(event: Event) -> Any:
    def inner() -> int:
        return 1

    return await job_step(run=lambda: inner())  # that it calls it is the point


@create_job(name="default-value", durable=True)
async def default_value(event: Event) -> Any:
    return await job_step(run=lambda path=event.effects: path)  # type: ignore[misc]  # what is refused


@create_job(name="keyword-default", durable=True)
async def keyword_default(event: Event) -> Any:
    def write(*, path: str = event.effects) -> str:
        return path

    return await job_step(run=write)


@create_job(name="local-input-schema", durable=True)
async def local_input_schema(event: Event) -> Any:
    class Local(BaseModel):
        number: int

    return await job_step(run=add, input={"number": 1}, input_schema=Local)


@create_job(name="local-output-schema", durable=True)
async def local_output_schema(event: Event) -> Any:
    class Local(BaseModel):
        number: int

    return await job_step(run=add, input=1, output_schema=list[Local])


@create_job(name="local-return-annotation", durable=True)
async def local_return_annotation(event: Event) -> Any:
    class Local(BaseModel):
        number: int

    def make() -> Local:
        return None  # type: ignore[return-value]  # it is never called

    return await job_step(run=make)


@create_job(name="type-checking-annotation", durable=True)
async def type_checking_annotation(event: Event) -> Any:
    def price() -> OnlyForTypeCheckers:
        raise NotImplementedError

    return await job_step(run=price)


@create_job(name="inline-annotated", durable=True)
async def inline_annotated(event: Event) -> Any:
    return await job_step(run=add, input=1, input_schema=Annotated[int, Field(gt=0)])


@create_job(name="callable-object", durable=True)
async def callable_object(event: Event) -> Any:
    return await job_step(run=Sender(), input="x")


@create_job(name="bound-method", durable=True)
async def bound_method(event: Event) -> Any:
    return await job_step(run=SENDER.send, input="x")


@create_job(name="partial", durable=True)
async def partial(event: Event) -> Any:
    return await job_step(run=functools.partial(add, 1), input=2)


@create_job(name="partial-of-nested", durable=True)
async def partial_of_nested(event: Event) -> Any:
    def nested(a: int, b: int) -> int:
        return a + b

    return await job_step(run=functools.partial(nested, 1), input=2)


@create_job(name="builtin-method", durable=True)
async def builtin_method(event: Event) -> Any:
    return await job_step(run=str.upper, input="x")


def made_by_a_factory(number: int) -> Callable[[], int]:
    def made() -> int:
        return number

    return made


@create_job(name="function-of-a-factory", durable=True)
async def function_of_a_factory(event: Event) -> Any:
    return await job_step(run=made_by_a_factory(1))


@create_job(name="function-of-a-library", durable=True)
async def function_of_a_library(event: Event) -> Any:
    return await job_step(run=functools.update_wrapper, input=1)  # type: ignore[arg-type]  # what is refused


#: Each job with what its error has to name, beside the step, the file and the line.
@create_job(name="in-one-piece")
def in_one_piece(event: Event) -> None: ...


@create_job(name="job-as-step", durable=True)
async def job_as_step(event: Event) -> Any:
    return await job_step(run=in_one_piece)


REFUSED: list[tuple[Job, str, list[str]]] = [
    (reads_a_local, "send", ["'address' and 'subject'", "input={…}", "at module level"]),
    (lambda_reads_the_event, "<lambda>", ["'event'", "input={…}"]),
    (calls_a_local_function, "<lambda>", ["'inner'"]),
    (default_value, "<lambda>", ["default values", "input={…}"]),
    (keyword_default, "write", ["default values"]),
    (local_input_schema, "add", ["Local", "at the top of the module"]),
    (local_output_schema, "add", ["Local", "at the top of the module"]),
    (local_return_annotation, "make", ["return annotation", "'Local'", "at the top of the module"]),
    (type_checking_annotation, "price", ["return annotation", "'OnlyForTypeCheckers'"]),
    (inline_annotated, "add", ["Annotated[int, …]", "at the top of the module"]),
    (callable_object, "Sender", ["Sender", "Give it a function"]),
    (bound_method, "send", ["method", "Give it a function"]),
    (partial, "partial", ["partial", "Give it a function"]),
    (partial_of_nested, "partial", ["partial", "Give it a function"]),
    (builtin_method, "upper", ["method 'upper' of 'str'", "Give it a function"]),
    (function_of_a_factory, "made", ["'number'"]),
    (job_as_step, "in-one-piece", ["run= is the job", "await job.run(event)", "await job.map(events)"]),
]
