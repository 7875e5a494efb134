"""The activity of the hand-written job, and what goes in and out of it."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity


@dataclass
class Bill:
    customer: str
    steps: int


@dataclass
class Charge:
    customer: str
    number: int
    amount: float


@dataclass
class Receipt:
    number: int
    total: float


@activity.defn
async def charge(charge: Charge) -> Receipt:
    return Receipt(number=charge.number, total=charge.amount + 1)
