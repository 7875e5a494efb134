"""Catching up with GitHub, which never delivers again by itself what failed.

What failed is found by GitHub's own list of deliveries, attempt by attempt: a delivery keeps its `guid` when it is sent
again, and has failed as long as no attempt was answered with 2xx. To ask twice does no harm, since the gateway starts
nothing for an id that it has seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from ..diagnostics.redaction import redact
from ..diagnostics.text import list_names, one_line
from ..errors import CatchUpError
from .github_api import GitHubApi

__all__ = ["FailedDelivery", "GitHubHook", "ask_again", "failed_deliveries", "find_hook"]

#: Where the gateway takes GitHub's deliveries, behind whatever a proxy puts before it.
_PATH: Final = "/webhooks/github"

#: Seconds between two requests for a delivery: GitHub counts each as five of the 900 points of a minute.
_BETWEEN: Final = 0.35

#: Characters of what GitHub says of itself.
_SHOWN: Final = 100

#: Answers to a request for a delivery that are given to every further one too.
_FOR_ALL: Final = frozenset([401, 403, 429])


@dataclass(frozen=True)
class GitHubHook:
    """A webhook, as the API has it.

    Attributes:
        path: below which its deliveries are: `/repos/acme/web/hooks/17`.
    """

    path: str


class _Attempt(BaseModel):
    """One attempt at a delivery."""

    id: int
    guid: str = Field(max_length=200)
    delivered_at: AwareDatetime
    status_code: int = 0
    status: str = ""
    event: str = ""
    action: str | None = None

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status_code < 300


@dataclass
class FailedDelivery:
    """A delivery of which no attempt has succeeded.

    Attributes:
        guid: its own id, which the gateway knows it by.
        attempt: the id of the latest attempt, which GitHub knows it by.
        kind: the event, such as `"pull_request.opened"`.
        delivered_at: when it was tried last.
        answer: what became of that: a status and GitHub's word for it.
        attempts: how often it was tried.
        asked: whether GitHub has been asked to deliver it again, and takes it.
        problem: why GitHub does not take it, or why it was not asked.
    """

    guid: str
    attempt: int
    kind: str
    delivered_at: datetime
    answer: str
    attempts: int
    asked: bool = field(default=False, compare=False)
    problem: str | None = field(default=None, compare=False)


async def find_hook(api: GitHubApi, owner: str, number: int | None) -> GitHubHook:
    """Find the webhook of a repository or organization that leads to a gateway.

    Args:
        api: the connection.
        owner: `repos/acme/web`, or `orgs/acme`.
        number: its number, where there are several.

    Raises:
        CatchUpError: it has none, or several; or the token may not see them.
    """
    known: dict[int, str] = {}
    async for each in api.items(f"/{owner}/hooks"):
        config = each.get("config") if isinstance(each, dict) else None
        if not isinstance(config, dict) or not isinstance(each.get("id"), int):
            raise CatchUpError("GitHub's list of webhooks has another shape than it documents")
        known[each["id"]] = _shown_url(config.get("url"))
    listed = list_names(f"{each} ({url})" for each, url in known.items())
    if number is not None and number not in known:
        raise CatchUpError(f"{owner} has no webhook {number}: it has {listed or 'none'}", status=404)
    if number is None:
        ours = [each for each, url in known.items() if url.endswith(_PATH)] or list(known)
        if not ours:
            raise CatchUpError(
                f"{owner} has no webhook. Make one for the gateway's address, https://…{_PATH}; or name where it is: a"
                " webhook of the organization (--org), or of a GitHub App (--app)."
            )
        if len(ours) > 1:
            raise CatchUpError(f"{owner} has several webhooks: choose one by --hook. They are {listed}")
        number = ours[0]
    return GitHubHook(f"/{owner}/hooks/{number}")


async def failed_deliveries(api: GitHubApi, hook: GitHubHook, since: datetime) -> list[FailedDelivery]:
    """Return the deliveries that have failed since then, the oldest first.

    One request for every hundred attempts, down to the time that was asked for.

    Raises:
        CatchUpError: they cannot be listed.
    """
    attempts: dict[str, list[_Attempt]] = {}
    async for each in _attempts(api, hook):
        if each.delivered_at < since:
            break  # they come the newest first
        attempts.setdefault(each.guid, []).append(each)
    failed = [each for each in attempts.values() if not any(attempt.succeeded for attempt in each)]
    return sorted(map(_failed, failed), key=lambda each: each.delivered_at)


async def _attempts(api: GitHubApi, hook: GitHubHook) -> AsyncIterator[_Attempt]:
    async for raw in api.items(f"{hook.path}/deliveries"):
        try:
            yield _Attempt.model_validate(raw)
        except ValidationError:
            raise CatchUpError("GitHub's list of deliveries has another shape than it documents") from None


def _failed(attempts: Sequence[_Attempt]) -> FailedDelivery:
    last = max(attempts, key=lambda each: each.delivered_at)
    return FailedDelivery(
        guid=one_line(last.guid),
        attempt=last.id,
        kind=one_line(f"{last.event}.{last.action}" if last.action else last.event)[:_SHOWN],
        delivered_at=last.delivered_at,
        answer=one_line(f"{last.status_code or ''} {last.status}".strip())[:_SHOWN],
        attempts=len(attempts),
    )


async def ask_again(api: GitHubApi, hook: GitHubHook, failed: Sequence[FailedDelivery]) -> None:
    """Ask GitHub to deliver each again, and note in each what it says to that.

    It delivers within seconds, in no certain order. Where it stops taking requests, the rest is not asked for.
    """
    for number, each in enumerate(failed):
        if number:
            await asyncio.sleep(_BETWEEN)
        try:
            await api.post(f"{hook.path}/deliveries/{each.attempt}/attempts")
        except CatchUpError as err:
            each.problem = str(err)
            if err.status is None or err.status in _FOR_ALL or err.status >= 500:
                for rest in failed[number + 1 :]:
                    rest.problem = "not asked for"
                return
        else:
            each.asked = True


def _shown_url(url: Any) -> str:
    """Return the URL of a webhook without what may be secret in it."""
    try:
        parts = urlsplit(str(url))
        return one_line(redact(f"{parts.scheme}://{parts.hostname}{parts.path.rstrip('/')}", _SHOWN))
    except ValueError:
        return "?"
