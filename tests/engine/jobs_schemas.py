"""Jobs whose steps have schemas of every kind. Each step tells what it was given; each job tells what it got back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field
from typing_extensions import TypedDict

from terse_temporal import Event, create_job, job_step


class Plan(Enum):
    FREE = "free"
    TEAM = "team"


class Customer(BaseModel):
    email: str
    plan: Plan = Plan.FREE
    joined: date = date(2025, 1, 31)


@dataclass
class Order:
    number: int
    customer: Customer | None = None


class Shipment(TypedDict):
    code: str
    parts: list[int]


class Renamed(BaseModel):
    """Read by one name, written by another."""

    full_name: str = Field(validation_alias="fullName", serialization_alias="FULL_NAME")


class Computed(BaseModel):
    """Writes more than it reads."""

    model_config = ConfigDict(extra="forbid")

    price: Decimal

    @computed_field  # type: ignore[prop-decorator]  # mypy has no such decorators over properties
    @property
    def double(self) -> Decimal:
        return self.price * 2


class Cat(BaseModel):
    kind: Literal["cat"] = Field(default="cat", alias="petKind")
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = Field(default="dog", alias="petKind")
    barks: bool


Positive = Annotated[int, Field(gt=0)]
Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
Customers = list[Customer]


async def told(value: Any) -> str:
    """The value as the step sees it, types and all."""
    return repr(value)


def customer(email: str) -> Customer:
    return Customer(email=email, plan=Plan.TEAM)


def raw_order(number: int) -> dict[str, Any]:
    return {"number": number, "customer": {"email": "ada@example.com"}}


@create_job(name="input-schemas", durable=True)
async def inputs(event: Event) -> list[str]:
    ada = Customer(email="ada@example.com")
    return [
        await job_step(run=told, input={"email": "ada@example.com"}),
        await job_step(run=told, input=ada),
        await job_step(run=told, input=None),
        await job_step(run=told, input={"email": "ada@example.com"}, input_schema=Customer),
        await job_step(run=told, input=ada, input_schema=Customer),
        await job_step(run=told, input={"number": "7"}, input_schema=Order),
        await job_step(run=told, input=Order(8, ada), input_schema=Order),
        await job_step(run=told, input={"code": "x", "parts": ["1"]}, input_schema=Shipment),
        await job_step(run=told, input=[ada], input_schema=list[Customer]),
        await job_step(run=told, input=None, input_schema=Customer | None),
        await job_step(run=told, input=3, input_schema=Positive),
        await job_step(run=told, input=[{"email": "b"}], input_schema=Customers),
        await job_step(run=told, input={"a": [1]}, input_schema=dict[str, tuple[int, ...]]),
        await job_step(run=told, input="team", input_schema=Plan),
        await job_step(run=told, input="2025-02-03T04:05:06Z", input_schema=datetime),
        await job_step(run=told, input=timedelta(seconds=5), input_schema=timedelta),
        await job_step(run=told, input="a", input_schema=Literal["a", "b"]),
        await job_step(run=told, input=Dog(petKind="dog", barks=True), input_schema=Pet),
        await job_step(run=told, input={"x": 1}, input_schema=Any),
    ]


@create_job(name="output-schemas", durable=True)
async def outputs(event: Event) -> list[str]:
    results: list[Any] = [
        await job_step(run=customer, input="ada@example.com"),
        await job_step(run=raw_order, input=1),
        await job_step(run=raw_order, input=2, output_schema=Order),
        await job_step(run=lambda: [{"email": "x"}], output_schema=list[Customer]),
        await job_step(run=lambda: None, output_schema=Customer | None),
        await job_step(run=lambda: {"code": "y", "parts": [1]}, output_schema=Shipment),
        await job_step(run=lambda: "5", output_schema=Positive),
        await job_step(run=lambda: {"fullName": "Ada"}, output_schema=Renamed),
        await job_step(run=lambda: {"price": "1.10"}, output_schema=Computed),
        await job_step(run=lambda: {"petKind": "cat", "lives": 9}, output_schema=Pet),
        await job_step(run=lambda: (1, {2}), output_schema=tuple[int, set[int]]),
        await job_step(run=lambda: datetime(2025, 1, 2, 3), output_schema=datetime),
        await job_step(run=lambda: (1, {"a": date(2025, 1, 2)})),
        await job_step(run=lambda: customer("plain@example.com")),
    ]
    # Another step, so that with the cache at zero all of the above are results taken from the history.
    await job_step(run=lambda: None)
    return [repr(result) for result in results]


@create_job(name="own-class-of-result", durable=True)
async def own_class(event: Event) -> list[bool]:
    found = await job_step(run=customer, input="ada@example.com")
    order = await job_step(run=raw_order, input=1, output_schema=Order)
    await job_step(run=lambda: None)
    return [
        isinstance(found, Customer),
        isinstance(order, Order),
        isinstance(order.customer, Customer),
        found.plan is Plan.TEAM,
    ]
