"""Jobs that send documents and parcels: by tools and models in steps, with attempts, sleeps and approvals."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from terse_temporal import Retry, Skills, create_job, generate_text, job_step, sleep, step, toolbox


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


@toolbox.tool("docs.send")
async def send(to: Annotated[list[str], BeforeValidator(_listed)], text: str = "") -> str:
    raise NotImplementedError("every test replaces it")


@step(retry=Retry(max_attempts=3, initial="1s", on=(ValueError,)))
async def ask_until_good(question: str) -> str:
    answer = await toolbox.docs.send(to="ada@example.com", text=question)
    said = str(await generate_text(prompt=question))
    if "bad" in (answer, said):
        raise ValueError(f"{answer}, {said}")
    return f"{answer}, {said}"


@create_job(name="docs-ask", durable=True)
async def ask(event: Any) -> str:
    answer: str = await ask_until_good("how is it?")
    await sleep("3d")
    return answer


class Parcel(BaseModel):
    to: str
    weight: int = 1


@step
async def _weigh(parcel: Parcel) -> int:
    return parcel.weight


@create_job(name="docs-weigh", durable=True)
async def weigh(event: Any) -> int:
    """Whatever goes wrong in the step is made good by the job, as is some people's habit."""
    try:
        return await _weigh(Parcel(to="Ada"))
    except Exception:
        return 0


@step
async def pack(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "packed"


@step(retry=Retry(max_attempts=3, initial="5m", max_delay="1h", on=(ConnectionError,)))
async def call_courier() -> str:
    return "called"


@create_job(name="docs-pack", durable=True)
async def pack_slowly(event: Any) -> str:
    await sleep("1h")
    return await pack(event.seconds)


@create_job(name="docs-courier", durable=True)
async def send_courier(event: Any) -> str:
    said: str = await call_courier()
    await sleep("1h")
    return said


@create_job(name="docs-courier-once", durable=True)
async def send_courier_once(event: Any) -> str:
    return await call_courier()


@create_job(name="docs-courier-asleep", durable=True)
async def send_courier_asleep(event: Any) -> Any:
    return await asyncio.gather(call_courier(), sleep("1d"))


@create_job(name="docs-approved", durable=True)
async def approved(event: Any) -> str:
    return await generate_text(prompt="send it", skills=[Skills.docs()], tool_approvals=["docs.send"])


def stamp(text: str) -> str:
    return text


@create_job(name="docs-named-by-its-event", durable=True)
async def named(event: Any) -> Any:
    return await job_step(run=stamp, name=event.name, input="real")
