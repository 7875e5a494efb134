"""A job whose model may call tools that keep arguments for code."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, Skills, create_job, current_step, generate_text, toolbox


@toolbox.tool("codeonly.secret", code_only=["auth_env", "others"])
async def secret(note: str, auth_env: str = "nobody", **others: Any) -> dict[str, Any]:
    """Say what it was called with, and by whom."""
    return {"note": note, "auth_env": auth_env, "others": others, "by_model": current_step().by_model}


@create_job(name="codeonly-answer", durable=True)
async def answer(event: Event) -> list[Any]:
    said = await generate_text(prompt="Answer the mail", skills=[Skills.http(), "codeonly"])
    return [said, await toolbox.codeonly.secret(note="code", authEnv="CRM", more=1)]
