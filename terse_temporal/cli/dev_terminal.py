"""Questions that are asked at the terminal of `dev`, one after the other, in the process that outlives its workers."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Final

from temporalio.client import Client

from ..diagnostics.text import json_text, one_line, printable
from ..errors import AnswerRefusedError, TerseError
from ..inputs.default_way import DefaultWay
from ..inputs.mistakes import plain_mistakes
from ..inputs.questions import InputQuestion
from ..inputs.terminal_way import TerminalWay
from ..runs.inputs import answer_question, find_question, list_questions
from .inputs.answer import user_name
from .inputs.output import summary
from .output import console
from .servers import silent_client
from .tasks import race
from .typed_answer import TypedAnswer
from .typed_lines import TypedLines, has_terminal
from .worker_process import Asked

__all__ = ["DevTerminal", "has_terminal"]

#: Seconds between two looks whether a question is over that is being answered here.
_LOOK_EVERY: Final = 2.0


class DevTerminal:
    """The terminal. `run` asks, until it is cancelled.

    Args:
        address: of the server.
        by_default: whether questions that name no way are asked here.
    """

    def __init__(self, address: str, *, by_default: bool) -> None:
        self._address = address
        self._ways = {TerminalWay.way_name, *([DefaultWay.way_name] if by_default else [])}
        self._questions: asyncio.Queue[Asked] = asyncio.Queue()
        self._known: set[Asked] = set()

    def add(self, asked: Asked) -> None:
        """Ask this one too. Twice is once."""
        if asked not in self._known:
            self._known.add(asked)
            self._questions.put_nowait(asked)

    async def run(self) -> None:
        """Ask what was asked before and is still open, and then whatever is added."""
        client = await silent_client(self._address, "default")
        lines = TypedLines(sys.stdin.fileno())
        try:
            with suppress(TerseError):
                async for each in list_questions(client):
                    if self._ways & set(each.via):
                        self.add((each.id, each.run, each.number))
            while True:
                asked = await self._questions.get()
                try:
                    await self._ask(client, lines, asked)
                except AnswerRefusedError as err:  # it is over by now
                    console.print(f"\n{one_line(str(err))}", markup=False)
                except TerseError as err:
                    console.print(f"\nquestion {one_line(asked[2])} is left alone: {one_line(str(err))}", markup=False)
        finally:
            lines.end()

    async def _ask(self, client: Client, lines: TypedLines, asked: Asked) -> None:
        workflow_id, run, number = asked
        question = await find_question(client, workflow_id, number, run=run)
        _show(question)
        lines.forget()
        sending = asyncio.Event()
        await race(_answer(client, question, lines, sending), _until_over(client, question, sending))


async def _answer(client: Client, question: InputQuestion, lines: TypedLines, sending: asyncio.Event) -> None:
    """Have a question answered.

    Args:
        client: of the server.
        question: what is asked.
        lines: what is typed.
        sending: is set while an answer is on its way.

    Raises:
        AnswerRefusedError: somebody else was first, or this is not for this user to answer.
    """

    async def read(prompt: str) -> str:
        console.print(prompt, end="", markup=False)
        line = await lines.next()
        if line is None:
            console.print("\nnothing more can be typed here; there are the page, and terse-temporal inputs answer")
            await asyncio.Event().wait()
        return line or ""

    try:
        typed = TypedAnswer(question, read, lambda line: console.print(line, markup=False))
    except ValueError:  # a form of a later version
        console.print("this form cannot be filled in here: answer on its page", markup=False)
        return
    wrong: dict[str, str] = {}
    while True:
        given = await typed.ask(wrong)
        sending.set()
        try:
            await answer_question(
                client,
                question.id,
                question.number,
                run=question.run,
                by=user_name(),
                via=TerminalWay.way_name,
                **given,
            )
        except AnswerRefusedError as err:
            if err.kind != "wrong":
                raise
            sending.clear()
            wrong = plain_mistakes(question, err.fields)
            console.print("it is not taken:" if wrong else f"it is not taken: {printable(str(err))}", markup=False)
            continue
        console.print("answered\n")
        return


async def _until_over(client: Client, question: InputQuestion, sending: asyncio.Event) -> None:
    """Wait until a question is over otherwise.

    Raises:
        AnswerRefusedError: it is; it says who has answered.
    """
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        if sending.is_set():  # an answer from here, which is told what becomes of it
            continue
        try:
            await find_question(client, question.id, question.number, run=question.run)
        except AnswerRefusedError:
            raise
        except TerseError:  # a server that is gone for a moment
            continue


def _show(question: InputQuestion) -> None:
    lines = [f"\nquestion {one_line(question.number)} of {one_line(question.id)}:", "", printable(question.prompt)]
    if question.tool is not None:
        lines.append(f"  {summary(question)}")
        lines += [f"  asked because {one_line(question.because)}"] if question.because else []
    lines += [f"  {one_line(name)}: {json_text(each)}" for name, each in question.details.items()]
    console.print("\n".join([*lines, ""]), markup=False)
