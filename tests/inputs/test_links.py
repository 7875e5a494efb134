"""A way to ask is given the link to its question, where the environment says what that is made of."""

from __future__ import annotations

import pytest

from terse_temporal.errors import StepInputError
from terse_temporal.gateway.secrets import GATEWAY_KEY
from terse_temporal.inputs import InputQuestion, InputToken, question_link, read_token
from terse_temporal.inputs.links import link_problem
from terse_temporal.inputs.ways import ask_by

QUESTION = InputQuestion(id="ships/7", run="r", number="2", namespace="default", prompt="Ship it?")
KEY = "k" * 32


def test_it_leads_to_the_question() -> None:
    """It is signed with the first of the keys, which the gateway knows by the same variable."""
    environ = {GATEWAY_KEY: f"{KEY}, old-{KEY}", "TERSE_GATEWAY_URL": "https://hooks.acme.example/terse/"}
    link = question_link(QUESTION, "ada@example.com", environ=environ)
    assert link is not None
    base, _, token = link.rpartition("/")
    assert base == "https://hooks.acme.example/terse/inputs"
    assert read_token(token, [KEY.encode()]) == InputToken("default", "ships/7", "r", "2", "ada@example.com")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {GATEWAY_KEY: KEY},
        {"TERSE_GATEWAY_URL": "https://x"},
        {GATEWAY_KEY: "short", "TERSE_GATEWAY_URL": "https://x"},
        {GATEWAY_KEY: KEY, "TERSE_GATEWAY_URL": "javascript:alert(1)"},
        {GATEWAY_KEY: KEY, "TERSE_GATEWAY_URL": "//[x"},
    ],
)
def test_there_is_none(environ: dict[str, str]) -> None:
    """Where one of the two is missing, or cannot be."""
    assert question_link(QUESTION, environ=environ) is None


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, None),
        ({GATEWAY_KEY: KEY, "TERSE_GATEWAY_URL": "https://x"}, None),
        ({"TERSE_GATEWAY_URL": "https://x"}, "TERSE_GATEWAY_KEY is not set"),
        ({GATEWAY_KEY: "short", "TERSE_GATEWAY_URL": "https://x"}, "fewer than 16 characters"),
        ({GATEWAY_KEY: KEY, "TERSE_GATEWAY_URL": "hooks.acme.example"}, "does not begin with https://"),
    ],
)
def test_why_there_is_none(environ: dict[str, str], said: str | None) -> None:
    """Where somebody has meant that there are some."""
    problem = link_problem(environ)
    assert problem is None if said is None else said in (problem or "")
    assert KEY not in (problem or "")


async def test_a_step_that_somebody_made_up() -> None:
    """What is no way to ask is not called, and a question that is none is not asked."""
    with pytest.raises(StepInputError, match="is no way to ask"):
        await ask_by(way=dict, options={}, question={"prompt": "?"})
    from .jobs_asking import Mute  # noqa: PLC0415  which registers jobs

    with pytest.raises(StepInputError, match="there is no question"):
        await ask_by(way=Mute, options={"effects": "x"}, question={})
