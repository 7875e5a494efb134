"""The side on DBOS, as a process: `python dbos_side.py FILE`, with the database that the file is.

In SQLite with a write-ahead log and `synchronous=normal`, as the embedded Temporal server has it. It is run by the
Python of an environment that has `dbos`, which this package's has not.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from dbos import DBOS

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.comparison.driving import serve


@dataclass
class Charge:
    customer: str
    number: int
    amount: float


@dataclass
class Receipt:
    number: int
    total: float


@DBOS.step()
async def charge(charge: Charge) -> Receipt:
    return Receipt(number=charge.number, total=charge.amount + 1)


@DBOS.workflow()
async def bill_customer(customer: str, steps: int) -> float:
    total = 0.0
    for number in range(steps):
        receipt = await charge(Charge(customer=customer, number=number, amount=total))
        total = receipt.total
    return total


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def _write_ahead(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=wal")
    connection.execute("PRAGMA synchronous=normal")


async def _run(steps: int) -> float:
    total: float = await bill_customer("ada@example.com", steps)
    return total


async def _main(file: str) -> None:
    DBOS(config={"name": "benchmark", "system_database_url": f"sqlite:///{file}", "log_level": "ERROR"})
    DBOS.launch()
    try:
        await serve(_run)
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
