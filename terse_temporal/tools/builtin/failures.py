"""What a built-in tool raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import MissingExtraError, ToolError, TransientError

__all__ = ["ServiceError", "TransientServiceError", "extra"]


class ServiceError(ToolError):
    """The other side of a built-in tool said no, or the tool is not set up. As it stands, trying again does not help.

    Attributes:
        tool: its name, such as `http.request`.
        status: the status of an HTTP answer, where there was one.
        code: what the other side calls the error: Slack's `channel_not_found`, SMTP's `550`.
        retry_after: the seconds that it asks to wait before another attempt, where it says so.
    """

    def __init__(
        self,
        message: str,
        *,
        tool: str,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, tool=tool)
        self.status = status
        self.code = code
        self.retry_after = retry_after


class TransientServiceError(ServiceError, TransientError):
    """One that may be gone the next time: the tool is tried again where its kind allows it."""

    def __init__(self, message: str, *, tool: str, sent: bool, **details: Any) -> None:
        super().__init__(message, tool=tool, **details)
        self.sent = sent


@contextmanager
def extra(toolbox: str) -> Iterator[None]:
    """Around the import of what a tool runs on.

    Raises:
        MissingExtraError: a library that it needs is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as err:
        package = (err.name or "").partition(".")[0]
        raise MissingExtraError(
            f"the tools of the toolbox {toolbox!r} need the package {package!r}, which is not installed:"
            f' pip install "terse-temporal[{toolbox}]"'
        ) from None
