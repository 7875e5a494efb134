"""The toolbox `slack`."""

from .tools import SlackChannel, SlackMessage

__all__ = ["SlackChannel", "SlackMessage"]
