"""The headers of a request, which anybody may have made up: of any length, twice, in any characters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ..diagnostics.redaction import names_secret
from .refusals import RefusedDelivery

__all__ = ["Headers"]

#: Characters of a header that is read. What vendors send has a few hundred.
_LONGEST_READ: Final = 4_096

#: What a job may see: so many headers, so many characters of each, and nothing that is not text of one line.
_MOST_SHOWN: Final = 64
_LONGEST_SHOWN: Final = 1_000
_SHOWABLE: Final = re.compile(r"[\t -~\xa0-\xff]*")
_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")

#: Names that sound as if they held a secret, and do not.
_NO_SECRETS: Final = frozenset({"idempotency-key", "webhook-id", "webhook-timestamp"})

#: What is between one hop and the next, and says something of the network and not of the delivery.
_OF_THE_WAY: Final = frozenset({"connection", "forwarded", "host", "keep-alive", "te", "trailer", "upgrade", "via"})


class Headers:
    """The headers of one request.

    Args:
        headers: pairs of name and value, or a mapping.
    """

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def one(self, name: str, *, status: int = 400) -> str:
        """Return the value of a header, or an empty string where there is none.

        Raises:
            RefusedDelivery: it was sent twice, is longer than any sender makes it, or is not in ASCII.
        """
        values = self._values.get(name.lower())
        if not values:
            return ""
        if len(values) > 1:
            raise RefusedDelivery(status, "header_invalid", f"The header {name} was sent more than once.")
        value = values[0]
        if len(value) > _LONGEST_READ or not value.isascii():
            raise RefusedDelivery(status, "header_invalid", f"The header {name} is too long, or not in ASCII.")
        return value.strip(" \t")

    def for_jobs(self, *hidden: str) -> dict[str, str]:
        """Return what a job may see of them, by lower-case names: no signatures, cookies or credentials.

        Args:
            hidden: further names that are left out.
        """
        left_out = {name.lower() for name in hidden}
        shown: dict[str, str] = {}
        for name, values in self._values.items():
            if len(shown) == _MOST_SHOWN:
                break
            if name in left_out or name in _OF_THE_WAY or name.startswith(("x-forwarded-", "proxy-")):
                continue
            if "signature" in name or (names_secret(name) and name not in _NO_SECRETS):
                continue
            value = ", ".join(values[:_MOST_SHOWN])
            if len(value) <= _LONGEST_SHOWN and _NAME.fullmatch(name) and _SHOWABLE.fullmatch(value):
                shown[name] = value
        return shown
