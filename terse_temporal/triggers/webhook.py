"""A job that an HTTP request starts, sent to its own address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, overload

from pydantic import Field, PydanticUserError
from typing_extensions import TypeVar

from ..events import Event, EventModel
from ..serialization.annotations import type_adapter
from ..serialization.codec import type_name
from .base import Trigger, refusal
from .deliveries import Delivery
from .signature_schemes import HmacSignature, SchemeName, scheme_problem

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["RequestedEvent", "WebhookRequest", "WebhookTrigger", "WebhookTriggers"]

_T = TypeVar("_T")
_BodyT = TypeVar("_BodyT", default=Any)
_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)

_NAME: Final = "webhook.on_request"
_REQUEST: Final = frozenset({"body", "headers", "method"})
_SECRET: Final = "TERSE_WEBHOOK_SECRET"

#: What environment variables are called.
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")


class WebhookRequest(EventModel, Generic[_BodyT]):
    """A request as a whole, for a job that wants more of it than its body.

    A handler that annotates its event with it gets it: `event: WebhookRequest` with any JSON as the body, `event:
    WebhookRequest[Lead]` with a body of that type. So does one without an annotation whose trigger names it:
    `Triggers.webhook.on_request(WebhookRequest)`. To start such a job by hand, give it `{"body": …}`.

    Attributes:
        body: the body; unlike that of other webhooks it need not be an object.
        headers: by their names in lower case, without signatures, cookies and credentials: at most 64, of at most a
            thousand characters each.
        method: of the request.
    """

    body: _BodyT
    headers: dict[str, str] = Field(default_factory=dict)
    method: str = "POST"


class RequestedEvent(Event):
    """The body of a request, for a handler that wants no type: an `Event`, with what came beside the body.

    Attributes:
        body: the body as a whole, which may be any JSON. Where that is no object, the event has no other fields than
            these three.
        headers: as those of a `WebhookRequest`.
        method: likewise.

    A field of the body that is called like one of them is what the attribute gives.
    """

    __slots__ = ("_request",)

    def __init__(self, raw: Mapping[str, Any]) -> None:
        # What a gateway starts a run with. By hand it is started with the body alone, as any other job.
        request = raw if set(raw) == _REQUEST else {"body": raw, "headers": {}, "method": "POST"}
        super().__init__(request["body"] if isinstance(request["body"], dict) else request)
        object.__setattr__(self, "_request", request)

    def __getattr__(self, name: str) -> Any:
        if name in _REQUEST and not dict.__contains__(self, name):
            return Event(self._request)[name]
        return super().__getattr__(name)

    def __reduce__(self) -> tuple[type[RequestedEvent], tuple[dict[str, Any]]]:
        return RequestedEvent, (dict(self._request),)


@dataclass(frozen=True, kw_only=True, repr=False)
class WebhookTrigger(Trigger[_EventT_co]):
    """A request to the job's own address. The event is the body, or a `WebhookRequest`.

    Attributes:
        secret: the environment variable with the secret that requests are signed with; `None` if they are not.
        scheme: how they are signed.
    """

    untyped_event: ClassVar[type[Event]] = RequestedEvent

    secret: str | None = _SECRET
    scheme: SchemeName | HmacSignature = "standard"

    def accepts(self, delivery: Delivery) -> bool:
        """Return whether it came to a job's own address. Whose that is, `delivery.job` says."""
        return delivery.source == "webhook"

    def event(self, delivery: Delivery, wanted: Any = None) -> Any:
        """Return the body, or the request where that is wanted: by the trigger, or by the type of the event."""
        if not (_is_request(self.event_model) or _is_request(wanted) or wanted is RequestedEvent):
            return delivery.body
        return {"body": delivery.body, "headers": dict(delivery.headers), "method": delivery.method}

    def _arguments(self) -> list[str]:
        arguments = [] if self.event_model is None else [f"body={type_name(self.event_model)}"]
        if self.secret != _SECRET:
            arguments.append(f"secret={self.secret!r}".replace("'", '"'))
        if self.scheme != "standard":
            scheme = f'"{self.scheme}"' if isinstance(self.scheme, str) else str(self.scheme)
            arguments.append(f"scheme={scheme}")
        return arguments


