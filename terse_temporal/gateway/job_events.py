"""What a run gets as its event from a delivery.

A server takes 2 MiB of an input, and GitHub sends up to 25. What is too large is cut down by the model that the
handler, or else the trigger, has for it: what the model does not declare goes, the large parts first. Small ones stay,
for models tell by them which event it is, and may read a field from under another name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from pydantic import AliasChoices, AliasPath, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ..errors import EventError
from ..jobs.event_input import event_type
from ..jobs.job import Job
from ..serialization.codec import MAX_BYTES
from ..triggers.base import Trigger
from ..triggers.deliveries import Delivery

__all__ = ["event_for_run", "trigger_for"]

#: Bytes of JSON of an undeclared part that stays: in the first attempt, and in the second, which is as much as an id.
#: At the top the first holds for both.
_SMALL: Final = 1024
_SMALLEST: Final = 100


def trigger_for(job: Job, delivery: Delivery) -> Trigger | None:
    """Return the trigger of a job that a delivery is for, the first one if there are several."""
    if delivery.job is not None and delivery.job != job.name:
        return None
    return next((trigger for trigger in job.triggers if trigger.accepts(delivery)), None)


def event_for_run(job: Job, trigger: Trigger, delivery: Delivery) -> Any:
    """Return what a run of a job gets of a delivery, as JSON, within what a server takes.

    Raises:
        EventError: it is too large, also without what no model declares.
    """
    event = trigger.event(delivery)
    size = _size(event)
    if size <= MAX_BYTES:
        return event
    for model in _models(job, trigger):
        for most in (_SMALL, _SMALLEST):
            cut = _cut(event, model, most)
            if _size(cut) <= MAX_BYTES:
                return cut
    raise EventError(
        f"the event for the job {job.name!r} ({job.where}) is {size:,} bytes, and the server takes {MAX_BYTES:,} at"
        f" most; no model of {trigger!r} or of the handler makes less of it"
    )


def _models(job: Job, trigger: Trigger) -> Iterator[type[BaseModel]]:
    home = sys.modules.get(job._home)
    expected = event_type(job.handler, job.triggers, None if home is None else vars(home))
    for each in (expected, trigger.event_model):
        if isinstance(each, type) and issubclass(each, BaseModel):
            yield each
            return


def _cut(event: Any, model: type[BaseModel], most: int) -> Any:
    """Return an event without what a model does not declare and is larger than so many bytes, at the top than 1 KiB."""
    try:
        read = model.model_validate_json(json.dumps(event), by_alias=True, by_name=True)
    except ValidationError:  # who starts the run says what is wrong
        return event
    return _without(event, read, max(most, _SMALL), most)


def _without(raw: Any, read: Any, most: int, most_below: int) -> Any:
    if isinstance(raw, list) and isinstance(read, list | tuple) and len(raw) == len(read):
        return [_without(item, value, most_below, most_below) for item, value in zip(raw, read, strict=True)]
    if not isinstance(raw, dict) or not isinstance(read, BaseModel):
        return raw
    declared = {key: name for name, field in type(read).model_fields.items() for key in _keys(name, field)}
    kept = {}
    for key, value in raw.items():
        if key in declared:
            kept[key] = _without(value, getattr(read, declared[key]), most_below, most_below)
        elif _size(value) <= most:
            kept[key] = value
    return kept


def _keys(name: str, field: FieldInfo) -> Iterator[str]:
    """Return the keys that a field is read from."""
    yield name
    alias = field.validation_alias or field.alias
    for each in alias.choices if isinstance(alias, AliasChoices) else [alias]:
        first = each.path[0] if isinstance(each, AliasPath) else each
        if isinstance(first, str):
            yield first


def _size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":")))
