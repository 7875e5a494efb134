"""What is recorded is read back as the same value; what would not be is refused, with its path."""

from __future__ import annotations

import dataclasses
import enum
import ipaddress
import json
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    PlainSerializer,
    PrivateAttr,
    RootModel,
    Secret,
    SecretBytes,
    SecretStr,
    computed_field,
    field_serializer,
)
from typing_extensions import TypedDict

from terse_temporal.serialization.codec import Codec
from terse_temporal.serialization.serializer import shared_serializer
from terse_temporal.serialization.value_problems import ValueProblem


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Small(BaseModel):
    x: int


class Large(BaseModel):
    x: int
    y: int = 0


class Detailed(Small):
    more: str = "m"


class Tree(BaseModel):
    children: list[Tree] = []
    note: Any = None


class Computed(BaseModel):
    cents: int

    @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def euros(self) -> float:
        return self.cents / 100


class Locked(BaseModel):
    x: int
    _lock: Any = PrivateAttr(default_factory=threading.Lock)


class Cached(BaseModel):
    x: int
    _seen: dict[str, int] = PrivateAttr(default_factory=dict)


class Excluded(BaseModel):
    x: int
    hidden: int = Field(default=0, exclude=True)


class Implicit(BaseModel):
    count: int = None  # type: ignore[assignment]  # as it is written every day


class Written(BaseModel):
    cents: int

    @field_serializer("cents")
    def euros(self, cents: int) -> str:
        return f"{cents / 100} EUR"


class Login(BaseModel):
    user: str
    token: SecretStr | None = None


class Page(BaseModel):
    names: Iterable[str]


class Items(RootModel[list[Any]]):
    pass


class Iterated(RootModel[list[int]]):
    def __iter__(self) -> Any:  # as pydantic documents it
        return iter(self.root)


class Open(BaseModel, extra="allow"):
    x: int


@dataclass
class Derived:
    x: int
    double: int = dataclasses.field(init=False)
    mark: int = dataclasses.field(init=False, default=0)
    note: str = dataclasses.field(default="", compare=False)

    def __post_init__(self) -> None:
        self.double = 2 * self.x


@dataclass(eq=False)
class Identical:
    x: int
    at: datetime | None = None


