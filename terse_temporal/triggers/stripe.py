"""Jobs that something in Stripe starts.

Stripe sends an envelope, `{"type": "customer.created", "data": {"object": {…}}}`; people who try a job by hand write
`{"customer": {"email": "ada@example.com"}}`. The models read both, and refuse the envelope of another event: its
object might just fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeVar

from ..events import EventModel
from .base import Trigger, UtcDatetime

__all__ = ["Customer", "CustomerCreated", "StripeTrigger", "StripeTriggers", "Subscription", "TrialStarted"]

_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)


class Customer(EventModel):
    """A customer of Stripe. Where Stripe sends no more than the id, the rest is None."""

    id: str | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    description: str | None = None
    currency: str | None = None
    created: UtcDatetime | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _read_id(cls, raw: object) -> object:
        return {"id": raw} if isinstance(raw, str) else raw


class Subscription(EventModel):
    """A subscription of a customer."""

    id: str | None = None
    status: str | None = None
    created: UtcDatetime | None = None
    trial_start: UtcDatetime | None = None
    trial_end: UtcDatetime | None = None
    cancel_at_period_end: bool | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class _StripeEvent(EventModel):
    """What every event of Stripe has; all of it None in the short form."""

    #: The type of the vendor's event that a model reads.
    stripe_type: ClassVar[str]

    id: str | None = None
    type: str | None = None
    created: UtcDatetime | None = None
    livemode: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _open_envelope(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        sent = raw.get("type")
        if isinstance(sent, str) and sent != cls.stripe_type:
            raise PydanticCustomError(
                "stripe_event",
                'this is the Stripe event "{sent}"; {model} is read from "{expected}"',
                {"sent": sent, "model": cls.__name__, "expected": cls.stripe_type},
            )
        match raw:
            case {"data": {"object": dict() as subject}}:
                envelope = {key: value for key, value in raw.items() if key != "data"}
                return {**envelope, **cls._fields_from(subject)}
        return raw

    @classmethod
    def _fields_from(cls, subject: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of the model, from the object that the event is about."""
        raise NotImplementedError


class CustomerCreated(_StripeEvent):
    """A customer was created."""

    stripe_type = "customer.created"

    customer: Customer

    @classmethod
    def _fields_from(cls, subject: dict[str, Any]) -> dict[str, Any]:
        return {"customer": subject}


class TrialStarted(_StripeEvent):
    """A customer subscribed, beginning with a trial."""

    stripe_type = "customer.subscription.created"

    customer: Customer
    subscription: Subscription = Field(default_factory=Subscription)

    @classmethod
    def _fields_from(cls, subject: dict[str, Any]) -> dict[str, Any]:
        # Stripe has no event for a trial that starts: it is a subscription that is created with one.
        if subject.get("status") != "trialing" and not subject.get("trial_start"):
            raise PydanticCustomError(
                "stripe_trial",
                'this is the Stripe event "{sent}" of a subscription without a trial; {model} is read from one that has'
                " a trial_start",
                {"sent": cls.stripe_type, "model": cls.__name__},
            )
        return {"customer": subject.get("customer"), "subscription": subject}


@dataclass(frozen=True, kw_only=True, repr=False)
class StripeTrigger(Trigger[_EventT_co]):
    """An event of the Stripe account."""


class StripeTriggers:
    """`Triggers.stripe`."""

    @staticmethod
    def on_customer_created() -> StripeTrigger[CustomerCreated]:
        """Start the job when a customer was created (`customer.created`). The event is a `CustomerCreated`."""
        return StripeTrigger(source="stripe", name="stripe.on_customer_created", event_model=CustomerCreated)

    @staticmethod
    def on_trial_started() -> StripeTrigger[TrialStarted]:
        """Start the job when a trial began (`customer.subscription.created` with one). The event is a `TrialStarted`.

        Stripe names the customer by id only, so `event.customer.email` is None unless it was sent in the short form.
        """
        return StripeTrigger(source="stripe", name="stripe.on_trial_started", event_model=TrialStarted)
