"""A workflow that holds an object of a library, and stops for a person's answer as often as that object asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from pydantic_ai import ModelRetry


@dataclass
class Question:
    text: str
    asked_at: datetime


@activity.defn
async def answer_customer(text: str) -> str:
    if "refund" in text:
        raise ModelRetry("may I?")
    return text.upper()


class Clerk:
    """Asks a person about what it may not decide."""

    def __init__(self, name: str) -> None:
        self.name = name

    def doubts(self, text: str) -> str | None:
        return f"{self.name}: {text}?" if "refund" in text else None

    async def answer(self, text: str) -> str:
        return await workflow.execute_activity(
            answer_customer, text, start_to_close_timeout=timedelta(seconds=30), summary=text[:20]
        )


@workflow.defn(failure_exception_types=[ValueError])
class AnswerCustomer:
    def __init__(self) -> None:
        self._clerk = Clerk("front desk")
        self._question: Question | None = None
        self._allowed: bool | None = None

    @workflow.signal
    def allow(self, allowed: bool) -> None:
        self._allowed = allowed

    @workflow.query
    def question(self) -> Question | None:
        return self._question

    @workflow.run
    async def run(self, text: str) -> str:
        doubt = self._clerk.doubts(text)
        if doubt is not None:
            self._question = Question(doubt, workflow.now())
            await workflow.wait_condition(lambda: self._allowed is not None)
            self._question = None
            if not self._allowed:
                return "no"
        return await self._clerk.answer(text)
