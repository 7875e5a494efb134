"""Jobs that something in Stripe starts, and the events that they get."""

from .events import Customer, CustomerCreated, StripeData, StripeEvent, Subscription, TrialStarted
from .triggers import StripeTrigger, StripeTriggers

__all__ = [
    "Customer",
    "CustomerCreated",
    "StripeData",
    "StripeEvent",
    "StripeTrigger",
    "StripeTriggers",
    "Subscription",
    "TrialStarted",
]
