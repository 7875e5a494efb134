"""Jobs whose questions are full of what browsers, templates and terminals would take for something else than text."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from terse_temporal import Event, InputOption, create_job, wait_for_input

__all__ = ["HOSTILE", "Hostile", "asks_hostile_form", "asks_hostile_options"]

#: Each would do something in HTML, in an attribute of it, in a textarea, in a template, or on a terminal.
HOSTILE: Final = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{1234577*7}}</textarea></style><!-- &lt;"


class Hostile(BaseModel):
    __doc__ = f"About {HOSTILE}"

    name: str = Field(default=HOSTILE, title=f"Title {HOSTILE}", description=f"Described {HOSTILE}")
    note: str = Field(default=HOSTILE, json_schema_extra={"format": "multiline"})
    one: Literal["<b>a</b>", "\"'><i>"] = "<b>a</b>"
    lines: list[str] = [HOSTILE]


@create_job(name="asks-hostile-options", durable=True)
async def asks_hostile_options(event: Event) -> list[Any]:
    """Asks with options."""
    answer = await wait_for_input(
        prompt=f"Prompt {HOSTILE}",
        options=[
            InputOption('"><b>yes', f"Label {HOSTILE}"[:100], f"Means {HOSTILE}", free_text=True),
            InputOption("no", "No"),
        ],
        details={HOSTILE[:100]: HOSTILE, "list": [HOSTILE, {"deep": HOSTILE}]},
    )
    return [answer.choice, answer.text, answer.respondent]


@create_job(name="asks-hostile-form", durable=True)
async def asks_hostile_form(event: Event) -> list[Any]:
    """Asks with a form."""
    answer = await wait_for_input(prompt=HOSTILE, schema=Hostile)
    return [answer.data.name, answer.data.note, answer.data.one, answer.data.lines]
