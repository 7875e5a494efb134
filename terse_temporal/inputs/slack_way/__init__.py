"""The way `slack`: a message with buttons, in a channel."""

from .way import SlackWay, slack

__all__ = ["SlackWay", "slack"]
