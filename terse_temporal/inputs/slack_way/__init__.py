"""Questions in Slack: the message that asks, the modal for a text or a form, and what comes back from one."""

from .way import SlackWay, slack

__all__ = ["SlackWay", "slack"]
