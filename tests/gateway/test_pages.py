"""A page shows all of a question and nothing that is not text: whoever wrote it, it is escaped, bounded, and kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from html.parser import HTMLParser
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from terse_temporal.gateway.pages.question_page import notice_page, question_page
from terse_temporal.gateway.pages.rendering import page_headers
from terse_temporal.gateway.pages.showing import show, show_time
from terse_temporal.inputs import InputOption, InputQuestion, LongText
from terse_temporal.inputs.forms import form_schema
from terse_temporal.serialization.serializer import shared_serializer

_NOW = datetime(2026, 11, 27, 22, 41, 30, tzinfo=UTC)
_MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=y>{{ 7 * 7 }}"


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html.replace(html[html.index("<style>") : html.index("</style>")], ""))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text, as it is."""
        return "".join(self.texts)

    @property
    def words(self) -> str:
        """All text, with one space between words."""
        return " ".join(" ".join(self.texts).split())

    def named(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of those with a name."""
        return [attributes for _, attributes in self.found if attributes.get("name") == name]


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Everything(BaseModel):
    """All kinds of fields."""

    name: str = Field(min_length=2, max_length=9, description="A word.")
    note: LongText = "so\nso"
    count: int = Field(default=3, ge=1, lt=9)
    share: float | None = Field(default=None, gt=0)
    day: datetime | None = datetime(2026, 12, 1, 9, tzinfo=UTC)
    paid: bool = True
    sure: bool | None = None
    colour: Colour = Colour.BLUE
    size: Literal[1, 2, 3, 4, 5, 6, 7]
    tags: list[str] = ["a", "b"]
    colours: list[Colour] = [Colour.RED]


def question(**more: Any) -> InputQuestion:
    given: dict[str, Any] = {"job": "job", "prompt": "Ship it?", "since": _NOW - timedelta(hours=3)}
    return InputQuestion("run/1", "r", "1", **given | more)


def page_of(asked: InputQuestion, **more: Any) -> Elements:
    return Elements(question_page(asked, csrf="the-token", now=_NOW, **more))


def form_of(**more: Any) -> Elements:
    form = form_schema(Everything, shared_serializer, "wait_for_input()")
    return page_of(question(form=form), **more)


def test_all_of_it_is_shown() -> None:
    asked = question(
        prompt="Ship it?\n\nIt is heavy.",
        options=(InputOption("yes", "Yes", "It goes today", free_text=True), InputOption("no", "No")),
        details={"zone": "B", "lines": [{"sku": 1}, "two"], "tags": ["x", None], "ok": False},
        until=_NOW + timedelta(days=2),
        on_timeout="no",
        respond_by=("ada@example.com",),
    )
    page = page_of(asked, chosen="no", answering_as="Grace")
    shown = page.words
    for said in (
        "job asks", "Ship it?", "It is heavy.", "zone B", "sku 1", "two", "x —", "ok no", "It goes today", "run/1",
        "27 November 2026, 19:41 UTC, 3 h ago", "29 November 2026, 22:41 UTC, in 2 d", "“No” counts", "ada@example.com",
        "You answer as Grace .", "Press “No” to confirm it", "It goes with “Yes”",
    ):  # fmt: skip
        assert said in shown, said
    assert [(each["value"], each.get("class")) for each in page.named("choice")] == [("yes", None), ("no", "chosen")]
    assert [each["value"] for each in page.named("terse-csrf")] == ["the-token"]


def test_an_approval_has_its_call() -> None:
    asked = question(tool="bank.pay", arguments={"cents": 5, "to": {"iban": "X"}}, because="above the limit")
    shown = page_of(asked).words
    assert "bank.pay" in shown
    assert "above the limit" in shown
    assert "cents 5 to iban X" in shown


def test_whatever_somebody_wrote_is_text() -> None:
    asked = InputQuestion(
        _MARKUP, "r", "1", job=_MARKUP, prompt=_MARKUP, details={_MARKUP: _MARKUP, "deep": [[{_MARKUP: [_MARKUP]}]]},
        options=(InputOption(_MARKUP, _MARKUP, _MARKUP, free_text=True),), respond_by=(_MARKUP,), tool=_MARKUP,
        arguments={_MARKUP: [_MARKUP]}, because=_MARKUP, on_timeout=_MARKUP, until=_NOW,
    )  # fmt: skip
    pages = [
        page_of(asked, typed={"text": [_MARKUP]}, mistakes={"": _MARKUP}, notice=_MARKUP, answering_as=_MARKUP),
        Elements(
            notice_page(
                heading=_MARKUP,
                paragraphs=[_MARKUP],
                job=_MARKUP,
                prompt=_MARKUP,
                shown=[(_MARKUP, _MARKUP)],
                again=_MARKUP,
                resend={_MARKUP: [_MARKUP]},
                csrf=_MARKUP,
            )
        ),
        form_of(typed={each: [_MARKUP] for each in Everything.model_fields}, mistakes={"name": _MARKUP, "x": _MARKUP}),
    ]
    for page in pages:
        assert not {"script", "img"} & {tag for tag, _ in page.found}
        assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]
        assert _MARKUP in page.text


def test_a_memo_that_somebody_else_has_written_is_bounded() -> None:
    deep: Any = "end"
    for _ in range(500):
        deep = {"a": [deep]}
    asked = question(
        prompt="p" * 10**6, job="j" * 10**5, details={"k" * 10**4: "v" * 10**6, "deep": deep, "many": [*range(10**5)]}
    )
    html = question_page(asked, csrf="t", now=_NOW)
    assert len(html) < 100_000
    assert "many" in html
    assert "\\u202e" in question_page(question(prompt="\u202egnp.exe"), csrf="t")
    broken = question_page(question(form={"type": "object", "properties": {"x": {"type": "object"}}}), csrf="t")
    assert "cannot be shown" in broken


def test_a_form_begins_with_its_defaults_and_says_its_limits() -> None:
    page = form_of()
    values = {
        name: [each.get("value") for each in page.named(name)] for name in ("name", "count", "share", "day", "paid")
    }
    assert values == {"name": [""], "count": ["3"], "share": [""], "day": ["2026-12-01T09:00:00Z"], "paid": ["true"]}
    assert page.named("day")[0]["type"] == "text"  # a browser would drop its offset
    later = form_of(typed={"day": ["2026-12-01T10:30"]})
    assert (later.named("day")[0]["type"], later.named("day")[0]["value"]) == ("datetime-local", "2026-12-01T10:30")
    assert [(each["value"], "checked" in each) for each in page.named("colour")] == [("red", False), ("blue", True)]
    assert [(each["value"], "checked" in each) for each in page.named("colours")] == [("red", True), ("blue", False)]
    chosen = [attributes["value"] for tag, attributes in page.found if tag == "option" and "selected" in attributes]
    assert chosen == ["", ""]  # nothing is chosen for anybody: neither "sure" nor "size"
    shown = page.words
    for said in (
        "so so", "a b", "A word. From 2 to 9 characters.", "A whole number, at least 1, less than 9.",
        "A number, more than 0.", "Share (optional)",
    ):  # fmt: skip
        assert said in shown, said
    assert "required" in page.named("name")[0]
    assert "required" not in page.named("paid")[0]


def test_what_was_typed_is_kept_and_what_is_wrong_stands_beside_it() -> None:
    typed = {"name": ["x"], "count": ["ten"], "day": ["soon"], "tags": ["1\n\n2"], "colours": ["blue"], "size": ["4"]}
    wrong = {
        "name": "too short",
        "tags.1": "no tag",
        "day": "no time",
        "colours": "not that",
        "": "they do not go together",
    }
    page = form_of(typed=typed, mistakes=wrong)
    assert [page.named(name)[0].get("value") for name in ("name", "count", "day")] == ["x", "ten", "soon"]
    assert page.named("day")[0]["type"] == "text"  # so that a moment can be typed with its offset
    assert "checked" not in page.named("paid")[0]  # the box was unticked
    assert [(each["value"], "checked" in each) for each in page.named("colours")] == [("red", False), ("blue", True)]
    assert "1\n\n2" in page.text
    ids = {attributes["id"] for _, attributes in page.found if "id" in attributes}
    links = [attributes["href"] or "" for tag, attributes in page.found if tag == "a"]
    assert len(links) == 4
    assert {each.removeprefix("#") for each in links} <= ids
    described = {each for _, attributes in page.found for each in (attributes.get("aria-describedby") or "").split()}
    assert described <= ids
    for said in (
        "Name: too short",
        "Tags: entry 2: no tag",
        "they do not go together",
        "5 things are to be put right",
    ):
        assert said in page.text, said


@pytest.mark.parametrize("may_answer", [True, False])
def test_there_may_be_nothing_to_answer_with(may_answer: bool) -> None:
    page = page_of(question(options=(InputOption("a", "A"),)), may_answer=may_answer, notice="not you")
    assert ("form" in {tag for tag, _ in page.found}) is may_answer
    assert "not you" in page.text


def test_no_answer_is_kept_framed_or_loaded_from_elsewhere() -> None:
    headers = page_headers()
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for name in ("style=", "http://", "https://", "url(", "@import"):
        assert name not in re.sub(r"<title>.*?</title>", "", form_html()), name


def form_html() -> str:
    return question_page(question(form=form_schema(Everything, shared_serializer, "x")), csrf="t", now=_NOW)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"), ([], "—"), ({}, "—"), (False, "no"), (True, "yes"), (0, "0"), (1.5, "1.5"), ("a\nb", "a\nb"),
        ([1, "a", None], ["1", "a", "—"]),
        ({"a": {"b": 1}}, [("a", [("b", "1")])]), ([{"a": 1}, 2], [("1", [("a", "1")]), ("2", "2")]),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, [("a", [("b", [("c", [("d", '{"e": 1}')])])])]),
    ],
)  # fmt: skip
def test_json_is_shown_as_people_write(value: Any, shown: Any) -> None:
    assert show(value) == shown


def test_times_are_of_one_zone() -> None:
    assert show_time(_NOW, _NOW) == "27 November 2026, 22:41 UTC, now"
    assert show_time(_NOW + timedelta(minutes=90), _NOW).endswith("in 1 h 30 min")
    assert show_time(_NOW + timedelta(days=2, seconds=-5), _NOW).endswith("in 2 d")
