"""Webhooks that a test delivers: signed as their vendor signs, sent to the real gateway, which runs in this process.

Each task queue of a test has a gateway of its own, with a spool in a temporary directory. Its secrets are of the test:
what the environment holds is neither needed nor seen.
"""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from temporalio.client import Client

from ..diagnostics.text import list_names, shorten
from ..errors import DeliveryRefusedError, JobTestError
from ..gateway.extra import require_extra
from ..gateway.secrets import GATEWAY_KEY, VENDOR_SECRETS, WEBHOOK_SECRET, GatewaySecrets
from ..gateway.settings import GatewaySettings
from ..gateway.signing import signed_headers
from ..gateway.spool import SpoolFile
from ..jobs.job import Job
from ..triggers.webhook import WebhookTrigger

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from ..gateway.gateway import Gateway

__all__ = ["Deliveries", "Outgoing"]

_VENDORS: Final = ("github", "stripe", "slack", "linear")

#: What Slack sends as JSON. All else comes from buttons and dialogs, as a form.
_SLACK_EVENTS: Final = frozenset(["event_callback", "url_verification"])

#: Characters of an answer in a message.
_SHOWN: Final = 500

#: In every variable that may hold a secret: a key of Standard Webhooks is a text like any other for the other schemes.
_SECRET: Final = "whsec_" + base64.b64encode(b"of a test, and no secret").decode()

#: What GitHub's events are told by, where the test does not say: fields of the payload, the more telling ones first.
_GITHUB_EVENTS: Final = (
    ({"pull_request", "review"}, "pull_request_review"),
    ({"pull_request", "comment"}, "pull_request_review_comment"),
    ({"pull_request", "action"}, "pull_request"),
    ({"issue", "comment"}, "issue_comment"),
    ({"issue", "action"}, "issues"),
    ({"release", "action"}, "release"),
    ({"workflow_run", "action"}, "workflow_run"),
    ({"check_run", "action"}, "check_run"),
    ({"ref", "before", "after"}, "push"),
)


@dataclass(frozen=True, kw_only=True)
class _Address:
    """Where a delivery goes.

    Attributes:
        job: whose address it is; `None` for that of a vendor.
        trigger: how it is signed there.
    """

    job: str | None = None
    trigger: WebhookTrigger[Any] | None = None


class Outgoing:
    """A delivery that is to be sent.

    Args:
        source, payload, event, id, headers: as `Jobs.deliver` takes them.

    Raises:
        JobTestError: there is no such source, or the name of GitHub's event is not known.
        MissingExtraError: the extra `gateway` is not installed.
    """

    def __init__(
        self, source: str, payload: Any, *, event: str | None, id: str | None, headers: Mapping[str, str]
    ) -> None:
        require_extra("jobs.deliver()")
        if source not in (*_VENDORS, "webhook"):
            raise JobTestError(f"jobs.deliver({source!r}, …): the source is one of {', '.join((*_VENDORS, 'webhook'))}")
        self.source = source
        self._headers = headers
        self._id = id
        self._payload = payload
        self._event = event or ""
        self._is_form = False
        if isinstance(payload, Mapping):
            self._complete(dict(payload))
        elif source == "github" and not event:
            raise _unknown_event()

    def _complete(self, payload: dict[str, Any]) -> None:
        """Put in what the vendor always sends, where the test leaves it out: the id, and the name of the event."""
        self._is_form = self.source == "slack" and payload.get("type") not in _SLACK_EVENTS
        field = {"stripe": "id", "slack": "trigger_id" if self._is_form else "event_id"}.get(self.source)
        if field is not None and (self._id is not None or field not in payload):
            payload[field] = self._id or f"test_{uuid.uuid4().hex}"
        if self.source == "stripe" and self._event:
            payload.setdefault("type", self._event)
        if self.source == "github":
            kind = self._event.partition(".")
            self._event = kind[0] or _github_event(payload)
            if kind[2]:
                payload.setdefault("action", kind[2])
        self._payload = payload

    def concerns(self, job: Job) -> bool:
        """Return whether a job has a trigger of that source."""
        return any(trigger.source == self.source for trigger in job.triggers)

    def address_of(self, jobs: Sequence[Job]) -> _Address:
        """Return where it goes: for a job's own address the only one that there is.

        Raises:
            JobTestError: none of the jobs has one, or several do.
        """
        if self.source != "webhook":
            return _Address()
        found = [(job, each) for job in jobs for each in job.triggers if isinstance(each, WebhookTrigger)]
        if len(found) != 1:
            names = list_names(repr(job.name) for job, _ in found)
            none = f"the job {jobs[0].name!r} has none" if len(jobs) == 1 else "no job of this test has one"
            which = f"several jobs have one: {names}. Say which: job=…" if found else none
            raise JobTestError(f'jobs.deliver("webhook", …) goes to the address of a job, and {which}')
        return _Address(job=found[0][0].name, trigger=found[0][1])

    def body(self) -> bytes:
        """Return what is sent."""
        if isinstance(self._payload, bytes):
            return self._payload
        text = json.dumps(self._payload, ensure_ascii=False, separators=(",", ":"))
        if self._is_form:
            return urlencode({"payload": text}).encode()  # as what is clicked in a message comes
        return text.encode()

    def id_of(self, response: httpx.Response) -> str | None:
        """Return what the gateway calls the delivery; `None` where it was a question of the vendor's, answered."""
        if self._is_form:  # which is answered with nothing
            return str(self._payload["trigger_id"])
        answer = response.json()
        return answer["id"] if "runs" in answer else None

    def signed_headers(self, body: bytes, address: _Address) -> dict[str, str]:
        """Return the headers, with a signature that is made now."""
        made = signed_headers(
            self.source,
            body,
            secret=None if address.trigger is not None and address.trigger.secret is None else _SECRET,
            id=self._id or str(uuid.uuid4()),
            now=datetime.now(UTC),
            kind=self._event,
            scheme=address.trigger.scheme if address.trigger is not None else "standard",
        )
        replaced = {name.lower() for name in self._headers}
        return {name: value for name, value in made.items() if name.lower() not in replaced} | dict(self._headers)


