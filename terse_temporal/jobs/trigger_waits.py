"""What `wait_for_event` takes by a trigger: a delivery of a webhook, whose fields have to be what is given."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Final

from ..diagnostics.text import shorten
from ..errors import EventError
from ..execution.run_events import TriggerWait
from ..triggers.base import Trigger
from .names import unprintable

__all__ = ["trigger_wait", "wait_key"]

#: Paths of a match, and bytes of it all as JSON: it stands in the run's memo, and with those of all runs that wait in
#: what a gateway asks for.
MOST_PATHS: Final = 20
MOST_BYTES: Final = 2_000

#: Parts of a path.
_MOST_PARTS: Final = 20

_EXAMPLE: Final = 'match={"data.object.customer": "cus_1"}'

#: Why a trigger of a source cannot be waited for.
_NOT_WAITED_FOR: Final = {
    "webhook": "a request to the address of a job starts that job, and a run has no address of its own. Send the run"
    " what it waits for under a name: by get_run(id).send(name, data), or by send_event(name, data, key=…) in a job"
    " that the request starts",
    "schedule": "the clock brings no event to a run. To wait until a moment, sleep(); to wait for what a job does at"
    " such moments, have that job call send_event(name, data, key=…)",
}


def trigger_wait(trigger: Trigger[Any], match: Any) -> TriggerWait:
    """Return what a wait by a trigger takes.

    Raises:
        EventError: no gateway brings the events of the trigger, or the match can be none.
    """
    text = f"Triggers.{trigger.describe()}"
    if (why := _NOT_WAITED_FOR.get(trigger.source)) is not None:
        raise EventError(f"wait_for_event({text}): {why}.")
    return TriggerWait(trigger.source, trigger.reference(), _checked(match, f"wait_for_event({text})"), text)


def wait_key(wait: TriggerWait) -> str:
    """Return the key of a wait: the same for all that take the same."""
    what = json.dumps([wait.reference, wait.match], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(what.encode()).hexdigest()[:32]


def _checked(match: Any, call: str) -> dict[str, Any]:
    if match is None:
        return {}
    if not isinstance(match, Mapping):
        raise EventError(f"{call}: match is {shorten(repr(match), 60)}; give paths and what is to be there: {_EXAMPLE}")
    if len(match) > MOST_PATHS:
        raise EventError(f"{call}: match has {len(match):,} paths, and {MOST_PATHS} is the most")
    for path, value in match.items():
        if (wrong := _wrong_path(path)) is not None:
            raise EventError(f"{call}: match has the path {shorten(repr(path), 60)}, {wrong}: {_EXAMPLE}")
        if (wrong := _wrong_value(value)) is not None:
            raise EventError(
                f"{call}: match has {shorten(repr(value), 60)} at {path!r}, {wrong}. A field is compared with a string,"
                " a number, True, False or None; what more there is to decide, decide when the event has come"
            )
    checked = dict(match)
    if (size := len(json.dumps(checked).encode())) > MOST_BYTES:
        raise EventError(f"{call}: match is {size:,} bytes as JSON, and {MOST_BYTES:,} is the most")
    return checked


def _wrong_path(path: Any) -> str | None:
    if not isinstance(path, str):
        return "which is no string"
    if unprintable(path) is not None:
        return "which has in it what no field can have"
    parts = path.split(".")
    if not all(parts):
        return "which is no fields with dots between them"
    return f"of {len(parts)} parts, and {_MOST_PARTS} is the most" if len(parts) > _MOST_PARTS else None


def _wrong_value(value: Any) -> str | None:
    # Not of a class derived from these: an enum is written as something else than it is compared with.
    if type(value) not in (str, int, float, bool, type(None)):
        return "which is none of JSON's plain values"
    if isinstance(value, float) and not math.isfinite(value):
        return "which JSON does not have"
    if isinstance(value, str) and not _is_unicode(value):
        return "which is no Unicode"
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
