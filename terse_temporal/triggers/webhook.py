"""A job that an HTTP request starts, by whoever knows its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from pydantic import PydanticUserError
from typing_extensions import TypeVar

from ..events import Event
from ..serialization.annotations import type_adapter
from ..serialization.codec import type_name
from .base import Trigger, refusal

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["WebhookTrigger", "WebhookTriggers"]

_T = TypeVar("_T")
_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)


@dataclass(frozen=True, kw_only=True, repr=False)
class WebhookTrigger(Trigger[_EventT_co]):
    """A request to the job's own address. The event is the body."""

    def _arguments(self) -> list[str]:
        return [] if self.event_model is None else [f"body={type_name(self.event_model)}"]


class WebhookTriggers:
    """`Triggers.webhook`."""

    @overload
    @staticmethod
    def on_request(body: None = None) -> WebhookTrigger[Event]: ...

    @overload
    @staticmethod
    def on_request(body: TypeForm[_T]) -> WebhookTrigger[_T]: ...

    @staticmethod
    def on_request(body: Any = None) -> WebhookTrigger[Any]:
        """Start the job when a request with a JSON body arrives. A job has at most one such trigger.

        Args:
            body: the type of the body, which is the event: a pydantic model, dataclass, TypedDict … Without it, any
                JSON object.

        Raises:
            JobDefinitionError: `body` is not a type that JSON can be validated against.
        """
        name = "webhook.on_request"
        if isinstance(body, str):
            raise refusal(name, f"body={body!r} is a string, not a type", f"{name}(body=Lead), without the quotes")
        if body is not None:
            try:
                type_adapter(body)
            except PydanticUserError as error:
                reason = str(error).splitlines()[0].rstrip(".")
                problem = f"body={type_name(body)} is not a type that JSON can be validated against: {reason}"
                raise refusal(name, problem, f"{name}(body=Lead), with a model or dataclass Lead") from None
            except NameError:
                pass  # It refers to a class further down in its module: told when there is something to read.
        return WebhookTrigger(source="webhook", name=name, event_model=body)
