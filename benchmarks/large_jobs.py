"""A job whose step gives something large, which the next one takes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from terse_temporal import create_job, job_step

__all__ = ["KINDS", "passes_on_large_data"]

#: Bytes of JSON that a row has, on average.
_ROW = 70


class Row(BaseModel):
    """A row of a table."""

    id: int
    name: str
    tags: list[str]
    score: float


def text(megabytes: int) -> str:
    return "x" * (megabytes * 1_000_000)


def data(megabytes: int) -> bytes:
    return b"x" * (megabytes * 1_000_000)


def objects(megabytes: int) -> Any:
    count = megabytes * 1_000_000 // _ROW
    return [{"id": each, "name": f"name {each}", "tags": ["a", "b"], "score": each / 3} for each in range(count)]


def models(megabytes: int) -> list[Row]:
    return [Row(**each) for each in objects(megabytes)]


#: What may be large, by its name.
KINDS = {function.__name__: function for function in (text, data, objects, models)}


def count_of(value: Any) -> int:
    return len(value)


@create_job(name="benchmark-large", durable=True)
async def passes_on_large_data(event: dict[str, Any]) -> int:
    """One step makes it; where the event says so, another one is given it."""
    made = await job_step(run=KINDS[event["kind"]], input=event["megabytes"])
    return await job_step(run=count_of, input=made) if event["passes_on"] else len(made)
