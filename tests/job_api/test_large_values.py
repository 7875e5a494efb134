"""What is large is recorded and read in parts, and becomes what it would as a whole."""

from __future__ import annotations

import gc
import json
import math
import sys
import time
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import pytest
from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticOmit

from terse_temporal.serialization import large
from terse_temporal.serialization.codec import Codec
from terse_temporal.serialization.json_text import Json, json_object, read_json
from terse_temporal.serialization.large import LARGE_TEXT, PART_BREAK, encode, is_large, paused_collector
from terse_temporal.serialization.value_problems import ValueProblem


class Row(BaseModel):
    """With what JSON has, and what it has not."""

    id: int
    at: datetime
    tags: list[str]


def row(number: int) -> Row:
    return Row(id=number, at=datetime(2026, 1, 1) + timedelta(hours=number), tags=["é", "\U0001f600"])


ROWS: Final = [row(number) for number in range(2_345)]
PLAIN: Final[list[Any]] = [{"id": number, "z": [1.5, None, True], "a": "é\n"} for number in range(2_345)]
TEXT: Final = ('é\U0001f600"\\' * LARGE_TEXT)[: LARGE_TEXT * 4 + 3]

VALUES: Final = [
    (str, TEXT),
    (Any, TEXT),
    (Any, PLAIN),
    (Any, {"rows": PLAIN, "text": TEXT, "é": {"more": PLAIN, "none": {}, "no": []}}),
    (Any, [PLAIN, TEXT, {}, [], 1, None, {"text": TEXT}]),
    (Any, {str(number): number for number in range(3_000)}),
    (Any, {number: number for number in range(3_000)}),
    (list[dict[str, Any]], PLAIN),
    (list[Row], ROWS),
    (dict[str, list[Row]], {"rows": ROWS}),
    (Annotated[list[int], Field(min_length=2_001)], list(range(2_345))),
    (bytes, b"x" * (LARGE_TEXT + 1)),
]


@pytest.mark.parametrize(("type_", "value"), VALUES, ids=map(str, range(len(VALUES))))
def test_it_is_what_it_is_as_a_whole(type_: Any, value: Any) -> None:
    """The text is the same, and it is read back as the same."""
    codec = Codec(type_)
    assert is_large(value)
    recorded, whole = codec.record(value), codec._record(value)
    assert recorded.text == whole.text
    assert recorded.data == whole.data == json.loads(whole.text)
    back = {str(key): each for key, each in value.items()} if isinstance(value, dict) else value
    assert codec.load_text(recorded.text) == codec.load(recorded.data) == back


LONG: Final = "x" * LARGE_TEXT

#: JSON that others may have written, with line breaks where a list of ours is cut, or none, or that is no JSON.
FROM_ELSEWHERE: Final = {
    "indented": json.dumps([*PLAIN, LONG], indent=0),
    "within lists": f'[[1,\n2],\n[3],\n{{"a":[4,\n5],\n"b":6}},\n"{LONG}"]',
    "within objects": f'[{{"a":1,\n"b":2}},\n{{"a":3}},\n"{LONG}"]',
    "an object": f'{{"a":[1,\n2],\n"b":"{LONG}"}}',
    "spaces around": f' [1,\n2,\n"{LONG}"]\n',
    "half a pair": f'[1,\n"\\ud83d",\n"{LONG}"]',
    "numbers": f'[NaN,\n-Infinity,\n1e400,\n-0,\n{"1" * 4_000},\n0.1,\n"{LONG}"]',
    "one key twice": f'[{{"a":1,"a":2}},\n"{LONG}"]',
    "deep": f'[{"[" * 500}{"]" * 500},\n"{LONG}"]',
    "nothing between": f'[1,\n,\n2,\n"{LONG}"]',
    "spaces between": f'[1,\n \n,\n2,\n"{LONG}"]',
    "a comma at the end": f'["{LONG}",\n1,\n]',
    "two lists": f'[1],\n["{LONG}"]',
    "not closed": f'[1,\n"{LONG}",\n[]',
    "a break in a text": f'[1,"a,\nb","{LONG}"]',
    "too many digits": f'[1,\n{"1" * 5_000},\n"{LONG}"]',
    "half a pair as it is": f'[1,\n"\ud83d",\n"{LONG}"]',
    "an item a line": f"[{PART_BREAK.join(map(str, range(200_000)))}]",
    "an item a line, one missing": f"[{PART_BREAK.join(map(str, range(200_000)))},\n,\n1]",
    "not UTF-8": f'[1,\n"\udcff",\n"{LONG}"]',
}


def _outcome(read: Callable[[Any], Any], text: str | bytes) -> str:
    try:
        return repr(read(text))
    except ValueError as error:
        return type(error).__name__


