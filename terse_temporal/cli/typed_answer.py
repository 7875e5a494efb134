"""An answer that is typed line by line: an option by its number, a text, a form field by field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from ..diagnostics.text import json_text, one_line, shorten
from ..inputs.forms import Form, FormField, choice_text, read_form
from ..inputs.questions import InputOption, InputQuestion
from ..inputs.submitted import submitted_data

__all__ = ["TypedAnswer"]

#: Characters of a default that are shown.
_LONGEST: Final = 60

_WORDS: Final = {"y": "true", "yes": "true", "true": "true", "n": "false", "no": "false", "false": "false"}

_HINTS: Final[Mapping[str, str]] = {
    "yes_no": "y or n",
    "integer": "a whole number",
    "number": "a number",
    "date": "a date, 2026-11-27",
    "time": "a time, 14:30",
    "date_time": "a date and time, 2026-11-27T14:30Z",
    "choices": "numbers, with commas between",
    "long_text": "lines, ended by an empty one",
    "texts": "one a line, ended by an empty line",
}


class TypedAnswer:
    """The answer to one question, as far as it has been typed.

    Args:
        question: what is asked.
        read: shows a prompt, and returns the line that is typed.
        say: shows a line.
    """

    def __init__(self, question: InputQuestion, read: Callable[[str], Awaitable[str]], say: Callable[[str], None]):
        self._question = question
        self._read = read
        self._say = say
        self._form: Form | None = None
        if question.form is not None and not question.options:
            self._form = read_form(question.form)
        #: What has been typed, by field.
        self._typed: dict[str, list[str]] = {}

    async def ask(self, wrong: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Ask, and return the answer: `choice`, `text` and `data` of `answer_question`.

        Args:
            wrong: what was refused the last time, by field: of a form only these are asked again.
        """
        if self._question.options:
            return await self._option(self._question.options)
        if self._form is None:
            for said in (wrong or {}).values():
                self._say(f"  {one_line(said)}")
            return {"text": await self._filled("answer: ")}
        named = {name.partition(".")[0]: said for name, said in (wrong or {}).items()}
        again = [each for each in self._form.fields if each.name in named] or list(self._form.fields)
        for each in again:
            if each.name in named:
                self._say(f"  {one_line(each.label)}: {one_line(named[each.name])}")
            self._typed[each.name] = await self._field(each)
        return {"data": submitted_data(self._form, self._typed)}

    async def _option(self, options: Sequence[InputOption]) -> dict[str, Any]:
        for place, each in enumerate(options, 1):
            described = f": {one_line(each.description)}" if each.description else ""
            self._say(f"  {place}  {one_line(each.label)}{described}")
        known = [{str(place), each.id.casefold(), each.label.casefold()} for place, each in enumerate(options, 1)]
        while True:
            typed = (await self._read(f"1 to {len(options)}: ")).strip().casefold()
            found = [each for each, names in zip(options, known, strict=True) if typed in names]
            if len(found) == 1:
                break
            self._say(f"  type a number from 1 to {len(options)}")
        text = (await self._read("a text to go with it, or nothing: ")).strip() if found[0].free_text else ""
        return {"choice": found[0].id, "text": text}

    async def _filled(self, prompt: str) -> str:
        while not (typed := (await self._read(prompt)).strip()):
            self._say("  type something")
        return typed

    async def _field(self, field: FormField) -> list[str]:
        """Return what is typed into a field, as a browser would send it."""
        self._say_what(field)
        while True:
            typed = await self._lines(field) if field.kind in ("long_text", "texts") else await self._line(field)
            if typed is None:
                continue
            if typed == ["-"] and field.nullable:
                return []
            if any(typed):
                return typed
            if field.default is not None:
                return _texts(field.default)
            if not field.required or field.kind in ("texts", "choices"):
                return []
            self._say("  it has to be given")

    def _say_what(self, field: FormField) -> None:
        if field.description:
            self._say(f"  {one_line(field.description)}")
        for place, each in enumerate(field.choices, 1):
            self._say(f"  {place}  {one_line(choice_text(each))}")

    async def _line(self, field: FormField) -> list[str] | None:
        """Return what is typed in a line; `None` for what is none of the choices."""
        typed = (await self._read(_prompt(field))).strip()
        if not typed or (typed == "-" and field.nullable):
            return [typed]
        if field.kind == "yes_no":
            return self._known([_WORDS.get(typed.casefold())], "type y or n")
        if field.kind == "choice":
            return self._known([_chosen(field, typed)], f"type a number from 1 to {len(field.choices)}")
        if field.kind == "choices":
            parts = [_chosen(field, each.strip()) for each in typed.split(",") if each.strip()]
            return self._known(parts, f"type numbers from 1 to {len(field.choices)}, with commas between")
        return [typed]

    def _known(self, typed: Sequence[str | None], otherwise: str) -> list[str] | None:
        known = [each for each in typed if each is not None]
        if len(known) == len(typed):
            return known
        self._say(f"  {otherwise}")
        return None

    async def _lines(self, field: FormField) -> list[str]:
        lines = []
        prompt = _prompt(field)
        while (line := await self._read(prompt)).strip():
            lines.append(line)
            prompt = "… "
        return lines if field.kind == "texts" or not lines else ["\n".join(lines)]


def _prompt(field: FormField) -> str:
    said = [hint] if (hint := _HINTS.get(field.kind)) else []
    if field.default is not None:
        said.append(f"Enter is {shorten(one_line(json_text(field.default)), _LONGEST)}")
    elif not field.required:
        said.append("may be left out")
    if field.nullable and field.default is not None:
        said.append("- is nothing")
    hints = f" ({'; '.join(said)})" if said else ""
    return f"{one_line(field.label)}{hints}: "


def _chosen(field: FormField, typed: str) -> str | None:
    """Return the value of a choice that is meant by its number, or by itself."""
    texts = [choice_text(each) for each in field.choices]
    if typed in texts:
        return typed
    return texts[int(typed) - 1] if typed.isdecimal() and len(typed) < 5 and 0 < int(typed) <= len(texts) else None


def _texts(value: Any) -> list[str]:
    """Return a default as it would be typed."""
    return [choice_text(each) for each in value] if isinstance(value, list) else [choice_text(value)]
