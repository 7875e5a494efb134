"""Jobs that are tested as somebody would who has just come."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from terse_temporal import Retry, create_job, generate_text, sleep, step, toolbox


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
