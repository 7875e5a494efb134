"""Calls of Slack's API, with the bot token of the environment: by the client that the tools of `slack` have."""

from __future__ import annotations

from typing import Any, Final

from ...tools.builtin.extras import extra

__all__ = ["BOT_TOKEN", "call_slack"]

#: Read whenever something is called, by the worker that asks and by the gateway that opens a modal.
BOT_TOKEN: Final = "SLACK_BOT_TOKEN"


async def call_slack(
    method: str, json: dict[str, Any] | None = None, params: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Call a method once, and return what Slack says.

    Raises:
        ServiceError: the token is missing, Slack refuses, or it cannot be reached. `.code` is Slack's word for why.
        MissingExtraError: slack_sdk or aiohttp is not installed.
    """
    with extra("slack"):
        from ...tools.builtin.slack.client import call  # noqa: PLC0415  # an extra
    return await call("inputs.slack", method, json=json, params=params)
