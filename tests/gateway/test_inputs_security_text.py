"""What others have written is shown as text on every page: it never becomes an element, an attribute or an address."""

from __future__ import annotations

import re
import uuid
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ..bench import Bench, cache_on
from ..inputs.asking import asked
from ..inputs.jobs_hostile import HOSTILE, asks_hostile_form, asks_hostile_options
from ..waiting import until
from .asking_gateway import ADA, asking_gateway, link_to, set_secrets
from .test_input_page import Browser

#: All that our templates have.
_ELEMENTS = re.findall(
    r"\S+",
    """html head meta title link style body main article header footer section nav h1 h2 p b a ul li dl dt dd div
    span code form input textarea select option fieldset legend label button blockquote pre""",
)
_ATTRIBUTES = re.findall(
    r"\S+",
    """lang charset name content rel href class method action novalidate type value id for rows maxlength required
    checked selected hidden role autocomplete inputmode aria-label aria-labelledby aria-describedby aria-invalid""",
)


class _Page(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.values: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in ("href", "action", "src")}
        self.values += [value or "" for name, value in attrs if name == "value"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def _checked(page: str) -> _Page:
    found = _Page(page)
    assert found.elements <= set(_ELEMENTS)
    assert found.attributes <= set(_ATTRIBUTES)
    assert all(each in ("data:,", "") or each.startswith(("/inputs", "#", "?")) for each in found.addresses)
    assert str(1234577 * 7) not in found.text  # of a template
    return found


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    set_secrets(monkeypatch)


@cache_on
async def test_question_answer_and_list(bench: Bench, tmp_path: Path) -> None:
    """The prompt, details, options, the id of the run, who answers, and what was typed."""
    async with (
        bench.worker(asks_hostile_options),
        asking_gateway(bench.env.client, tmp_path / "spool") as client,
    ):
        run = await bench.env.client.start_workflow(
            asks_hostile_options.name,
            {},
            id=f"{HOSTILE[:60]}/{uuid.uuid4()}",
            task_queue=bench.task_queue,
        )
        question = await asked(run)
        known = {"id": run.id, "run": question["run"], "number": "1"}
        browser = Browser(client, link_to(known, respondent=HOSTILE))
        page = await browser.open()
        found = _checked(page)
        for part in (f"Prompt {HOSTILE}", f"Means {HOSTILE}", f"Label {HOSTILE}"[:100], run.id):
            assert part in found.text
        assert found.text.count(HOSTILE) >= 5
        assert '"><b>yes' in found.values

        await client.post("/inputs/login", data={"token": ADA})

        async def is_listed() -> bool:
            listed = _checked((await client.get(f"/inputs?job={asks_hostile_options.name}")).text)
            return f"Prompt {HOSTILE}" in listed.text and run.id[:60] in listed.text

        await until(is_listed, "it is listed")
        _checked((await client.get("/inputs", params={"job": HOSTILE})).text)

        wrong = _checked(await browser.send(422, page, choice=HOSTILE, text=HOSTILE))
        assert HOSTILE in found.text
        assert any(HOSTILE in each for each in wrong.texts)
        _checked(await browser.open(query=f"?choice={HOSTILE}"))
        thanks = _checked(await browser.send(200, page, choice='"><b>yes', text=HOSTILE))
        assert HOSTILE in thanks.text
        late = Browser(client, link_to(known, respondent="bob"))
        assert HOSTILE in _checked(await late.open(410)).text  # who has answered
        assert await bench.result(run) == ['"><b>yes', HOSTILE, HOSTILE]


@cache_on
async def test_a_form(bench: Bench, tmp_path: Path) -> None:
    """Labels, descriptions, defaults, values to choose, mistakes, and what was typed."""
    async with bench.worker(asks_hostile_form), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(asks_hostile_form)
        question = await asked(run)
        known = {"id": run.id, "run": question["run"], "number": "1"}
        browser = Browser(client, link_to(known, respondent="ada"))
        page = await browser.open()
        found = _checked(page)
        for part in (f"Title {HOSTILE}", f"Described {HOSTILE}", f"About {HOSTILE}", "<b>a</b>"):
            assert part in found.text
        assert {HOSTILE, "<b>a</b>", "\"'><i>"} <= set(found.values)
        assert found.text.count(HOSTILE) >= 5  # with the field of several lines, and the list
        wrong = _checked(await browser.send(422, page, name=HOSTILE, note=HOSTILE, one=HOSTILE, lines=HOSTILE))
        assert HOSTILE in wrong.values
        await browser.send(200, page, name=HOSTILE, note=HOSTILE, one="<b>a</b>", lines=HOSTILE)
        assert await bench.result(run) == [HOSTILE, HOSTILE, "<b>a</b>", [HOSTILE]]
