"""A request as the tool has checked it, and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

__all__ = ["HttpResponse", "Outgoing"]


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A request, its arguments checked."""

    method: str
    url: str
    params: dict[str, Any] | None
    headers: dict[str, str]
    json: Any
    form: dict[str, Any] | None
    body: str | None
    limit: timedelta
    auth_env: str | None
    headers_env: dict[str, str]
    repeatable: bool
    follow_redirects: bool
    raise_for_status: bool


class HttpResponse(BaseModel):
    """An answer.

    Attributes:
        status: such as 200.
        url: where it came from, after redirects; without its query and user name, which may be credentials.
        headers: by names in lower case; those of use, and no cookie or token among them.
        body: parsed JSON where the answer says that it is JSON, else the text; `None` where there is none.
    """

    status: int
    url: str
    headers: dict[str, str]
    body: Any = None
