"""Operators: people who may see every question and answer it, each known by a token of `TERSE_OPERATOR_TOKEN`."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from .secrets import GatewaySecrets

__all__ = ["UNNAMED", "Operator", "Operators"]

#: Who answers with a token that has no name.
UNNAMED: Final = "operator"


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may see and answer every question.

    Attributes:
        name: who that is, in an answer.
        token: by which they are known.
    """

    name: str
    token: bytes = field(repr=False)


class Operators:
    """All operators.

    Args:
        operators: each with a token of their own.
    """

    def __init__(self, operators: Sequence[Operator]) -> None:
        self._operators = tuple(operators)

    @classmethod
    def of(cls, secrets: GatewaySecrets) -> Operators:
        """Return those whose tokens are in the environment; none, if there are none."""
        return cls([Operator(name or UNNAMED, token.encode()) for name, token in secrets.operators])

    def __bool__(self) -> bool:
        return bool(self._operators)

    def __iter__(self) -> Iterator[Operator]:
        return iter(self._operators)

    def of_token(self, token: str) -> Operator | None:
        """Return whose token this is, or `None`. Every token is compared, in constant time; never raises."""
        given = token.encode("utf-8", "surrogatepass")
        found = None
        for each in self._operators:
            if hmac.compare_digest(each.token, given):
                found = each
        return found