@pytest.mark.parametrize("name", FROM_ELSEWHERE)
def test_what_others_have_written_is_read_as_json_is(name: str) -> None:
    """Wherever its line breaks are, with the same error where it is none."""
    text = FROM_ELSEWHERE[name]
    data = text.encode(errors="surrogateescape" if name == "not UTF-8" else "surrogatepass")
    assert _outcome(read_json, data) == _outcome(json.loads, data)
    if name != "not UTF-8":
        assert _outcome(read_json, text) == _outcome(json.loads, text)


def _omitted(value: Any) -> Any:
    if 500 <= value < 1_500:
        raise PydanticOmit
    return value


def test_a_part_whose_items_are_left_out() -> None:
    """A validator may leave out items, and so all of a part."""
    codec = Codec(list[Annotated[int, BeforeValidator(_omitted)]])
    recorded = codec.record(list(range(2_345)))
    assert codec.load_text(recorded.text) == recorded.data == [*range(500), *range(1_500, 2_345)]


def test_memory_is_given_back() -> None:
    """What was read and is garbage, in circles too, is found by the collector while others are read."""

    class Circle:
        def __init__(self, data: Any) -> None:
            self.data, self.itself = data, self

    text = Codec(Any).record(PLAIN * 4).text
    alive = [weakref.ref(Circle(read_json(text))) for _ in range(40)]
    assert sum(each() is not None for each in alive) < 30


def test_a_type_s_rules_hold_for_the_whole_of_a_list_from_elsewhere() -> None:
    """Also where its breaks are within its items, and where one of its items is wrong."""
    nested = f"[[1,\n2],\n[3],\n[{'4,' * LARGE_TEXT}5]]"
    assert Codec(list[list[int]]).load_text(nested) == json.loads(nested)
    with pytest.raises(ValueProblem, match=r"\n  3.1: Input should be a valid integer"):
        Codec(list[list[int]]).load_text(f'{nested[:-1]},\n[6,"x"]]')


def _in_itself() -> list[Any]:
    found: list[Any] = [0] * 3_000
    found[0] = found
    return found


WRONG: Final[list[tuple[Any, Any, str]]] = [
    (Any, [*PLAIN, {"x": math.nan}], r"\$\[2345\]\.x is not a finite number"),
    (Any, {"rows": [*PLAIN, object()]}, r"\$\.rows\[2345\] is a 'object'"),
    (Any, _in_itself(), "or contains itself"),
    (list[int], [*range(2_345), "x"], "2345: Input should be a valid integer"),
    (Annotated[list[int], Field(max_length=2_344)], list(range(2_345)), "at most 2344 items"),
]


@pytest.mark.parametrize(("type_", "value", "problem"), WRONG, ids=map(str, range(len(WRONG))))
def test_what_is_wrong_is_told_with_its_place_in_the_whole(type_: Any, value: Any, problem: str) -> None:
    """Not with that in its part."""
    with pytest.raises(ValueProblem, match=problem):
        Codec(type_).record(value)
    if "finite" not in problem and type_ is not Any:
        with pytest.raises(ValueProblem, match=problem):
            Codec(type_).load(value)


def test_the_text_alone_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call with a large input is written without reading it again."""
    recorded = Codec(list[Row]).record(ROWS)
    call = json_object({"v": 1}, {"input": recorded}).and_fields({"key": "k"})
    assert call._data is recorded._data is Json.of_text("1")._data
    assert json.loads(call.text) == {"v": 1, "input": json.loads(recorded.text), "key": "k"} == call.data


def test_small_values_are_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly all are, and cost a look."""
    monkeypatch.setattr(large, "_parts", None)
    for value in (None, "x" * 1000, {"a": [1, {"b": "c"}]}, [row(1)] * 50):
        assert not is_large(value)
    assert encode({"a": 1}) == '{"a":1}'


def longest_stretch(work: Callable[[], Any]) -> float:
    """Return the part of something's CPU time that went by at a stretch, without Python code in which other threads
    could have had their turn.

    Of this thread's own clock: what another one waits depends on what else the machine does.
    """
    longest = 0.0
    began = last = time.thread_time()

    def profile(*_: Any) -> None:
        nonlocal longest, last
        longest = max(longest, time.thread_time() - last)
        last = time.thread_time()

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return longest / (time.thread_time() - began)


def test_other_threads_run_meanwhile() -> None:
    """A text, and a list of objects or models, do not keep them waiting until they are recorded, and lists not until
    they are read.
    """
    text, plain = "x" * 30_000_000, PLAIN * 40
    for type_, value in ((Any, text), (Any, plain), (list[Row], ROWS * 20)):
        codec = Codec(type_)
        written: list[str] = []
        assert longest_stretch(lambda: written.append(codec.record(value).text)) < 0.5  # noqa: B023  # it is called here
        if value is not text:
            assert longest_stretch(lambda: codec.load_text(written[0])) < 0.5  # noqa: B023


def test_the_collector_is_paused_and_goes_on() -> None:
    """Also where two do so at once, and not where somebody has switched it off."""
    assert gc.isenabled()
    with paused_collector():
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with paused_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(KeyError), paused_collector():
        raise KeyError
    assert gc.isenabled()
