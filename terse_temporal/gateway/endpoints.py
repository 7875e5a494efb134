"""Where the triggers of jobs are reached: what to enter at each vendor, and what is still missing for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from ..diagnostics.text import list_names
from ..jobs.job import Job
from ..triggers import Trigger, WebhookTrigger
from .addresses import Addresses
from .secrets import GATEWAY_KEY, MAKE_KEY, VENDOR_SECRETS, GatewaySecrets

__all__ = ["Endpoint", "endpoints", "missing_secrets"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where one trigger of a job is reached.

    Attributes:
        job: its name.
        trigger: as it is written after `Triggers.`.
        source: the vendor, or `"webhook"`.
        events: the vendor's names of the events that it takes, to be chosen there; none for `"webhook"`.
        url: the address; `None` without the key that it is made with.
        secret: the environment variable with the secret; `None` where the address is the secret.
        missing: which of the variables that it needs are not set.
    """

    job: str
    trigger: str
    source: str
    events: tuple[str, ...]
    url: str | None
    secret: str | None
    missing: tuple[str, ...]


def endpoints(
    jobs: Iterable[Job], secrets: GatewaySecrets, base_url: str = "", *, with_tokens: bool = True
) -> list[Endpoint]:
    """Return where all triggers of jobs are reached, but for schedules, which are not.

    Args:
        jobs: in the order in which they are shown.
        secrets: as they were read.
        base_url: what stands before the path: `"https://hooks.acme.example"`.
        with_tokens: whether the addresses of jobs are whole. Not in logs: a token may be all the secret there is.
    """
    addresses = Addresses.of(secrets)
    return [
        _endpoint(job.name, trigger, secrets, addresses, base_url.rstrip("/"), with_tokens)
        for job in jobs
        for trigger in job.triggers
        if isinstance(trigger, WebhookTrigger) or trigger.source in VENDOR_SECRETS
    ]


def missing_secrets(found: Iterable[Endpoint]) -> dict[str, str]:
    """Return a sentence for each variable that is not set, which is to be said at the start."""
    wanted: dict[str, dict[str, None]] = {}
    for each in found:
        for variable in each.missing:
            what = repr(each.job) if each.source == "webhook" else each.source
            wanted.setdefault(variable, {})[what] = None
    return {variable: _sentence(variable, list(what)) for variable, what in wanted.items()}


def _endpoint(
    job: str, trigger: Trigger, secrets: GatewaySecrets, addresses: Addresses, base_url: str, with_tokens: bool
) -> Endpoint:
    needed: list[str] = []
    path: str | None = f"/webhooks/{trigger.source}"
    if isinstance(trigger, WebhookTrigger):
        secret = trigger.secret
        needed.append(GATEWAY_KEY)
        if not secrets.has(GATEWAY_KEY):
            path = None
        else:
            path = addresses.path(job) if with_tokens else f"/webhooks/{quote(job, safe='')}/…"
    else:
        secret = VENDOR_SECRETS[trigger.source]
    if secret is not None:
        needed.append(secret)
    return Endpoint(
        job=job,
        trigger=trigger.describe(),
        source=trigger.source,
        events=trigger.kinds,
        url=None if path is None else base_url + path,
        secret=secret,
        missing=tuple(variable for variable in needed if not secrets.has(variable)),
    )


def _sentence(variable: str, what: list[str]) -> str:
    names = list_names(what)
    if variable == GATEWAY_KEY:
        return f"{variable} is not set, so there is no address for {names}. This makes a key: {MAKE_KEY}"
    if variable in VENDOR_SECRETS.values():
        return f"{variable} is not set, so what {names} delivers is refused with 503"
    return f"{variable} is not set, so requests to the address of {names} are refused with 503"
