"""Answers to questions that are given in Slack: by a button, a menu, or a modal."""

from .taking import SlackAnswers, SlackReply

__all__ = ["SlackAnswers", "SlackReply"]
