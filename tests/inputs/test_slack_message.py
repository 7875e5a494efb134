"""A question is a message that Slack takes, whatever is in it: buttons or a menu, and nothing of it is markup."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from terse_temporal.errors import InputError
from terse_temporal.inputs import InputOption, InputQuestion, question_link, read_token, slack
from terse_temporal.inputs.links import question_token
from terse_temporal.inputs.questions import approval_options
from terse_temporal.inputs.slack_way.message import (
    closed_blocks,
    closed_text,
    has_token,
    question_blocks,
    question_text,
)
from terse_temporal.inputs.slack_way.message import reminder_blocks as reminder

from .slack_limits import check_message

KEY = "a-key-of-these-tests"
ENVIRON = {"TERSE_GATEWAY_KEY": f"{KEY}, another-key-of-before", "TERSE_GATEWAY_URL": "https://hooks.acme.example/"}

#: What would call everybody, hide where a link leads, be bold, or turn the direction of what follows.
HOSTILE = "<!channel> *bold* <https://evil.example|acme.example> & \u202e <@U061F7AUR> :tada: \x1b[2J"


def question(**more: Any) -> InputQuestion:
    given: dict[str, Any] = {
        "id": "expense/42",
        "run": "0190b6e3-0000-7000-8000-000000000000",
        "number": "1",
        "job": "expense",
        "namespace": "default",
        "prompt": "Pay 120.00 EUR to Ada?",
        "since": datetime(2026, 11, 27, 12, tzinfo=UTC),
    }
    return InputQuestion(**(given | more))


def message(asked: InputQuestion, environ: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The blocks that ask, which Slack takes."""
    found = ENVIRON if environ is None else environ
    token, link = question_token(asked, environ=found), question_link(asked, environ=found)
    blocks = question_blocks(asked, token, link)
    check_message({"text": question_text(asked), "blocks": blocks})
    return blocks


def options(count: int, **more: Any) -> tuple[InputOption, ...]:
    return tuple(InputOption(f"o{number}", f"Option {number}", **more) for number in range(count))


def controls(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for block in blocks if block["type"] == "actions" for each in block["elements"]]


def shown(blocks: Any) -> str:
    """All texts, in their order."""
    if isinstance(blocks, dict):
        return "".join(
            str(each) if name == "text" and isinstance(each, str) else shown(each) for name, each in blocks.items()
        )
    return "".join(map(shown, blocks)) if isinstance(blocks, list) else ""


def test_a_button_for_each_option() -> None:
    """Up to five options are buttons, each with the token of the question, beside a link to the page."""
    asked = question(options=options(5), details={"amount": 120, "to": {"name": "Ada"}})
    found = controls(message(asked))
    assert [each["text"]["text"] for each in found] == [*(f"Option {n}" for n in range(5)), "Open the page"]
    assert [each["action_id"] for each in found[:2]] == ["terse.input.choose.v1:o0", "terse.input.choose.v1:o1"]
    for each in found[:5]:
        token = read_token(each["value"], [KEY.encode()])
        assert token is not None
        assert (token.id, token.run, token.number, token.respondent) == (asked.id, asked.run, "1", "")
    assert found[-1]["url"].startswith("https://hooks.acme.example/inputs/")
    said = shown(message(asked))
    assert "amount: 120" in said
    assert 'to: {"name": "Ada"}' in said
    assert "Asked by expense, run expense/42, question 1" in said


def test_a_menu_for_more() -> None:
    """Six options are a menu, whose block has the token; an id that is long has buttons, for there it does not fit."""
    found = message(question(options=options(6)))
    menu, page = controls(found)
    assert (menu["type"], len(menu["options"])) == ("static_select", 6)
    assert [each["value"] for each in menu["options"]][:2] == ["o0", "o1"]
    assert page["action_id"] == "terse.input.page.v1"
    (block,) = [each for each in found if each["type"] == "actions"]
    assert read_token(block["block_id"], [KEY.encode()]) is not None
    assert len(controls(message(question(options=options(20), id="expense/" + "x" * 300)))) == 21
    long = tuple(InputOption(f"{number}" * 76, f"Option {number}") for number in range(6))
    assert len(controls(message(question(options=long)))) == 7


def test_a_message_that_is_there_is_known_by_its_token() -> None:
    """It is found by its buttons or its menu, and not by a text that has the token in it."""
    for asked in (question(options=options(2)), question(options=options(6))):
        token = str(question_token(asked, environ=ENVIRON))
        assert has_token({"blocks": message(asked)}, token)
        assert not has_token({"blocks": message(asked)}, f"{token}x")
        assert not has_token({"blocks": closed_blocks(asked, {}), "text": token}, token)
    nothing: list[dict[str, Any]] = [{}, {"blocks": {}}, {"blocks": [1, {"type": "actions"}]}]
    for each in nothing:
        assert not has_token(each, "x")


def test_a_text_and_a_form_have_one_button() -> None:
    """What is written is written in a modal, that a button opens."""
    for more in ({}, {"form": {"type": "object", "properties": {"note": {"type": "string"}}}}):
        write, _ = controls(message(question(**more)))
        assert (write["action_id"], write["style"]) == ("terse.input.write.v1", "primary")


def test_a_draft_that_a_modal_would_cut() -> None:
    """A form that begins with more than Slack's inputs take is filled in on the page alone."""

    class Draft(BaseModel):
        body: str = "x" * 3_001

    (page,) = controls(message(question(form=Draft.model_json_schema())))
    assert (page["action_id"], page["style"]) == ("terse.input.page.v1", "primary")


