"""What every turn of a model is recorded with is checked once, when the model is asked."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal import StepContext, TerseAgent, generate_text
from terse_temporal.errors import StepInputError


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prompt": "Hi", "settings": {"stop": object()}}, ["settings", "$.stop"]),
        ({"prompt": "half of a pair: \ud800"}, ["prompt"]),
    ],
)
def test_what_is_not_json(given: dict[str, Any], words: list[str]) -> None:
    """It is a StepInputError of the call, before it is awaited, that names the argument and the place in it."""
    with pytest.raises(StepInputError) as caught:
        _ = generate_text(**given)
    for word in words:
        assert word in str(caught.value)


def test_an_agent_at_the_top_of_a_module() -> None:
    """An agent may be made with anything, and says what is wrong when it is asked."""
    agent = TerseAgent.create(settings={"stop": StepContext("a", 1, "key")})
    with pytest.raises(StepInputError, match="settings"):
        _ = agent.run_and_wait("Hi")
