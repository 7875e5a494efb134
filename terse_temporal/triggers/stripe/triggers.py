"""Jobs that something in Stripe starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from typing_extensions import TypeVar

from ..vendor import VendorTrigger, check_event, value_at
from .events import CustomerCreated, StripeEvent, TrialStarted, has_trial

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["StripeTrigger", "StripeTriggers"]

_T = TypeVar("_T")
_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)


@dataclass(frozen=True, kw_only=True, repr=False)
class StripeTrigger(VendorTrigger[_EventT_co]):
    """An event of the Stripe account.

    Attributes:
        with_trial: only of a subscription that begins with a trial.
    """

    with_trial: bool = False

    def _passes(self, body: Any) -> bool:
        return not self.with_trial or has_trial(value_at(body, "data", "object"))


class StripeTriggers:
    """`Triggers.stripe`."""

    @staticmethod
    def on_customer_created() -> StripeTrigger[CustomerCreated]:
        """Start the job when a customer was created (`customer.created`). The event is a `CustomerCreated`."""
        return StripeTrigger(
            source="stripe",
            name="stripe.on_customer_created",
            kinds=("customer.created",),
            event_model=CustomerCreated,
        )

    @staticmethod
    def on_trial_started() -> StripeTrigger[TrialStarted]:
        """Start the job when a trial began (`customer.subscription.created` with one). The event is a `TrialStarted`.

        Stripe names the customer by id only, so `event.customer.email` is None unless it was sent in the short form.
        """
        return StripeTrigger(
            source="stripe",
            name="stripe.on_trial_started",
            kinds=("customer.subscription.created",),
            event_model=TrialStarted,
            with_trial=True,
        )

    @overload
    @staticmethod
    def on_event(event: str, *, model: None = None) -> StripeTrigger[StripeEvent]: ...

    @overload
    @staticmethod
    def on_event(event: str, *, model: TypeForm[_T]) -> StripeTrigger[_T]: ...

    @staticmethod
    def on_event(event: str, *, model: Any = None) -> StripeTrigger[Any]:
        """Start the job on any event of Stripe.

        Args:
            event: as Stripe names it, `"invoice.paid"`; or the beginning of that, up to a dot: `"invoice"` is all that
                happens to invoices.
            model: the type that the body is read as: a pydantic model, dataclass, TypedDict … Without it the event is a
                `StripeEvent`.

        Raises:
            JobDefinitionError: `event` cannot be a name, or `model` is not a type that JSON can be validated against.
        """
        name = "stripe.on_event"
        check_event(name, event, model, "invoice.paid", "Invoice")
        return StripeTrigger(
            source="stripe",
            name=name,
            kinds=(event,),
            event_model=StripeEvent if model is None else model,
            chosen=event,
            model=model,
        )
