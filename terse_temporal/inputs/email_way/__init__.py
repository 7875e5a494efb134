"""The way `email`: one mail to each recipient, with a link of their own to the page of the question."""

from .way import EmailWay, email

__all__ = ["EmailWay", "email"]
