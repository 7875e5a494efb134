"""An output that could not be recorded and read back, or is cut short, is a failure of the model that says so."""

from __future__ import annotations

import json

import pytest

from terse_temporal.errors import ModelOutputError

from ..bench import Bench
from ..model_server import ModelServer, calls, says
from . import jobs_model_tools as jobs


@pytest.mark.parametrize("said", ["[1.0, NaN]", "half \\ud83d of a character"])
async def test_what_json_cannot_hold_is_said(bench: Bench, model: ModelServer, said: str) -> None:
    """A number that is none, or half a character, is the model's failure and named so."""
    if said.startswith("["):
        model.script = [calls(("final_result", f'{{"response": {said}}}'))] * 9
    else:
        model.script = [says(json.loads(f'"{said}"'))]
    failure = await bench.fail(jobs.text, list=said.startswith("["))
    assert failure.type == ModelOutputError.__name__
    assert "'openai:gpt-5-mini'" in failure.message


async def test_an_output_that_would_not_come_back(bench: Bench, model: ModelServer) -> None:
    """An output is read back before it is recorded, as what a step returns: asterisks are not taken for a secret."""
    model.script = [calls(("final_result", '{"user": "ada", "token": "s3cret-s3cret"}'))]
    failure = await bench.fail(jobs.login)
    assert failure.type == ModelOutputError.__name__
    assert "the output of the model 'openai:gpt-5-mini': the value at $.token is a secret" in failure.message


async def test_an_answer_that_is_cut_short_is_none(bench: Bench, model: ModelServer) -> None:
    """A string that ends at the limit of output tokens is not taken for the answer."""
    model.finish = "length"
    model.script = [says("The answer is")]
    failure = await bench.fail(jobs.text)
    assert failure.type == ModelOutputError.__name__
    assert "max_tokens" in failure.message