class Deliveries:
    """The gateways of a test, begun with the first delivery.

    Args:
        client: of the server that runs are started on.
        timeout: seconds that handing on takes at most.
    """

    def __init__(self, client: Client, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._open = AsyncExitStack()
        self._gateways: dict[str, Gateway] = {}
        self._apps: dict[str, FastAPI] = {}

    async def send(
        self, made: Outgoing, address: _Address, queues: Mapping[str, Sequence[Job]]
    ) -> list[tuple[Job, str]]:
        """Send a delivery to the gateway of each task queue, and wait until it has been handed on.

        Returns:
            The jobs that it starts, with the workflow ids of the runs.

        Raises:
            DeliveryRefusedError: all of them refuse it.
            AssertionError: it was taken in, and not handed on.
        """
        __tracebackhide__ = True
        body = made.body()
        headers = made.signed_headers(body, address)
        started: list[tuple[Job, str]] = []
        refused: list[httpx.Response] = []
        for queue, jobs in queues.items():
            gateway = await self._gateway(queue, jobs)
            response = await self._post(gateway, made, address, body, headers)
            if response.is_success:
                started += await self._started(gateway, made.id_of(response), jobs)
            else:
                refused.append(response)
        if len(refused) == len(queues):
            # A job's own address is known to one of them.
            raise _refusal(next((each for each in refused if each.status_code != 404), refused[0]))
        return started

    async def _post(
        self, gateway: Gateway, made: Outgoing, address: _Address, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        __tracebackhide__ = True
        import httpx  # noqa: PLC0415  an extra

        path = f"/webhooks/{made.source}" if address.job is None else gateway.addresses.path(address.job)
        transport = httpx.ASGITransport(app=self._apps[gateway.settings.task_queue])
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
            response = await http.post(path, content=body, headers=dict(headers))
        try:
            async with asyncio.timeout(self._timeout):
                await gateway.drained()
        except TimeoutError:
            raise AssertionError(f"the delivery was not handed on in {self._timeout:g} s") from None
        return response

    async def _started(self, gateway: Gateway, id: str | None, jobs: Sequence[Job]) -> list[tuple[Job, str]]:
        """Return what a delivery has started, by the gateway's own list."""
        __tracebackhide__ = True
        if id is None:
            return []
        spool = SpoolFile(gateway.settings.spool)
        (found,) = await asyncio.to_thread(spool.deliveries, id=id)
        by_name = {job.name: job for job in jobs}
        started = []
        for target in found.targets:
            if target.state == "started":
                started.append((by_name[target.job], target.run_id))
            elif target.attempts:
                raise AssertionError(f"the delivery {id!r} does not start {target.job!r}: {target.reason}")
        return started

    async def _gateway(self, queue: str, jobs: Sequence[Job]) -> Gateway:
        if queue not in self._gateways:
            from ..gateway.app import app_of  # noqa: PLC0415  an extra
            from ..gateway.gateway import Gateway  # noqa: PLC0415  likewise

            directory = self._open.enter_context(tempfile.TemporaryDirectory(prefix="terse-spool-"))
            settings = GatewaySettings(spool=Path(directory), task_queue=queue, checks_retention=False)
            gateway = Gateway(jobs, settings, client=self._client, secrets=_secrets(jobs))
            await self._open.enter_async_context(gateway.running())
            self._apps[queue] = app_of(gateway)
            self._gateways[queue] = gateway
        return self._gateways[queue]

    def looking_for_waits(self, queue: str | None) -> Callable[[str], Awaitable[int]] | None:
        """Return what gives the runs of a task queue that wait what was delivered, and says how many waits of one, by
        its workflow id, are known; `None` where nothing was delivered.
        """
        gateway = self._gateways.get(queue) if queue is not None else None
        return None if gateway is None else gateway.look_for_waits

    async def close(self) -> None:
        """End the gateways, and remove their spools."""
        await self._open.aclose()


def _secrets(jobs: Sequence[Job]) -> GatewaySecrets:
    """Return secrets for all that the triggers of some jobs may name."""
    own = [each for job in jobs for each in job.triggers if isinstance(each, WebhookTrigger)]
    named = [each.secret for each in own if each.secret is not None]
    variables = [*VENDOR_SECRETS.values(), WEBHOOK_SECRET, GATEWAY_KEY, *named]
    return GatewaySecrets.read(dict.fromkeys(variables, _SECRET), triggers=own)


def _refusal(response: httpx.Response) -> DeliveryRefusedError:
    status = response.status_code
    said = shorten(response.text, _SHOWN)
    return DeliveryRefusedError(f"the gateway answers {status}: {said}", status=status, answer=response.json())


def _github_event(payload: Mapping[str, Any]) -> str:
    for fields, event in _GITHUB_EVENTS:
        if fields <= payload.keys():
            return event
    raise _unknown_event()


def _unknown_event() -> JobTestError:
    return JobTestError(
        "GitHub sends the name of an event in a header, and this payload is of none that is known by its fields. Say"
        ' it: jobs.deliver("github", payload, event="deployment.created")'
    )
