"""What the tools of the toolbox `slack` do, on slack_sdk."""

from __future__ import annotations

import logging
import os
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from ....diagnostics.text import shorten
from ....errors import ServiceError, TransientServiceError
from ....execution.retries import fault_of
from ..credentials import Credentials

__all__ = ["call"]

#: Seconds for one call of Slack's API: what the SDK's own default is.
_TIMEOUT: Final = 30

#: What to do about the errors that are met first.
_ADVICE: Final = {
    "account_inactive": "the app or its user was removed: install it again and set SLACK_BOT_TOKEN to the new token",
    "channel_not_found": "give the id of a channel (C…, not its name), and invite the app to it if it is private",
    "invalid_auth": "set SLACK_BOT_TOKEN to the bot token of the app (xoxb-…)",
    "invalid_blocks": "check the blocks: https://app.slack.com/block-kit-builder",
    "is_archived": "unarchive the channel, or use another",
    "message_not_found": "give the `ts` that sending the message returned, and the same channel_id",
    "missing_scope": "add the scope to the app, install it again and set SLACK_BOT_TOKEN to the new token",
    "msg_too_long": "a message has 40,000 characters at most, and 4,000 are recommended",
    "not_authed": "set SLACK_BOT_TOKEN to the bot token of the app (xoxb-…)",
    "not_in_channel": "invite the app to the channel: /invite @app",
    "cant_update_message": "an app updates only its own messages",
    "token_expired": "the token was rotated: set SLACK_BOT_TOKEN to the current one",
    "token_revoked": "install the app again and set SLACK_BOT_TOKEN to the new token",
}

#: Errors that Slack says are its own and may be gone the next time, beside those that its HTTP status tells.
_TRANSIENT: Final = frozenset(
    ["fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"]
)

#: The SDK logs what it sends, the text of messages and a proxy's URL with its password. Nobody gets at this logger.
_quiet: Final = logging.Logger("slack_sdk of terse_temporal", logging.CRITICAL + 1)


async def call(
    tool: str,
    method: str,
    *,
    json: dict[str, Any] | None = None,
    params: dict[str, Any] | None = None,
    again: bool = True,
) -> dict[str, Any]:
    """Call a method of Slack's API, once.

    Args:
        tool: for messages.
        method: such as `chat.postMessage`.
        json, params: its arguments, for a POST or a GET.
        again: whether the tool is one that is retried, for messages.
    """
    credentials = Credentials(tool)
    token = credentials.read("SLACK_BOT_TOKEN", "the bot token of the Slack app (xoxb-…)")
    base_url = os.environ.get("SLACK_API_URL", "").strip() or AsyncWebClient.BASE_URL
    sent = False

    async def note_sent(*_: Any) -> None:
        nonlocal sent
        sent = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(note_sent)
    where = f"{tool}: Slack's {method}"

    def broken(what: str) -> ServiceError:
        if sent and not again:
            what += ". The message may have been posted, so it is not sent again"
        return TransientServiceError(credentials.hide(f"{where} {what}"), tool=tool, sent=sent)

    try:
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT), trace_configs=[trace]
        ) as session:
            client = AsyncWebClient(token, base_url, session=session, retry_handlers=[], logger=_quiet)
            # The SDK takes the proxy of the environment even for hosts that NO_PROXY names.
            client.proxy = _proxy_for(base_url)
            response = await client.api_call(
                method, http_verb="GET" if json is None else "POST", json=json, params=params
            )
            data = response.data
    except SlackApiError as err:
        raise _error(err, tool, where, credentials, sent=sent, again=again) from None
    except TimeoutError:
        raise broken(f"did not answer within {_TIMEOUT} seconds") from None
    except aiohttp.ClientConnectorCertificateError as err:
        text = credentials.hide(f"{where} failed, for the host's certificate is not trusted: {err}")
        raise ServiceError(text, tool=tool) from None
    except aiohttp.InvalidURL:
        raise ServiceError(f"{where} failed: SLACK_API_URL is not a URL", tool=tool) from None
    except aiohttp.ClientError as err:
        raise broken(f"failed: {str(err) or type(err).__name__}") from None
    except AttributeError:
        # The SDK takes for an object what is text.
        data = None
    if not isinstance(data, dict):
        raise ServiceError(
            f"{where} was answered with something that is not Slack's API. Check SLACK_API_URL.", tool=tool
        )
    return data


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def _error(error: Any, tool: str, where: str, credentials: Credentials, *, sent: bool, again: bool) -> ServiceError:
    """Return the error for an answer that is not `ok`."""
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    data = getattr(response, "data", None)
    data = data if isinstance(data, dict) else {}
    code = data.get("error")
    said = f"was refused with {code!r}" if code else f"was answered with {status}, and not by Slack's API"
    if code == "missing_scope":
        said += f" (needed: {data.get('needed')}; the token has: {data.get('provided')})"
    if messages := (data.get("response_metadata") or {}).get("messages"):
        # Hidden before it is cut, which might leave a part.
        said += f" ({shorten(credentials.hide('; '.join(map(str, messages))), 500)})"
    fault = fault_of(error)
    retry_after = fault.retry_after if fault else None
    if advice := _ADVICE.get(str(code)):
        said += f": {advice}"
    elif status == 429:
        wait = f"{retry_after:g} seconds" if retry_after is not None else "some time"
        said += f": it is called too often, and asks to wait {wait}"
        # By the rule for what cannot be told from its repetition; the job may know better.
        said += "" if again else ". Nothing was posted; `await sleep(…)` for that long, and call it again"
    text = credentials.hide(f"{where} {said}")
    details: dict[str, Any] = {"tool": tool, "status": status, "code": code, "retry_after": retry_after}
    if fault is not None or code in _TRANSIENT:
        return TransientServiceError(text, sent=sent, **details)
    return ServiceError(text, **details)
