"""What a run gets as its event from a delivery."""

from __future__ import annotations

from typing import Any, Final

from pydantic import PydanticUserError

from ..errors import EventError, JobDefinitionError
from ..events import Event
from ..jobs.event_input import event_type, home_namespace
from ..jobs.job import Job
from ..serialization.annotations import type_adapter
from ..serialization.payload_limits import LARGEST_RECORDED, largest_payload, over_limit
from ..triggers.base import Trigger
from ..triggers.deliveries import Delivery
from ..triggers.webhook import WebhookTrigger
from .cutting import cut_event, json_size

__all__ = ["event_for_run", "event_problem", "expected_event", "trigger_for"]


#: Bytes of a body whose event is never too large: written again, one may become six, and headers may come with it.
_SMALL: Final = 256 * 1024


def expected_event(job: Job) -> Any:
    """Return the type that a job's handler wants its event as."""
    return event_type(job.handler, job.triggers, home_namespace(job))


def event_problem(job: Job) -> str | None:
    """Return why a job can read no event at all, as where its annotation names what is not there; or `None`."""
    try:
        expected = expected_event(job)
        if expected not in (Event, dict):
            type_adapter(expected, home_namespace(job))
    except (JobDefinitionError, PydanticUserError, NameError) as error:
        return str(error).splitlines()[0]
    return None


def trigger_for(job: Job, delivery: Delivery) -> Trigger | None:
    """Return the trigger of a job that a delivery is for, the first one if there are several."""
    if delivery.job is not None and delivery.job != job.name:
        return None
    return next((trigger for trigger in job.triggers if trigger.accepts(delivery)), None)


def event_for_run(job: Job, trigger: Trigger, delivery: Delivery, size: int = LARGEST_RECORDED) -> Any:
    """Return what a run of a job gets of a delivery, as JSON, within what a server takes.

    Args:
        job: it.
        trigger: of it, that accepts the delivery.
        delivery: it.
        size: bytes of its body, where they are known: the event of a small one is not measured.

    Raises:
        EventError: it is too large, also without what its model does not declare.
    """
    expected = expected_event(job)
    event = trigger.event(delivery, expected) if isinstance(trigger, WebhookTrigger) else trigger.event(delivery)
    if size <= _SMALL:
        return event
    # A handler that takes the event as it comes has no use for more than the vendor's model has either.
    is_untyped = expected is dict or (isinstance(expected, type) and issubclass(expected, Event))
    cut = cut_event(event, trigger.event_model if is_untyped else expected, largest_payload())
    if cut is None:
        remedy = f"Also without what the model of its handler or of {trigger!r} does not declare."
        raise EventError(f"the event for the job {job.name!r} ({job.where}) is {over_limit(json_size(event), remedy)}")
    return cut
