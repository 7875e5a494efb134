"""Jobs that deliveries start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, field_validator

from terse_temporal import Event, create_job
from terse_temporal.triggers import Triggers
from terse_temporal.triggers.base import Trigger
from terse_temporal.triggers.deliveries import Delivery


class Numbered(BaseModel):
    """What one of the jobs wants."""

    number: int

    @field_validator("number", mode="before")
    @classmethod
    def _check(cls, value: Any) -> Any:
        if value == "stuck-secrets":
            raise LookupError(f"there is no number {value}")
        if value == "ends-secrets":
            raise SystemExit(value)
        return value


@dataclass(frozen=True, kw_only=True, repr=False)
class Broken(Trigger[Event]):
    """A trigger whose event cannot be made, for a reason that nobody has thought of."""

    def event(self, delivery: Delivery) -> Any:
        raise ZeroDivisionError("a mistake in a trigger")


@create_job(name="drained-push", triggers=[Triggers.github.on_push(repo="acme/web")], durable=True)
async def on_push(event: Event) -> None:
    """Take a push as it comes."""


@create_job(name="drained-typed", triggers=[Triggers.github.on_push()], durable=True)
async def on_typed_push(event) -> None:  # type: ignore[no-untyped-def]  # of the model of its trigger
    """Take a push as the model has it."""


@create_job(name="drained-number", triggers=[Triggers.stripe.on_event("invoice.paid")], durable=True)
async def on_number(event: Numbered) -> None:
    """Take a number."""


@create_job(name="drained-broken", triggers=[Broken(source="stripe", name="stripe.broken", kinds=("invoice.paid",))])
def on_broken(event: Event) -> None:
    """Take what never comes."""
