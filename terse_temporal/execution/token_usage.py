"""Counting the tokens that model calls use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Tokens"]


@dataclass(slots=True)
class Tokens:
    """What model calls have used so far.

    Attributes:
        requests: calls of a model that were answered.
        input, output: tokens, as the provider counts them.
    """

    requests: int = 0
    input: int = 0
    output: int = 0

    def __bool__(self) -> bool:
        return self.requests > 0

    def add(self, other: Tokens) -> None:
        """Count those of another in."""
        self.requests += other.requests
        self.input += other.input
        self.output += other.output

    def to_wire(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: Any) -> Tokens:
        """As written by `to_wire`; what cannot be read counts as none."""
        if not isinstance(wire, Mapping):
            return cls()
        return cls(
            *(value if isinstance(value := wire.get(name), int) else 0 for name in ("requests", "input", "output"))
        )
