"""What the steps of both sides take and give."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Charge:
    customer: str
    number: int
    amount: float


@dataclass
class Receipt:
    number: int
    total: float
