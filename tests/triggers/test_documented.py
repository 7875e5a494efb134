"""What docs/triggers.md says of triggers and fields is so, and it leaves out none of them."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from terse_temporal import triggers
from terse_temporal.triggers import Triggers

from ..pages import ROOT
from .test_references import TRIGGERS

PAGE = (ROOT / "docs" / "triggers.md").read_text()
VENDORS: dict[str, Any] = {"GitHub": Triggers.github, "Stripe": Triggers.stripe}
VENDORS |= {"Slack": Triggers.slack, "Linear": Triggers.linear}


def section(vendor: str) -> str:
    return PAGE.partition(f"\n## {vendor}\n")[2].partition("\n## ")[0]


def fields(model: Any) -> Iterator[str]:
    """The names of the fields of a model, and of the models in it."""
    for argument in typing.get_args(model):
        yield from fields(argument)
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            yield name
            yield from fields(field.annotation)
        yield from (name for name, value in vars(model).items() if isinstance(value, property))


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_trigger_has_a_line(vendor: str) -> None:
    """With its parameters in their order, and the event that it brings."""
    rows = re.findall(r"^\| `(on_\w+)\((.*?)\)` \| (.*?) \| `(\w+)`.* \|$", section(vendor), re.MULTILINE)
    there = {name for name in vars(VENDORS[vendor]) if name.startswith("on_")}
    assert {name for name, *_ in rows} == there
    for name, parameters, taken, event in rows:
        signature = inspect.signature(getattr(VENDORS[vendor], name))
        assert re.findall(r"(?:^|, )([a-z]+)", parameters) == [each for each in signature.parameters if each != "model"]
        trigger = next(each for each in TRIGGERS if each.name == f"{vendor.lower()}.{name}")
        assert trigger.event_model is getattr(triggers, event)
        assert name == "on_event" or f"`{trigger.kinds[0]}`" in taken


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_field_is_there(vendor: str) -> None:
    """What is called a field of an event is one."""
    models = {each.event_model for each in TRIGGERS if each.source == vendor.lower()}
    known = {name for model in models for name in fields(model)}
    # A sentence that says what something has, with the names in it.
    sentences = re.findall(r"(?:\bhas|\bhave|^All have)\b([^.:]*)", section(vendor), re.MULTILINE)
    named = {name for each in sentences for name in re.findall(r"`([a-z_]+)`", each)}
    assert len(named) >= 4
    assert named - known == set()