class WebhookTriggers:
    """`Triggers.webhook`."""

    @overload
    @staticmethod
    def on_request(
        body: None = None, *, secret: str | None = ..., scheme: SchemeName | HmacSignature | None = ...
    ) -> WebhookTrigger[Event]: ...

    @overload
    @staticmethod
    def on_request(
        body: TypeForm[_T], *, secret: str | None = ..., scheme: SchemeName | HmacSignature | None = ...
    ) -> WebhookTrigger[_T]: ...

    @staticmethod
    def on_request(
        body: Any = None,
        *,
        secret: str | None = _SECRET,
        scheme: SchemeName | HmacSignature | None = None,
    ) -> WebhookTrigger[Any]:
        """Start the job when a request with a JSON body arrives. A job has at most one such trigger.

        The job has an address of its own, `/webhooks/<job>/<token>`, which `terse-temporal gateway urls` prints. A
        request is taken if it is signed, by default as standardwebhooks.com has it.

        What a delivery is, and so what is only sent again and starts nothing, its id says: with `"standard"` the
        header `webhook-id`, with other schemes what their sender has for it. Where that is nothing, and without a
        signature, it is the header `webhook-id` or `Idempotency-Key` if it is sent. Otherwise each request is a
        delivery of its own.

        Args:
            body: the type of the body, which is the event: a pydantic model, dataclass, TypedDict … Without it, any
                JSON; a handler without a type has `event.body`, `event.headers` and `event.method` too. With
                `WebhookRequest`, or `WebhookRequest[Lead]`, the event is these three.
            secret: the name of the environment variable, of the gateway's, that holds the secret; never the secret.
                While a secret is replaced it holds both, with a comma between them. `None` on purpose: requests are not
                signed, and whoever knows the address may start the job. For senders who cannot sign: addresses stand in
                the logs of proxies.
            scheme: how the sender signs: `"standard"` if it is not given, `"github"`, `"stripe"`, `"linear"`,
                `"workos"`, `"attio"`, or an `HmacSignature` for others.

        Raises:
            JobDefinitionError: `body` is not a type that JSON can be validated against, `secret` is no name of a
                variable, or `scheme` does not fit.
        """
        if isinstance(body, str):
            raise refusal(_NAME, f"body={body!r} is a string, not a type", f"{_NAME}(body=Lead), without the quotes")
        if body is not None:
            try:
                type_adapter(body)
            except PydanticUserError as error:
                reason = str(error).splitlines()[0].rstrip(".")
                problem = f"body={type_name(body)} is not a type that JSON can be validated against: {reason}"
                raise refusal(_NAME, problem, f"{_NAME}(body=Lead), with a model or dataclass Lead") from None
            except NameError:
                pass  # It refers to a class further down in its module: told when there is something to read.
        _check_secret(secret, scheme)
        return WebhookTrigger(
            source="webhook", name=_NAME, event_model=body, secret=secret, scheme=scheme or "standard"
        )


def _check_secret(secret: Any, scheme: Any) -> None:
    if secret is not None and not (isinstance(secret, str) and _VARIABLE.fullmatch(secret)):
        # What it is instead may be the secret, and is not repeated.
        what = (
            "secret= is not the name of an environment variable, in capitals; the secret itself stands in that variable"
        )
        raise refusal(_NAME, what, f'{_NAME}(secret="ATTIO_WEBHOOK_SECRET")')
    if scheme is None:
        return
    if secret is None:
        raise refusal(
            _NAME, "scheme= says how requests are signed, and secret=None that they are not", f"{_NAME}(secret=None)"
        )
    if problem := scheme_problem(scheme):
        raise refusal(_NAME, problem, f'{_NAME}(secret="ATTIO_WEBHOOK_SECRET", scheme="attio")')
    if secret == _SECRET and scheme != "standard":
        problem = f"the secret in {_SECRET} is one of Standard Webhooks; name the variable of this sender's"
        raise refusal(_NAME, problem, f'{_NAME}(secret="ATTIO_WEBHOOK_SECRET", scheme="attio")')


def _is_request(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, WebhookRequest)
