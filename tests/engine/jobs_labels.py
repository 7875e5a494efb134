"""A job whose steps have labels."""

from __future__ import annotations

from pydantic import BaseModel

from terse_temporal import Event, create_job, job_step, step


class Page(BaseModel):
    title: str
    rows: list[int] = []


@step(label="page {number:02d}")
def fetch(number: int) -> int:
    return number


@step(name="print", label="{page.title}, {page.rows[1]}, {copies}")
def print_out(page: Page, copies: int = 2) -> None:
    pass


@create_job(name="labelled", durable=True)
async def labelled(event: Event) -> None:
    await fetch(7)
    await print_out(Page(title="one\ntwo", rows=[3, 4]))
    await print_out(Page(title="no rows"))
    for label in ("first", "é" * 150, None):
        await job_step(run=lambda given: given, input=0, name="plain", label=label)