def test_without_a_gateway() -> None:
    """Without a key there are neither buttons nor a link, and the message says how to answer; without a URL no link."""
    blocks = message(question(options=options(2)), {})
    assert controls(blocks) == []
    assert "terse-temporal inputs answer expense/42 1" in shown(blocks)
    assert len(controls(message(question(options=options(2)), {"TERSE_GATEWAY_KEY": KEY}))) == 2


def test_an_approval() -> None:
    """It shows the call that it is about, and its buttons are told apart."""
    asked = question(
        prompt="May http.request be called?",
        options=tuple(InputOption(**each) for each in approval_options()),
        tool="http.request",
        arguments={"url": "https://acme.example", "method": "DELETE"},
        because="it deletes",
    )
    blocks = message(asked)
    assert [each.get("style") for each in controls(blocks)] == ["primary", "danger", None]
    assert [each["text"]["text"] for each in controls(blocks)][:2] == ["Approve…", "Deny…"]  # each takes a reason
    assert '"method": "DELETE"' in shown(blocks)
    assert "it deletes" in shown(blocks)


@pytest.mark.parametrize("most", [False, True], ids=["short", "longest"])
def test_whatever_is_in_it(most: bool) -> None:
    """The largest question, of hostile text, is taken, and no text of it stands where Slack reads markup."""
    text = HOSTILE * 100
    asked = question(
        id=("expense/" + HOSTILE * 20)[: 900 if most else 20],
        job=HOSTILE,
        prompt=text[: 4_000 if most else 100],
        details={f"{number} {HOSTILE}"[:100]: text[:400] for number in range(50 if most else 3)},
        options=tuple(
            InputOption(f"{n}<!channel>", f"{n}{HOSTILE}"[:100], text[:500]) for n in range(20 if most else 4)
        ),
        respond_by=("U061F7AUR", "<!channel>", "ada@acme.example"),
        tool=None if most else "slack.send_message",
        arguments=None if most else {"text": text},
        because=HOSTILE,
        until=datetime(2027, 1, 1, tzinfo=UTC),
    )
    outcome = {"ended": "answered", "choice": asked.options[0].id, "by": HOSTILE, "by_name": HOSTILE, "via": "slack"}
    closed = closed_blocks(asked, outcome)
    check_message({"text": closed_text(asked, outcome), "blocks": closed})
    check_message({"text": question_text(asked), "blocks": reminder(asked, 1)})
    for blocks in (message(asked), closed, reminder(asked, 1)):
        assert _markup(blocks) <= {"until <!date^1798761600^{date_short_pretty} at {time}|2027-01-01 00:00 UTC>"}
        assert _users(blocks) <= {"U061F7AUR"}
        assert not set("\u202e\x1b") & set(shown(blocks))
    for text in (question_text(asked), closed_text(asked, outcome)):
        assert "<" not in text


def test_addresses_are_links_that_say_where_they_lead() -> None:
    """An address in a text is a link whose text it is itself; what ends the sentence is not part of it."""
    blocks = message(question(prompt="See https://acme.example/pull/5?a=1, and (http://b.example)."))
    (section,) = blocks[0]["elements"]
    assert [each.get("url") or each["text"] for each in section["elements"]] == [
        "See ",
        "https://acme.example/pull/5?a=1",
        ", and (",
        "http://b.example",
        ").",
    ]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"ended": "answered", "choice": "o1", "by": "U061F7AUR", "via": "slack"}, "Option 1 by U061F7AUR"),
        ({"ended": "answered", "choice": "o1", "by": "U061F7AUR", "via": "page"}, "Option 1 by U061F7AUR"),
        ({"ended": "answered", "choice": None, "by": "a@b.example", "by_name": "Ada"}, "Answered by Ada"),
        ({"ended": "answered", "choice": "o1"}, "Option 1"),
        ({"ended": "timed_out", "choice": "o0"}, "Nobody answered in time, and this counts: Option 0"),
        ({"ended": "timed_out"}, "Nobody answered in time"),
        ({"ended": "withdrawn"}, "Withdrawn: no answer is needed any more"),
    ],
)
def test_how_it_ended(outcome: dict[str, Any], said: str) -> None:
    """The message then has no buttons, and says who has chosen what: as a user only whoever answered in Slack."""
    asked = question(options=options(2))
    blocks = closed_blocks(asked, outcome)
    check_message({"text": closed_text(asked, outcome), "blocks": blocks})
    assert controls(blocks) == []
    ended = "".join(each.get("text") or each["user_id"] for each in blocks[-2]["elements"][0]["elements"])
    assert ended == said
    assert _users(blocks) == ({"U061F7AUR"} if outcome.get("via") == "slack" else set())


def test_what_no_channel_is() -> None:
    """A channel is its id or its name; what cannot be one is refused with what to give."""
    assert slack("C061EG9SL").channel == "C061EG9SL"
    assert slack("#größe_1").channel == "#größe_1"
    for wrong in ("", "a b", "C1\nC2", "https://acme.slack.com/archives/C1", "x" * 100):
        with pytest.raises(InputError, match="give the id of a channel"):
            slack(wrong)


def _markup(blocks: Any) -> set[str]:
    """The texts in which Slack reads markup."""
    if isinstance(blocks, dict):
        own = {blocks["text"]} if blocks.get("type") == "mrkdwn" else set()
        return own.union(*map(_markup, blocks.values()))
    return set().union(*map(_markup, blocks)) if isinstance(blocks, list) else set()


def _users(blocks: Any) -> set[str]:
    """The users that are mentioned."""
    if isinstance(blocks, dict):
        own = {blocks["user_id"]} if blocks.get("type") == "user" else set()
        return own.union(*map(_users, blocks.values()))
    return set().union(*map(_users, blocks)) if isinstance(blocks, list) else set()
