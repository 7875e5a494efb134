"""GitHub's REST API, as far as it is about the deliveries of webhooks.

One request at a time, as GitHub asks. What may pass is waited for: a connection that breaks, 5xx, and the limits of
rate, for as long as GitHub says and no longer than `_PATIENCE`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from ..diagnostics.redaction import error_text, redact
from ..diagnostics.text import one_line
from ..errors import CatchUpError

__all__ = ["GITHUB_API", "GitHubApi"]

GITHUB_API: Final = "https://api.github.com"

#: Seconds between the attempts at a request that fails in a way that may pass.
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0)

#: Seconds that one request takes at most, and a wait for a limit of rate. That of an hour may be an hour away: a
#: person, or cron, comes back.
_TIMEOUT: Final = 30.0
_PATIENCE: Final = 900.0

#: Pages of a list that are read at most, of a hundred entries each, and bytes of one answer.
_MOST_PAGES: Final = 100
_MOST_BYTES: Final = 16 * 1024 * 1024

#: Headers that are about the bytes as they were sent.
_OF_THE_BYTES: Final = frozenset(["content-encoding", "content-length", "transfer-encoding"])

#: Characters of GitHub's own words in a message.
_SHOWN: Final = 200

_PERMISSION: Final = (
    'a fine-grained token needs the permission "Webhooks: read and write" of the repository or organization; a classic'
    " one the scope admin:repo_hook, or admin:org_hook for an organization; with --app it is a JWT of the app"
)


class GitHubApi:
    """A connection to the API. Made by `connect`.

    Args:
        http: the client, with the token and the base URL.
        base_url: where the API is.
        on_wait: is told how many seconds are waited for a limit of rate.
    """

    def __init__(self, http: httpx.AsyncClient, base_url: str, on_wait: Callable[[float], None]) -> None:
        self._http = http
        self._base_url = base_url
        self._on_wait = on_wait

    @classmethod
    @asynccontextmanager
    async def connect(cls, base_url: str, token: str, on_wait: Callable[[float], None]) -> AsyncIterator[GitHubApi]:
        """Open it, for the time of a `with`.

        Args:
            base_url: `https://api.github.com`, or `https://HOST/api/v3` of a server of one's own.
            token: it is sent there, and nowhere else.
            on_wait: is told how many seconds are waited for a limit of rate.

        Raises:
            CatchUpError: the URL is none, or would carry the token over the network in the open.
        """
        base_url = base_url.rstrip("/")
        _check_base_url(base_url)
        headers = {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {token}",
            "user-agent": "terse-temporal",
            "x-github-api-version": "2022-11-28",
        }
        # A repository that was renamed is redirected to. The client takes the token along to the same host alone.
        async with httpx.AsyncClient(headers=headers, timeout=_TIMEOUT, follow_redirects=True) as http:
            yield cls(http, base_url, on_wait)

    async def items(self, path: str) -> AsyncIterator[Any]:
        """Return the entries of a list, page by page, by the links to the next.

        Raises:
            CatchUpError: there is no such list for this token, or what answers is not GitHub.
        """
        url: str | None = f"{self._base_url}{path}?per_page=100"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            response = await self._request("GET", url)
            page = _json(response)
            if not isinstance(page, list):
                raise CatchUpError(f"{_place(url)} answers with no list: is it the API of GitHub?")
            for each in page:
                yield each
            url = self._next(response)
        if url is not None:
            raise CatchUpError(f"{path} has more than {_MOST_PAGES * 100:,} entries: ask for a shorter time (--since)")

    async def post(self, path: str) -> None:
        """Ask for something to be done.

        Raises:
            CatchUpError: GitHub refuses it.
        """
        await self._request("POST", f"{self._base_url}{path}")

    def _next(self, response: httpx.Response) -> str | None:
        """Return the link to the next page, which must lead to where the token belongs."""
        link = response.links.get("next", {}).get("url")
        if link is None:
            return None
        url = response.url.join(link)
        if (url.scheme, url.netloc) != (response.url.scheme, response.url.netloc):
            raise CatchUpError(f"the next page is said to be on {url.host!r}, which is not sent the token")
        return str(url)

    async def _request(self, method: str, url: str) -> httpx.Response:
        failed: CatchUpError
        for pause in (*_PAUSES, None):
            wait: float | None = None
            try:
                response = await self._exchange(method, url)
            except (httpx.HTTPError, TimeoutError) as err:
                failed = CatchUpError(f"{_place(url)} cannot be reached: {error_text(err, _SHOWN)}")
            else:
                if response.status_code < 300:
                    return response
                wait = _rate_limit(response)
                failed = _refusal(method, url, response, wait)
                if response.status_code < 500 and (wait is None or wait > _PATIENCE):
                    break
            if pause is None:
                break
            if wait is not None:
                self._on_wait(wait)
            await asyncio.sleep(pause if wait is None else wait)
        raise failed

    async def _exchange(self, method: str, url: str) -> httpx.Response:
        """Make one request, and read its answer up to a bound."""
        async with asyncio.timeout(2 * _TIMEOUT), self._http.stream(method, url) as response:
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > _MOST_BYTES:
                    raise CatchUpError(f"{_place(url)} answers with more than {_MOST_BYTES:,} bytes")
            headers = {name: value for name, value in response.headers.items() if name not in _OF_THE_BYTES}
            return httpx.Response(
                response.status_code, headers=headers, content=bytes(content), request=response.request
            )


def _check_base_url(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("https", "http") or parts.query or parts.fragment or parts.username:
        raise CatchUpError(f"the API's URL {redact(base_url, _SHOWN)!r} is none, such as {GITHUB_API}")
    if parts.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
        raise CatchUpError(f"the API's URL {redact(base_url, _SHOWN)!r} is not encrypted, and the token would be read")


def _rate_limit(response: httpx.Response) -> float | None:
    """Return the seconds to wait where a limit of rate is what is wrong.

    `Retry-After` of the limits on requests at once, else the end of the hour; without either GitHub asks for a minute.
    """
    if response.status_code not in (403, 429):
        return None
    headers = response.headers
    try:
        if (after := headers.get("retry-after")) is not None:
            return max(0.0, float(after))
        if headers.get("x-ratelimit-remaining") == "0":
            return max(0.0, float(headers["x-ratelimit-reset"]) - time.time() + 1)
    except (KeyError, ValueError):
        pass
    return 60.0 if response.status_code == 429 or "rate limit" in _words(response).lower() else None


def _refusal(method: str, url: str, response: httpx.Response, wait: float | None) -> CatchUpError:
    status, words = response.status_code, _words(response)
    said = f"{status}: {words}" if words else str(status)
    if wait is not None:
        until = time.strftime("%H:%M", time.localtime(time.time() + wait)) if wait < 86_400 else "tomorrow"
        text = f"GitHub's limit of rate is reached ({said}). Run it again after {until}: what is done is not done twice"
    elif status == 401:
        text = f"GitHub does not take the token ({said}). It has expired, was revoked, or is another's; {_PERMISSION}"
    elif status == 403:
        text = f"the token may not do this ({said}); {_PERMISSION}"
    elif status == 404:
        text = (
            f"GitHub shows nothing at {_place(url)} ({said}): the name or the number is wrong, or the token may not see"
            f" it, for which the answer is the same; {_PERMISSION}"
        )
    elif status >= 500:
        times = len(_PAUSES) + 1
        text = f"GitHub does not answer well ({said}, {times} times). Run it again: what is done is not done twice"
    else:
        text = f"GitHub refuses {method} {_place(url)} ({said})"
    return CatchUpError(text, status=status)


def _words(response: httpx.Response) -> str:
    """Return what GitHub itself says is wrong."""
    try:
        said = _json(response)
    except CatchUpError:
        return ""
    message = said.get("message") if isinstance(said, dict) else None
    return one_line(redact(message, _SHOWN)) if isinstance(message, str) else ""


def _json(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        raise CatchUpError(f"{_place(str(response.url))} answers with no JSON: is it the API of GitHub?") from None


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"
