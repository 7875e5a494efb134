"""What is given to ask in Slack."""

from __future__ import annotations

from typing import ClassVar

from ..ways import InputWay

__all__ = ["SlackWay", "slack"]


class SlackWay(InputWay):
    """Asks in Slack.

    Attributes:
        channel: its id.
    """

    way_name: ClassVar[str] = "slack"

    channel: str


def slack(channel: str) -> SlackWay:
    """Ask in a channel of Slack.

    Args:
        channel: its id: `C0612345678`.
    """
    return SlackWay(channel=channel)
