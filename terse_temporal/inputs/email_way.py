"""The way `email`: one mail to each recipient, with a link of their own to the page of the question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .ways import InputWay

__all__ = ["EmailWay", "email"]


class EmailWay(InputWay):
    """Asks by mail.

    Attributes:
        to: the recipients.
    """

    way_name: ClassVar[str] = "email"

    to: tuple[str, ...]


def email(to: str | Sequence[str]) -> EmailWay:
    """Ask by mail: each recipient gets one of their own, with a link to the page by which the answer is theirs.

    Args:
        to: one address or several, each as `ada@example.com` or `Ada <ada@example.com>`.
    """
    return EmailWay(to=(to,) if isinstance(to, str) else tuple(to))
