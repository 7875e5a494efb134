"""The events of Stripe.

Stripe sends an envelope, `{"type": "customer.created", "data": {"object": {…}}}`; people who try a job by hand write
`{"customer": {"email": "ada@example.com"}}`. The models read both, and refuse the envelope of another event: its
object might just fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ...diagnostics.text import shorten
from ...events import Event, EventModel
from ..base import UtcDatetime
from ..parts import BUILT_WHEN_USED, Part

__all__ = ["Customer", "CustomerCreated", "StripeData", "StripeEvent", "Subscription", "TrialStarted"]


class Customer(EventModel):
    """A customer of Stripe. Where Stripe sends no more than the id, the rest is None."""

    model_config: ClassVar[ConfigDict] = BUILT_WHEN_USED

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

    model_config: ClassVar[ConfigDict] = BUILT_WHEN_USED

    id: str | None = None
    status: str | None = None
    created: UtcDatetime | None = None
    trial_start: UtcDatetime | None = None
    trial_end: UtcDatetime | None = None
    cancel_at_period_end: bool | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class StripeData(Part):
    """What a Stripe event is about: `object`, and of one that was changed what its fields were before."""

    object: Event = Field(default_factory=Event)
    previous_attributes: Event | None = None


class _Envelope(EventModel):
    """What every event of Stripe has; all of it None in the short form."""

    model_config: ClassVar[ConfigDict] = BUILT_WHEN_USED

    id: str | None = None
    type: str | None = None
    created: UtcDatetime | None = None
    livemode: bool | None = None


class StripeEvent(_Envelope):
    """Any event of Stripe: `event.data.object` is what it is about, as the account's version of the API has it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(title="Stripe event")

    data: StripeData = Field(default_factory=StripeData)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class _OneEvent(_Envelope):
    """An event that has a model of its own."""

    #: The type of the vendor's event that a model reads.
    stripe_type: ClassVar[str]

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
                {"sent": shorten(sent, 80), "model": cls.__name__, "expected": cls.stripe_type},
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


class CustomerCreated(_OneEvent):
    """A customer was created."""

    stripe_type: ClassVar[str] = "customer.created"

    customer: Customer

    @classmethod
    def _fields_from(cls, subject: dict[str, Any]) -> dict[str, Any]:
        return {"customer": subject}


class TrialStarted(_OneEvent):
    """A customer subscribed, beginning with a trial."""

    stripe_type: ClassVar[str] = "customer.subscription.created"

    customer: Customer
    subscription: Subscription = Field(default_factory=Subscription)

    @classmethod
    def _fields_from(cls, subject: dict[str, Any]) -> dict[str, Any]:
        # Stripe has no event for a trial that starts: it is a subscription that is created with one.
        if not has_trial(subject):
            raise PydanticCustomError(
                "stripe_trial",
                'this is the Stripe event "{sent}" of a subscription without a trial; {model} is read from one that has'
                " a trial_start",
                {"sent": cls.stripe_type, "model": cls.__name__},
            )
        return {"customer": subject.get("customer"), "subscription": subject}


def has_trial(subscription: Any) -> bool:
    """Return whether a subscription, as Stripe sends it, begins with a trial."""
    return isinstance(subscription, dict) and bool(
        subscription.get("status") == "trialing" or subscription.get("trial_start")
    )