class Opaque:
    """A type that pydantic is told how to write, and which is equal to itself alone."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return handler.generate_schema(
            Annotated[Any, AfterValidator(cls.of), PlainSerializer(lambda value: value.text, return_type=str)]
        )

    @classmethod
    def of(cls, value: Any) -> Opaque:
        return value if isinstance(value, Opaque) else cls(value)


class Point(NamedTuple):
    x: int
    y: Any


class Movie(TypedDict):
    title: str
    extra: dict[str, Any]


BERLIN = ZoneInfo("Europe/Berlin")
AMBIGUOUS = datetime(2025, 10, 26, 2, 30, tzinfo=BERLIN)


def stripped(text: str) -> str:
    return text.strip()


SAME: list[tuple[Any, Any]] = [
    (str, "ü語\U0001f600"),
    (list[str], ["a", "b"]),
    (dict[str, Any], {"z": 1, "a": [None, True, 1.5]}),
    (float, 1),
    (int | str, "1"),
    (int | float, 1.0),
    (Small | None, None),
    (Small, Small(x=1)),
    (Small, {"x": "1"}),
    (Tree, Tree(children=[Tree(), Tree(children=[Tree()])])),
    (Computed, Computed(cents=5)),
    (Locked, Locked(x=1)),
    (Cached, Cached(x=1)),
    (Excluded, Excluded(x=1)),
    (Items, Items([1, {"a": None}])),
    (Derived, Derived(1, note="n")),
    (Identical, Identical(1)),
    (list[Identical], [Identical(1), Identical(2, datetime(2025, 1, 1, tzinfo=UTC))]),
    (Identical, Identical(1, AMBIGUOUS)),
    (datetime, datetime(2025, 1, 1, tzinfo=BERLIN)),
    (datetime, AMBIGUOUS),
    (datetime, AMBIGUOUS.replace(fold=1)),
    (dict[str, datetime], {"at": AMBIGUOUS}),
    (date, date(2025, 1, 1)),
    (timedelta, timedelta(days=3, microseconds=1)),
    (Decimal, Decimal("1.10")),
    (bytes, b"abc"),
    (set[Color], {Color.RED}),
    (frozenset[int], frozenset({1})),
    (dict[int, str], {1: "one", 2: "two"}),
    (dict[UUID, int], {UUID(int=1): 1}),
    (Path, Path("a/b")),
    (UUID, UUID(int=1)),
    (re.Pattern, re.compile("a+")),
    (ipaddress.IPv4Address, ipaddress.IPv4Address("127.0.0.1")),
    (Opaque, Opaque("o")),
    (list[Opaque], [Opaque("o")]),
    (Point, Point(1, "y")),
    (Movie, {"title": "t", "extra": {"n": 1}}),
    (tuple[int, str], (1, "a")),
    (deque[int], deque([1])),
    (Sequence[int], (1, 2)),
    (Sequence[int], range(3)),
    (Mapping[str, int], OrderedDict(b=1, a=2)),
    (Literal["a", 1], 1),
    (Color, Color.RED),
    (Literal[Level.LOW], Level.LOW),
    (Annotated[str, AfterValidator(stripped)], " a "),
    (Annotated[str, Field(min_length=1)], "a"),
    (Login, Login(user="ada")),
    # What is declared as Any is plain JSON on the other side.
    (Any, {1: "one", "at": AMBIGUOUS, "of": (1, Small(x=1))}),
    (Any, {"of": Iterated([3, 4])}),
    (dict[str, Any], {"at": AMBIGUOUS, "of": (1, Small(x=1)), "by": {1: "one"}}),
    (dict, {1: (2, 3)}),
    (list, [Color.RED]),
    (Tree, Tree(children=[Tree(note=(1, 2))])),
    (Point, Point(1, (2, 3))),
    (Movie, {"title": "t", "extra": {"at": date(2025, 1, 1)}}),
    (Items, Items([(1, 2)])),
    (Open, Open(x=1, y=(1, 2))),  # type: ignore[call-arg]  # that is what is open
]


@pytest.mark.parametrize(("type_", "value"), SAME, ids=lambda each: f"{each!r:.40}")
def test_what_comes_back(type_: Any, value: Any) -> None:
    """It is recorded, and loading it and recording that gives the same JSON."""
    codec = Codec(type_)
    recorded = codec.record(value)
    data, text = recorded.data, recorded.text
    assert json.loads(text) == data
    assert codec.record(codec.load(data)).data == data
    assert codec.record(codec.load_text(text)).text == text


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


class Deep(TypedDict):
    it: Any


class Stamped(BaseModel):
    at: datetime

    @field_serializer("at")
    def write(self, at: datetime) -> float:
        return at.timestamp()


class Named(BaseModel):
    by: dict[tuple[int, int], str] = {}
    text: str | datetime = ""
    either: Large | Small | None = None


DIFFERENT: list[tuple[Any, Any, str]] = [
    (bytes | str, "abc", "$ is a 'str' and would be read back as a 'bytes'"),
    (
        Named,
        Named(text=datetime(2025, 1, 1)),
        "$.text is a 'datetime' and would be read back as a 'str'",
    ),  # of any kind
    (Named, Named(either=Small(x=1)), "$.either is a 'Small' and would be read back as a 'Large'"),
    (
        Stamped,
        Stamped(at=datetime(2025, 1, 1)),
        "$.at is datetime.datetime(2025, 1, 1, 0, 0) and would be read back as datetime.datetime(2025, 1, 1, 0, 0, tz",
    ),
    (list[Small], [Small(x=1), Detailed(x=2)], "$[1] is a 'Detailed' and would be read back as a 'Small'"),
    (list[int] | tuple[int, ...], (1, 2), "$ is a 'tuple' and would be read back as a 'list'"),
    (Excluded, Excluded(x=1, hidden=7), "$.hidden is 7 and would be read back as 0"),
    (Derived, dataclasses.replace(Derived(1), x=1), ""),
    # Of enums that are no texts or numbers, and of bytes, pydantic reads no literals from JSON.
    (Literal[Color.RED], Color.RED, "could not be read back from 'red'"),
    (Literal[b"x"], b"x", "could not be read back from 'x'"),
    (Implicit, Implicit(), "count: Input should be a valid integer"),
    (Written, Written(cents=5), "cents: Input should be a valid integer"),
    (str, "half \ud83d", "could not be read back"),
    (dict[str, int], {"half \ud83d": 1}, "$ has the key 'half \\ud83d', which would be read back as"),
    (Named, Named(by={(1, 2): "a"}), "$.by has the key (1, 2), which JSON cannot hold as a key"),
    (dict[str | None, int], {None: 1}, "$ has the key None, which JSON cannot hold as a key"),
    (
        Annotated[str, AfterValidator(lambda text: text + "!")],
        "a",
        "the validators of Annotated[str, …] change it again",
    ),
    (Any, {"a": [{1: 1, "1": 2}]}, "$.a[0] has the keys 1 and '1', which are one key in JSON"),
    (dict[str, Any], {"a": {1: 1, "1": 2}}, "$.a has the keys 1 and '1', which are one key in JSON"),
    (dict, {1: 1, "1": 2}, "$ has the keys 1 and '1', which are one key in JSON"),
    (Any, {"a": {"half \ud83d": 1}}, "$.a has the key 'half \\ud83d', which JSON cannot hold as a key"),
    (Any, {(1, 2): 3}, "$ has the key (1, 2), which JSON cannot hold as a key"),
    (Any, [10**5000], "$[0] is an integer of too many digits"),
    (int, 10**5000, "integer"),
    (Any, nested(300), "is nested more than 255 levels deep"),
    (dict[str, Any], {"a": nested(300)}, "is nested more than 255 levels deep"),
    (Deep, {"it": nested(220)}, "is nested more than 200 levels deep"),
]


@pytest.mark.parametrize(("type_", "value", "said"), DIFFERENT, ids=lambda each: f"{type(each).__name__}")
def test_what_would_not_come_back(type_: Any, value: Any, said: str) -> None:
    """It is refused, with its path and what it would be read back as."""
    if isinstance(value, Derived):
        value.mark, said = 7, "$.mark is 7 and would be read back as 0"
    with pytest.raises(ValueProblem) as caught:
        Codec(type_).record(value)
    assert said in str(caught.value)


def test_what_was_not_awaited() -> None:
    """It is told as that, not as some type that is no JSON."""

    async def work() -> None: ...

    forgotten = work()
    with pytest.raises(
        ValueProblem, match=r"at \$\.a is the coroutine '\S+work', which was not awaited: write `await`"
    ):
        Codec(Any).record({"a": forgotten})
    forgotten.close()


def test_private_attributes_that_carry_data() -> None:
    """They are not written: refused where they hold something, taken where every instance makes its own."""
    cached = Cached(x=1)
    cached._seen["a"] = 1
    with pytest.raises(ValueProblem, match=r"\$\._seen.*private attributes are not written"):
        Codec(Cached).record(cached)


SECRETS: list[tuple[Any, Any, str]] = [
    (SecretStr, SecretStr("s3cret"), r"\$ is a secret"),
    (SecretStr, "s3cret", r"\$ is a secret"),
    (SecretBytes, SecretBytes(b"s3cret"), r"\$ is a secret"),
    (Secret[int], Secret[int](5), r"\$ is a secret"),
    (list[Login], [Login(user="ada"), Login(user="eve", token=SecretStr("s3cret"))], r"\$\[1\]\.token is a secret"),
    (Any, {"a": [Login(user="eve", token=SecretStr("s3cret"))]}, r"\$\.a\[0\]\.token is a secret"),
    (dict[str, Any], {"a": (SecretStr("s3cret"),)}, r"\$\.a\[0\] is a secret"),
    (Tree, Tree(note=SecretStr("s3cret")), r"\$\.note is a secret"),
]


@pytest.mark.parametrize(("type_", "value", "path"), SECRETS, ids=lambda each: "-")
def test_secrets(type_: Any, value: Any, path: str) -> None:
    """A secret of pydantic's, which would be written as asterisks, is refused wherever it stands."""
    with pytest.raises(ValueProblem, match=path) as caught:
        Codec(type_).record(value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("type_", [Iterable[int], Iterator[int], Generator[int, None, None]], ids=str)
@pytest.mark.parametrize(
    "make", [list, iter, lambda each: (one for one in each)], ids=["list", "iterator", "generator"]
)
def test_iterables(type_: Any, make: Any) -> None:
    """What is annotated as something to iterate over is a list on both sides."""
    codec = Codec(type_)
    assert codec.check(make([1, 2])) == [1, 2]
    assert codec.load(codec.record(make(["1", 2])).data) == [1, 2]
    with pytest.raises(ValueProblem, match="does not fit"):
        codec.record(make([1, "x"]))


def test_iterables_within() -> None:
    """Also in models and containers, of which the value that was given can still be read."""
    page = Page(names=(name for name in "ab"))
    codec = Codec(dict[str, Page | tuple[Iterable[int], int]])
    data = codec.record({"page": page, "pair": ([1], 2)}).data
    assert codec.load(data) == {"page": Page(names=["a", "b"]), "pair": ([1], 2)} or codec.load(data)["pair"] == (
        [1],
        2,
    )
    loaded = codec.load(data)["page"]
    assert [list(page.names), list(page.names), list(loaded.names), list(loaded.names)] == [["a", "b"]] * 4


def test_the_order_of_a_union() -> None:
    """Two unions of the same types are equal, and each is read in its own order."""
    for type_, first in ((Large | Small, Large), (Small | Large, Small)):
        assert type(shared_serializer.codec(type_).load({"x": 1})) is first
        assert shared_serializer.codec(list[type_]) is shared_serializer.codec(list[type_])  # type: ignore[valid-type]  # made at run time


def test_a_validator_that_raises() -> None:
    """Whatever a validator raises is a reason with its class."""

    def broken(value: Any) -> Any:
        raise KeyError(value)

    with pytest.raises(ValueProblem, match="raise KeyError: 5"):
        Codec(Annotated[int, AfterValidator(broken)]).record(5)
