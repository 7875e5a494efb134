"""What Slack takes of blocks and modals: its documented limits, beside those that its SDK knows.

From https://docs.slack.dev/reference/block-kit and https://docs.slack.dev/reference/views.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

__all__ = ["check_message", "check_view"]

#: Characters of all texts of a message. It is not documented above how many `msg_blocks_too_long` is answered; people
#: have met it above 11,000.
_MESSAGE: Final = 8_000

_TEXTS: Final = {"button": 75, "option": 75, "label": 2_000, "hint": 2_000, "placeholder": 150, "context": 3_000}

_IN_SECTIONS: Final = {"text": {"text"}, "link": {"url"}, "user": {"user_id"}, "date": {"timestamp", "format"}}

_INPUTS: Final = {
    "plain_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "radio_buttons",
    "static_select",
    "multi_static_select",
    "datepicker",
    "timepicker",
    "datetimepicker",
}


def check_message(message: dict[str, Any]) -> None:
    """Raise an `AssertionError` for a message that Slack does not take."""
    assert 1 <= len(message["text"]) <= 40_000
    blocks = message["blocks"]
    assert 1 <= len(blocks) <= 50
    check_blocks(blocks, {"rich_text", "actions", "context"})
    assert sum(len(each) for each in _texts(blocks)) <= _MESSAGE


def check_view(view: dict[str, Any]) -> None:
    """Raise an `AssertionError` for a modal that Slack does not take."""
    View(**view).validate_json()
    assert view["type"] == "modal"
    assert set(view) <= {"type", "callback_id", "private_metadata", "title", "submit", "close", "blocks"}
    for name in ("title", "submit", "close"):
        if name in view:
            _check_plain(view[name], 24)
    assert len(view.get("private_metadata", "")) <= 3_000
    assert 1 <= len(view["blocks"]) <= 100
    assert len(json.dumps(view)) <= 250_000
    check_blocks(view["blocks"], {"rich_text", "input"})
    has_inputs = any(each["type"] == "input" for each in view["blocks"])
    assert not has_inputs or "submit" in view


def check_blocks(blocks: list[dict[str, Any]], kinds: set[str]) -> None:
    for each in Block.parse_all(blocks):
        each.validate_json()
    ids = [each["block_id"] for each in blocks if "block_id" in each]
    assert len(ids) == len(set(ids))
    assert all(1 <= len(each) <= 255 for each in ids)
    for block in blocks:
        assert block["type"] in kinds
        {"rich_text": _check_rich, "actions": _check_actions, "context": _check_context, "input": _check_input}[
            block["type"]
        ](block)


def _check_rich(block: dict[str, Any]) -> None:
    assert block["elements"]
    for part in block["elements"]:
        sections = part["elements"] if part["type"] == "rich_text_list" else [part]
        assert part["type"] in ("rich_text_section", "rich_text_list", "rich_text_preformatted")
        for section in sections:
            assert section["elements"]
            for element in section["elements"]:
                assert _IN_SECTIONS[element["type"]] <= set(element)
                assert element.get("text", "x")
                assert len(element.get("url", "")) <= 3_000
                assert re.fullmatch(r"[UW][A-Z0-9]+", element.get("user_id", "U1"))


def _check_context(block: dict[str, Any]) -> None:
    assert 1 <= len(block["elements"]) <= 10
    for each in block["elements"]:
        assert 1 <= len(each["text"]) <= 3_000


def _check_actions(block: dict[str, Any]) -> None:
    assert 1 <= len(block["elements"]) <= 25
    ids = [each["action_id"] for each in block["elements"]]
    assert len(ids) == len(set(ids))
    assert all(len(each) <= 255 for each in ids)
    for each in block["elements"]:
        if each["type"] == "button":
            _check_plain(each["text"], 75)
            assert len(each.get("value", "")) <= 2_000
            assert len(each.get("url", "")) <= 3_000
            assert each.get("style", "primary") in ("primary", "danger")
        else:
            assert each["type"] == "static_select"
            _check_options(each["options"], 100)
            _check_plain(each["placeholder"], 150)
            for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
                _check_plain(each["confirm"][name], most)


def _check_input(block: dict[str, Any]) -> None:
    _check_plain(block["label"], 2_000)
    assert isinstance(block["optional"], bool)
    if "hint" in block:
        _check_plain(block["hint"], 2_000)
    element = block["element"]
    assert element["type"] in _INPUTS
    assert 1 <= len(element["action_id"]) <= 255
    match element["type"]:
        case "plain_text_input":
            assert 1 <= element["max_length"] <= 3_000
            assert 0 <= element.get("min_length", 0) <= element["max_length"]
            assert len(element.get("initial_value", "x")) in range(1, element["max_length"] + 1)
        case "number_input":
            numbers = [element[each] for each in ("min_value", "max_value", "initial_value") if each in element]
            is_decimal = element["is_decimal_allowed"]
            assert all(re.fullmatch(r"-?\d+(\.\d+)?" if is_decimal else r"-?\d+", each) for each in numbers)
        case "radio_buttons":
            _check_options(element["options"], 10)
        case "static_select" | "multi_static_select":
            _check_options(element["options"], 100)
        case "datepicker":
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", element.get("initial_date", "2026-01-01"))
        case "timepicker":
            assert re.fullmatch(r"\d\d:\d\d", element.get("initial_time", "09:00"))
        case "datetimepicker":
            assert len(str(element.get("initial_date_time", 1_000_000_000))) == 10
    chosen = [element[each] for each in ("initial_option",) if each in element] + element.get("initial_options", [])
    assert all(each in element["options"] for each in chosen)


def _check_options(options: list[dict[str, Any]], most: int) -> None:
    assert 1 <= len(options) <= most
    for each in options:
        _check_plain(each["text"], 75)
        assert 1 <= len(each["value"]) <= 75  # 150, by now
    assert len({each["value"] for each in options}) == len(options)


def _check_plain(text: dict[str, Any], most: int) -> None:
    assert text["type"] == "plain_text"
    assert 1 <= len(text["text"]) <= most


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "text" and isinstance(each, str):
                yield each
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
