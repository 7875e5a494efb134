"""The triggers there are, by source."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Final

from ..diagnostics.text import did_you_mean, shorten
from ..errors import JobDefinitionError, UnknownTriggerError
from .base import Trigger
from .github import GitHubTriggers
from .linear import LinearTriggers
from .schedule import ScheduleTriggers
from .slack import SlackTriggers
from .stripe import StripeTriggers
from .webhook import WebhookTriggers

__all__ = ["Triggers", "trigger_from"]


class Triggers:
    """What can start a job: `create_job(triggers=[Triggers.stripe.on_customer_created()], …)`."""

    webhook = WebhookTriggers
    schedule = ScheduleTriggers
    stripe = StripeTriggers
    github = GitHubTriggers
    slack = SlackTriggers
    linear = LinearTriggers


_BY_NAME: Final[dict[str, Callable[..., Trigger]]] = {
    f"{source}.{name}": function
    for source in ("github", "linear", "slack", "stripe")
    for name, function in inspect.getmembers(getattr(Triggers, source), inspect.isfunction)
    if name.startswith("on_")
}

_LONGEST_ARGUMENT: Final = 500


def trigger_from(reference: object) -> Trigger:
    """Return the trigger that `Trigger.reference()` has described: one that accepts the same deliveries.

    Args:
        reference: as it was read from a run. It may be anything.

    Raises:
        UnknownTriggerError: it is no such description, or one of a trigger that is not here.
    """
    match reference:
        case {"trigger": str(name), "arguments": dict(arguments)}:
            pass
        case _:
            raise UnknownTriggerError(
                'a run waits for what is no trigger: that is {"trigger": "github.on_push", "arguments": {}}'
            )
    function = _BY_NAME.get(name)
    if function is None:
        raise UnknownTriggerError(
            f"a run waits for the trigger {shorten(name, 60)!r}, which this version does not have"
            f"{did_you_mean(name, _BY_NAME)}. Have the gateway run the same version as the workers"
        )
    known = {each for each in inspect.signature(function).parameters if each != "model"}
    wrong = [str(key) for key, value in arguments.items() if key not in known or not _is_argument(value)]
    try:
        if not wrong:
            return function(**arguments)
    except (JobDefinitionError, TypeError) as error:  # TypeError: one is missing
        raise UnknownTriggerError(f"a run waits for {name!r} with arguments that it does not take: {error}") from error
    raise UnknownTriggerError(
        f"a run waits for {name!r} with arguments that it does not take: {shorten(', '.join(wrong), 100)}. Have the"
        f" gateway run the same version as the workers"
    )


def _is_argument(value: object) -> bool:
    return value is None or isinstance(value, bool) or (isinstance(value, str) and len(value) <= _LONGEST_ARGUMENT)
