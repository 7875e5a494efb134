"""Letting operators in, and nobody else: who guesses tokens has to wait, longer than any token lasts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from starlette.requests import Request

from ...diagnostics.text import one_line, shorten
from ..operator_sessions import bearer_token, operator_of
from ..operator_tokens import Operator, Operators
from ..rates import AddressRates
from ..refusals import Refusal
from ..secrets import MAKE_KEY, OPERATOR_TOKEN

__all__ = ["NOT_CONFIGURED", "Guard"]

#: Wrong tokens of one address at once, and seconds for each further one.
_WRONG_AT_ONCE: Final = 10
_SECONDS_EACH: Final = 10.0

#: Characters of an address.
_LONGEST_ADDRESS: Final = 64

#: What is said where there are no operators.
NOT_CONFIGURED: Final = (
    f"{OPERATOR_TOKEN} is not set where this gateway runs: it is what operators log in with. Set it to a token, or to"
    f" several, ada:TOKEN,bob:TOKEN, and start the gateway again. This makes one: {MAKE_KEY}"
)


class Guard:
    """Tells operators from others.

    Args:
        operators: those that there are.
        clock: seconds, which only grow.
    """

    def __init__(self, operators: Operators, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._operators = operators
        self._wrong = AddressRates(1 / _SECONDS_EACH, burst=_WRONG_AT_ONCE, clock=clock)

    @property
    def is_configured(self) -> bool:
        """Whether there are operators."""
        return bool(self._operators)

    def logged_in(self, request: Request) -> Operator | None:
        """Return the operator who is logged in in a browser, or whose token a program sends; `None` for others.

        Raises:
            Refusal: the program's token is wrong.
        """
        return self.in_browser(request) or (self.admit(request) if bearer_token(request) is not None else None)

    def in_browser(self, request: Request) -> Operator | None:
        """Return the operator who is logged in in a browser."""
        return operator_of(request, self._operators)

    def admit(self, request: Request) -> Operator:
        """Return the operator whose token is in a header.

        Raises:
            Refusal: 401 without one or with a wrong one, 429 after too many wrong ones, 503 where there are none.
        """
        token = bearer_token(request)
        if token is None:
            if not self._operators:
                raise _not_configured()
            raise _unauthorized("token_missing", "Send the token of an operator: Authorization: Bearer TOKEN.")
        return self.check(request, token)

    def check(self, request: Request, token: str) -> Operator:
        """Return whose token this is.

        Raises:
            Refusal: as above.
        """
        if not self._operators:
            raise _not_configured()
        # A proxy that is believed may pass on anything for an address.
        address = shorten(one_line(request.client.host), _LONGEST_ADDRESS) if request.client else ""
        # Wrong ones alone are counted, and once there were too many the right one has to wait too: otherwise the
        # answer would still say which it is.
        if seconds := self._wrong.wait_for(address, counts=False):
            raise Refusal(
                429,
                "too_many_attempts",
                "Too many wrong tokens came from this address.",
                retry_after=seconds,
                why=f"from {address}",
            )
        found = self._operators.of_token(token)
        if found is None:
            self._wrong.wait_for(address)
            raise _unauthorized("token_wrong", "This is the token of no operator.", why=f"from {address}")
        return found


def _unauthorized(code: str, message: str, why: str = "") -> Refusal:
    return Refusal(401, code, message, headers={"www-authenticate": "Bearer"}, why=why)


def _not_configured() -> Refusal:
    return Refusal(503, "not_configured", NOT_CONFIGURED)
