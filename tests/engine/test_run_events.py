"""The input of a run reaches the handler as the type it asks for, or fails the run at once, naming what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from terse_temporal import Job
from tests.webhooks import payload

from ..bench import Bench, cache_on, scheduled
from .jobs_events import of_a_dataclass, of_a_model, of_a_trigger, of_an_event, of_nothing, of_state

LEAD = (
    "Lead(full_name='Ada', home_address=Address(zip_code='8000', street_name=None), born_on=datetime.date(2025, 1, 2))"
)
KINDS = pytest.mark.parametrize("kind", [0, 1], ids=["durable", "plain"])


async def run(bench: Bench, job: Job, event: Any) -> Any:
    async with bench.worker(job):
        return await bench.result(await bench.env.start(job, event, task_queue=bench.task_queue))


@cache_on
@KINDS
async def test_annotations_decide(bench: Bench, kind: int) -> None:
    """A model, a dataclass, an Event or nothing: the annotation decides, in both spellings of keys."""
    snake = {"full_name": "Ada", "home_address": {"zip_code": "8000"}, "born_on": "2025-01-02"}
    camel = {"fullName": "Ada", "homeAddress": {"zipCode": "8000"}, "bornOn": "2025-01-02"}
    assert [await run(bench, of_a_model[kind], event) for event in (snake, camel)] == [LEAD, LEAD]
    order = {"orderNumber": 7, "lineItems": [{"zipCode": "1"}]}
    expected = "Order(order_number=7, line_items=[Address(zip_code='1', street_name=None)])"
    assert await run(bench, of_a_dataclass[kind], order) == expected
    event = {"customer": {"email": "ada@example.com"}, "pullRequest": {"number": 3}}
    assert await run(bench, of_nothing[kind], event) == ["Event", "ada@example.com", "ada@example.com", 3]
    assert await run(bench, of_an_event[kind], {"aB": {"c": [1]}}) == ["Event", {"aB": {"c": [1]}}]
    assert await run(bench, of_an_event[kind], None) == ["Event", {}]
    assert await run(bench, of_state[kind], None) == "State"


@cache_on
@KINDS
async def test_what_a_model_leaves_out(bench: Bench, kind: int, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, with the field that was probably meant: a misspelt one that has a default is no error."""
    event = {"fullName": "Ada", "homeAddress": {"zipCode": "8"}, "borned_on": "2025-01-02"}
    await run(bench, of_a_model[kind], event | {f"x{number}": 1 for number in range(1_000)})
    messages = [record.getMessage() for record in caplog.records if "ignored" in record.getMessage()]
    assert len(messages) == 1
    assert messages[0].endswith("ignored in its event: borned_on (did you mean born_on?), x0, x1, x2, x3, …")
    caplog.clear()
    await run(bench, of_a_trigger[kind], payload("stripe/customer.created"))
    assert not [record for record in caplog.records if "ignored" in record.getMessage()]


@cache_on
@KINDS
async def test_the_model_of_a_trigger(bench: Bench, kind: int) -> None:
    """Without annotation the one typed trigger's model is it, from the vendor's payload and from the short form."""
    name, _, text, line = await run(bench, of_a_trigger[kind], payload("stripe/customer.created"))
    assert name == "CustomerCreated"
    assert "Customer created" in text
    assert line.startswith("CustomerCreated ")
    short = await run(bench, of_a_trigger[kind], {"customer": {"email": "ada@example.com"}})
    assert short[:2] == ["CustomerCreated", "ada@example.com"]


@cache_on
@KINDS
async def test_every_wrong_field_is_named(bench: Bench, kind: int) -> None:
    """Input that does not validate is an EventError that names the job and every wrong field; nothing is scheduled."""
    job = of_a_model[kind]
    failure = await bench.refuse(job, homeAddress={"streetName": 5}, born_on="soon")
    assert failure.type == "EventError"
    for name in (f"'{job.name}'", "Lead", "full_name", "zip_code", "street_name", "born_on", "'soon'"):
        assert name in failure.message, (name, failure.message)


@cache_on
@KINDS
@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("a string", 'is a string, "a string"'),
        (5, "is a number, 5"),
        (True, "is a boolean, true"),
        ([{"a": 1}], 'is an array, [{"a": 1}]'),
        (b"raw bytes", "is bytes"),
        (
            RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"{not json")),
            "got something of the encoding 'json/plain' that cannot be read",
        ),
        (
            RawValue(Payload(metadata={"encoding": b"binary/odd"}, data=b"x")),
            "got something of the encoding 'binary/odd' that cannot be read",
        ),
        (RawValue(Payload(data=b"{}")), "that cannot be read"),
    ],
    ids=["text", "number", "boolean", "array", "bytes", "broken JSON", "unknown encoding", "no encoding"],
)
async def test_what_is_not_an_object(bench: Bench, kind: int, value: Any, names: str) -> None:
    """Input that is not JSON, or not an object, fails the run at once and says what it is."""
    job = of_an_event[kind]
    async with bench.worker(job):
        found = await bench.start_raw(job, value)
        failure = await bench.failure(found)
    assert failure.type == "EventError"
    assert f"'{job.name}'" in failure.message
    assert names in failure.message
    assert await scheduled(found) == []


@cache_on
@KINDS
async def test_two_inputs(bench: Bench, kind: int) -> None:
    """A run takes one input, and says how many it got."""
    job = of_an_event[kind]
    async with bench.worker(job):
        found = await bench.start_raw(job, {"a": 1}, {"b": 2})
        failure = await bench.failure(found)
    assert failure.type == "EventError"
    assert "takes one JSON object as its input, the event; it got 2" in failure.message
