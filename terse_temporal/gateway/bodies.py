"""The body of a request as JSON, once its signature was checked.

That it is signed says who sent it, and nothing about what it is: a sender signs whatever its users make it send.
"""

from __future__ import annotations

import math
from typing import Any, Final
from urllib.parse import parse_qsl

from pydantic_core import from_json

from .headers import Headers
from .refusals import RefusedDelivery

__all__ = ["read_form", "read_json"]

#: Values of a body, as far as commas and brackets tell. A pull request or push of 25 MiB has less than a million; nine
#: million empty lists fit in as well, and take 5 GB of memory.
_MOST_VALUES: Final = 2_000_000

#: Fields of a form. Slack and GitHub send one that counts.
_MOST_FIELDS: Final = 100

_FORM: Final = "application/x-www-form-urlencoded"


def read_json(raw: bytes) -> Any:
    """Return a body as plain JSON: no NaN, no infinite numbers, no halves of surrogate pairs; the last of equal keys.

    Takes about 30 ms for a MiB of small values.

    Raises:
        RefusedDelivery: 400, or 413 for one of too many values.
    """
    if sum(map(raw.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise RefusedDelivery(413, "body_too_large", f"The body has more than {_MOST_VALUES:,} values.")
    try:
        # It is strict about Unicode, and bounded in the digits of a number and in depth, at what events may have.
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise RefusedDelivery(400, "body_too_deep", "The body is nested more than 200 levels deep.") from None
        raise RefusedDelivery(400, "body_not_json", "The body is not JSON in UTF-8.") from None
    _refuse_infinite(body)
    return body


def read_form(headers: Headers, raw: bytes) -> Any:
    """Return the JSON in the field `payload` of a form, or that of a body that is no form.

    Slack sends what happens to buttons like that, and GitHub everything, if a webhook is set up as the page offers it.

    Raises:
        RefusedDelivery: 400.
    """
    # What sends a request by hand calls everything a form that is not called anything else: curl, and urllib.
    if headers.one("Content-Type").partition(";")[0].strip().lower() != _FORM or raw.startswith(b"{"):
        return read_json(raw)
    try:
        fields = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise RefusedDelivery(400, "body_not_a_form", "The body is not a form.") from None
    payloads = [value for name, value in fields if name == "payload"]
    if len(payloads) != 1:
        raise RefusedDelivery(400, "payload_missing", "The form has no field payload, or more than one.")
    return read_json(payloads[0].encode())


def _refuse_infinite(body: Any) -> None:
    """Refuse numbers like 1e999, which are read as infinite, and which JSON cannot hold when the body is written."""
    pending = [body]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, float) and not math.isfinite(value):
            raise RefusedDelivery(400, "body_not_json", "A number in the body is too large.")
