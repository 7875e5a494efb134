"""The waits of runs for deliveries, as the workflows that know of them tell a gateway. See `engine/events/`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..diagnostics.logs import logger_of
from ..diagnostics.text import one_line, shorten
from ..engine.events.messages import MESSAGE_VERSION, is_number
from ..errors import UnknownTriggerError
from ..execution.run_events import LONGEST_KEY, is_name
from ..triggers.base import Trigger
from ..triggers.catalog import trigger_from
from ..triggers.deliveries import Delivery

__all__ = ["RegisteredWait", "read_waits"]

_logger = logger_of("gateway")

#: Waits that one workflow can know of, and more.
_MOST_WAITS: Final = 20_000

#: Triggers that there are not, of which the log is to say so once.
_MOST_TOLD: Final = 1_000


@dataclass(frozen=True, eq=False)
class RegisteredWait:
    """A wait of a run.

    Attributes:
        identity: what tells it from all others, also from one that is opened again.
        registry: the workflow id of what knows of it.
        owner: the first run id of the run's chain.
        run: its workflow id.
        number: of the wait in the run.
        n: its place among all waits there.
        trigger: what it takes.
        trigger_text: the trigger as text, the same for the same trigger.
        match: which fields have to be what.
        since: in seconds since 1970, what came earlier is not for it.
        key: the same for all waits of a run that take the same.
    """

    identity: tuple[Any, ...]
    registry: str
    owner: str
    run: str
    number: int
    n: float
    trigger: Trigger[Any] = field(repr=False)
    trigger_text: str
    match: Mapping[str, Any]
    since: float
    key: str

    @property
    def offered_as(self) -> str:
        """The name under which the spool remembers what it was given."""
        return f"{self.owner}/{self.key}"

    def since_then(self, since: float) -> RegisteredWait:
        """Return the same wait, for what came since another moment."""
        return self if since == self.since else replace(self, since=since)

    def takes(self, delivery: Delivery) -> bool:
        """Return whether a delivery that fits is for it: not one from before, nor the one that has started the run."""
        if self.run.endswith(f"/{delivery.run_suffix}"):
            return False
        return delivery.received_at.timestamp() >= self.since


def read_waits(registry: str, answer: Any, told: set[str] | None = None) -> Iterator[RegisteredWait]:
    """Yield the waits in an answer to the query. What is not of its shape is left out: anybody can start a workflow.

    Args:
        registry: the workflow id of what has answered.
        answer: plain JSON.
        told: triggers, as text, of which the log has said that there are none; those of this answer come to it.
    """
    if not isinstance(answer, Mapping) or answer.get("v") != MESSAGE_VERSION:
        return
    waits = answer.get("waits")
    triggers: dict[str, Trigger[Any] | None] = {}
    for each in waits[:_MOST_WAITS] if isinstance(waits, list) else ():
        if not isinstance(each, Mapping) or not _has_shape(each):
            continue
        text = json.dumps(each["trigger"], sort_keys=True)
        if text not in triggers:
            triggers[text] = _trigger(each["trigger"], each["run"], is_told=told is not None and text in told)
            if told is not None and triggers[text] is None and len(told) < _MOST_TOLD:
                told.add(text)
        if (trigger := triggers[text]) is not None:
            fields = {name: each[name] for name in ("owner", "run", "number", "n", "match", "since", "key")}
            yield RegisteredWait(
                identity=(registry, each["owner"], each["number"], each["n"], each["at"]),
                registry=registry,
                trigger=trigger,
                trigger_text=text,
                **fields,
            )


def _has_shape(given: Mapping[str, Any]) -> bool:
    return (
        is_name(given.get("owner"), 200)
        and is_name(given.get("run"), 1_000)
        and is_name(given.get("key"), LONGEST_KEY)
        and isinstance(given.get("number"), int)
        and all(is_number(given.get(name)) for name in ("n", "at", "since"))
        and isinstance(match := given.get("match"), dict)
        and all(value is None or isinstance(value, str | int | float) for value in match.values())
        and isinstance(given.get("trigger"), dict)
    )


def _trigger(reference: Any, run: str, *, is_told: bool) -> Trigger[Any] | None:
    try:
        return trigger_from(reference)
    except UnknownTriggerError as error:
        if is_told:
            return None
        _logger.warning("the run %s is not woken: %s", one_line(shorten(run, 200)), one_line(str(error)))
        return None
