"""The input of a run, read as the type that the handler asks for."""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NotRequired

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

from terse_temporal.errors import EventError, JobDefinitionError
from terse_temporal.events import Event, EventModel
from terse_temporal.jobs.event_input import event_type, read_event
from terse_temporal.triggers import CustomerCreated, Triggers
from terse_temporal.triggers.webhook import RequestedEvent

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForTypeCheckers


class Address(BaseModel):
    zip_code: str
    street_name: str | None = None


class Lead(BaseModel):
    full_name: str
    home_address: Address | None = None
    other_addresses: list[Address] = []
    by_label: dict[str, Address] = {}
    free_form: dict[str, Any] = {}


class CamelOnly(BaseModel):
    """The alias is the only key that pydantic itself would take."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=False)

    full_name: str
    home_address: Address | None = None


class Aliased(BaseModel):
    model_config = ConfigDict(extra="allow")

    email: str = Field(validation_alias=AliasChoices("mailAddress", AliasPath("contacts", 0, "mail")))
    plan_name: str = Field(default="free", validation_alias="tier_name")


@dataclass
class Part:
    part_number: int
    unit_price: float = 0.0


@dataclass
class Order:
    order_id: str
    kind: ClassVar[str] = "order"
    line_parts: list[Part] = field(default_factory=list)
    first_part: Part | None = None


@pydantic_dataclass
class CheckedOrder:
    order_id: str
    first_part: Part | None = None


class Shipment(TypedDict):
    tracking_code: str
    ship_to: NotRequired[Address]


class Cat(BaseModel):
    kind: Literal["cat"]
    tail_length: int


class Dog(BaseModel):
    kind: Literal["dog"]
    bark_volume: int


class Zoo(BaseModel):
    first_animal: Cat | Dog
    tagged_animal: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    pair: tuple[Address, Part] | None = None
    either: Address | dict[str, Any] | None = None
    next_zoo: Zoo | None = None


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    starts_on: date
    at: datetime


SNAKE: dict[str, Any] = {
    "full_name": "Ada",
    "home_address": {"zip_code": "8000"},
    "other_addresses": [{"zip_code": "1"}, {"zip_code": "2", "street_name": "x"}],
    "by_label": {"myLabel": {"zip_code": "3"}},
    "free_form": {"someKey": {"innerKey": 1}},
}
CAMEL: dict[str, Any] = {
    "fullName": "Ada",
    "homeAddress": {"zipCode": "8000"},
    "otherAddresses": [{"zipCode": "1"}, {"zipCode": "2", "streetName": "x"}],
    "byLabel": {"myLabel": {"zipCode": "3"}},
    "freeForm": {"someKey": {"innerKey": 1}},
}


def read(raw: object, expected: Any, namespace: Mapping[str, Any] | None = None) -> Any:
    return read_event(raw, expected, job="onboard", namespace=namespace)


# --- which type ---


def annotated_lead(event: Lead) -> None: ...
def annotated_any(event: Any) -> None: ...
def annotated_object(event: object, state: Any) -> None: ...
def annotated_dict(event: dict) -> None: ...  # type: ignore[type-arg]
def annotated_optional(event: Annotated[Lead, "note"] | None) -> None: ...
def bare(event, state): ...  # type: ignore[no-untyped-def]
def unresolvable(event: OnlyForTypeCheckers) -> None: ...
def other_annotation_is_broken(event: Lead, state: OnlyForTypeCheckers) -> None: ...


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (annotated_lead, Lead),
        (annotated_any, Event),
        (annotated_object, Event),
        (annotated_dict, dict),
        (annotated_optional, Annotated[Lead, "note"] | None),
        (other_annotation_is_broken, Lead),
    ],
)
def test_the_annotation_decides(handler: Callable[..., Any], expected: Any) -> None:
    """The annotation of the first parameter decides, whatever the triggers are and the other annotations say."""
    assert event_type(handler, [Triggers.stripe.on_customer_created()]) == expected


def test_without_annotation_a_single_model_of_the_triggers_decides() -> None:
    """Without annotation it is the event model that the triggers have between them, and otherwise Event."""
    stripe, trial = Triggers.stripe.on_customer_created(), Triggers.stripe.on_trial_started()
    untyped = Triggers.webhook.on_request()
    assert event_type(bare, [stripe]) is CustomerCreated
    assert event_type(bare, [stripe, Triggers.stripe.on_customer_created()]) is CustomerCreated
    assert event_type(bare, [stripe, untyped]) is CustomerCreated
    assert event_type(bare, [stripe, trial]) is Event
    assert event_type(bare, [untyped]) is RequestedEvent
    assert event_type(bare, []) is Event
    assert event_type(lambda *args: None, [stripe]) is CustomerCreated


def test_names_are_looked_up_in_the_namespace_first() -> None:
    """An annotation that is text means what it means in the namespace, and else in the handler's module."""
    fresh = type("Lead", (BaseModel,), {})
    assert event_type(annotated_lead, [], {"Lead": fresh}) is fresh
    assert event_type(annotated_lead, [], {"Other": fresh}) is Lead


def test_an_annotation_that_cannot_be_resolved_is_told() -> None:
    """What cannot be resolved names the handler, its file and line, and the annotation."""
    with pytest.raises(JobDefinitionError) as raised:
        event_type(unresolvable, [])
    message = str(raised.value)
    assert "'unresolvable'" in message
    assert f"test_inputs.py:{unresolvable.__code__.co_firstlineno}" in message
    assert "'OnlyForTypeCheckers'" in message
    assert "TYPE_CHECKING" in message


def generic(event: Event[Lead]) -> None:  # type: ignore[type-arg]
    """Wants an event that looks typed."""


def test_an_untyped_event_with_a_type_is_refused() -> None:
    """Which Python lets pass, as it is a dict, and of which nothing would be validated."""
    with pytest.raises(JobDefinitionError, match=r"wants its event as Event\[Lead\], but .*`event: Lead`"):
        event_type(generic, [])


def test_a_handler_without_parameters_is_refused() -> None:
    """A handler that takes nothing is told what it is called with."""
    with pytest.raises(JobDefinitionError, match=r"takes no event; it is called with \(event\)"):
        event_type(lambda: None, [])


# --- reading ---


def test_no_input_is_an_empty_event() -> None:
    """No input is an empty event."""
    assert read(None, Event) == {}
    assert type(read(None, Event)) is Event
    assert read(None, EventModel) == EventModel()
    with pytest.raises(EventError, match="full_name: Field required"):
        read(None, Lead)


@pytest.mark.parametrize("raw", [[1, 2], "text", 5, 1.5, True])
@pytest.mark.parametrize("expected", [Event, dict, Lead, Order])
def test_what_is_not_an_object_is_refused(raw: object, expected: Any) -> None:
    """An input that is not an object is an EventError with the job, what came, and what is expected."""
    with pytest.raises(EventError, match=r"job 'onboard' is an? (array|string|number|boolean), .*one JSON object") as e:
        read(raw, expected)
    assert expected.__name__ in str(e.value)


def test_untyped_events_keep_their_keys() -> None:
    """An Event and a dict have the keys of the input as they came."""
    assert read(CAMEL, Event) == CAMEL
    assert read(CAMEL, dict) == CAMEL
    assert type(read(CAMEL, dict)) is dict
    assert read(CAMEL, dict[str, Any]) == CAMEL
    assert type(read({"a": {}}, Event | None)) is Event


@pytest.mark.parametrize("raw", [SNAKE, CAMEL])
@pytest.mark.parametrize("expected", [Lead, Annotated[Lead, "note"], Lead | None])
def test_models_take_both_spellings(raw: dict[str, Any], expected: Any) -> None:
    """A plain model takes both spellings at every level, and keys of free-form objects are left alone."""
    lead = read(raw, expected)
    assert lead == Lead(**SNAKE)
    assert list(lead.by_label) == ["myLabel"]
    assert lead.free_form == {"someKey": {"innerKey": 1}}


def test_a_models_own_aliases_go_on_working() -> None:
    """Aliases, alias choices and alias paths work, beside the field's name and other spellings of either."""
    for raw in ({"fullName": "Ada"}, {"full_name": "Ada"}):
        assert read(raw, CamelOnly).full_name == "Ada"
    assert read({"full_name": "A", "home_address": {"zipCode": "8"}}, CamelOnly).home_address == Address(zip_code="8")
    assert read({"mailAddress": "a"}, Aliased).email == "a"
    assert read({"mail_address": "a"}, Aliased).email == "a"
    assert read({"email": "a"}, Aliased).email == "a"
    assert read({"contacts": [{"mail": "a"}]}, Aliased).email == "a"
    for key in ("tier_name", "tierName", "plan_name", "planName"):
        assert read({"email": "a", key: "pro"}, Aliased).plan_name == "pro", key


def test_exact_keys_win() -> None:
    """A key that is right as it stands is not replaced by another spelling, which stays what it is: extra."""
    event = read({"email": "a", "tier_name": "pro", "tierName": "other", "moreData": {"innerKey": 1}}, Aliased)
    assert event.plan_name == "pro"
    assert event.model_extra == {"tierName": "other", "moreData": {"innerKey": 1}}


@pytest.mark.parametrize("expected", [Order, CheckedOrder])
def test_dataclasses_take_both_spellings(expected: Any) -> None:
    """Dataclasses, of the standard library and of pydantic, are read like models."""
    event = read({"orderId": "o1", "firstPart": {"partNumber": "7", "unitPrice": 2}}, expected)
    assert event == expected(order_id="o1", first_part=Part(part_number=7, unit_price=2.0))
    assert event == read({"order_id": "o1", "first_part": {"part_number": 7, "unit_price": 2}}, expected)


def test_typed_dicts_take_both_spellings() -> None:
    """TypedDicts are read like models, and stay dicts."""
    shipment = read({"trackingCode": "t", "shipTo": {"zipCode": "8000"}}, Shipment)
    assert shipment == {"tracking_code": "t", "ship_to": Address(zip_code="8000")}


def test_members_of_unions_take_both_spellings() -> None:
    """In a union, keys are spelled for the member that the value is written for; tuples and recursion work too."""
    zoo = read(
        {
            "firstAnimal": {"kind": "dog", "barkVolume": 3},
            "taggedAnimal": {"kind": "cat", "tailLength": 4},
            "pair": [{"zipCode": "1"}, {"partNumber": 2}],
            "either": {"someKey": 1, "otherKey": 2},
            "nextZoo": {"firstAnimal": {"kind": "cat", "tailLength": 5}, "either": {"zipCode": "9"}},
        },
        Zoo,
    )
    assert zoo.first_animal == Dog(kind="dog", bark_volume=3)
    assert zoo.tagged_animal == Cat(kind="cat", tail_length=4)
    assert zoo.pair == (Address(zip_code="1"), Part(part_number=2))
    assert zoo.either == {"someKey": 1, "otherKey": 2}
    assert zoo.next_zoo.first_animal == Cat(kind="cat", tail_length=5)
    assert zoo.next_zoo.either == Address(zip_code="9")
    assert read({"barkVolume": 1, "kind": "dog"}, Cat | Dog) == Dog(kind="dog", bark_volume=1)


def test_strict_models_read_json() -> None:
    """A strict model takes a date from its string: the input is JSON, which has no other way to say it."""
    event = read({"startsOn": "2026-01-02", "at": "2026-01-02T03:04:05Z"}, Strict)
    assert event == Strict(starts_on=date(2026, 1, 2), at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def test_every_wrong_field_is_named() -> None:
    """An input that does not fit is an EventError with the job, the type, and a line for each wrong field."""
    raw = {"homeAddress": {"zipCode": {"a": 1}}, "otherAddresses": [{"zipCode": "1"}, {}], "freeForm": "x" * 500}
    with pytest.raises(EventError) as raised:
        read(raw, Lead)
    lines = str(raised.value).splitlines()
    assert "'onboard'" in lines[0]
    assert "Lead" in lines[0]
    assert [line.split(":")[0].strip() for line in lines[1:-1]] == [
        "full_name",
        "home_address.zip_code",
        "other_addresses.1.zip_code",
        "free_form",
    ]
    assert "Field required" in lines[1]
    assert "xxx" in lines[4]
    assert max(map(len, lines)) < 200
    assert "camelCase" in lines[-1]
    with pytest.raises(EventError, match=r"line_parts\.0\.part_number.*'x'"):
        read({"orderId": "o", "lineParts": [{"partNumber": "x"}]}, Order)


def test_a_misspelt_key_of_an_input_that_does_not_fit_is_named() -> None:
    """A required field that is missing for a misspelt key is told together with that key; other keys are not."""
    with pytest.raises(EventError) as raised:
        read({"fulName": "Ada", "colour": "red"}, Lead)
    message = str(raised.value)
    assert "full_name: Field required" in message
    assert "\n  fulName: there is no such field; did you mean 'full_name'?\n" in message
    assert "colour" not in message


def test_a_type_that_cannot_be_validated_is_told() -> None:
    """A type that pydantic can do nothing with is the job author's mistake, and names the job and the type."""

    class Opaque: ...

    with pytest.raises(JobDefinitionError, match=r"job 'onboard' wants its event as .*Opaque"):
        read({}, Opaque)


# --- classes of a module that is executed afresh ---

MODULE = """
from __future__ import annotations
from dataclasses import dataclass, field, InitVar
from typing import Optional
from pydantic import BaseModel
from typing_extensions import TypedDict, NotRequired

@dataclass
class Base:
    inner_part: Inner

@dataclass
class Outer(Base):
    more_parts: list[Inner] = field(default_factory=list)
    own_model: Optional[Model] = None
    some_shape: Shape | None = None
    seed: InitVar[int] = 0

@dataclass
class Inner:
    part_number: int

class Shape(TypedDict):
    inner_part: NotRequired[Inner]

class Early(BaseModel):
    late_part: Inner
    later_model: Later

class Model(BaseModel):
    inner_part: Inner

class Later(BaseModel):
    part_number: int

def handler(event: Outer): ...
"""


def executed(name: str) -> types.ModuleType:
    module = types.ModuleType(name)
    before = sys.modules.get(name)
    sys.modules[name] = module
    exec(MODULE, vars(module))
    if before is not None:
        sys.modules[name] = before
    return module


@pytest.fixture
def other() -> Iterator[types.ModuleType]:
    """The copy that sys.modules leads to."""
    yield executed("a_module_of_jobs")
    del sys.modules["a_module_of_jobs"]


@pytest.mark.parametrize("with_name", [True, False])
def test_nested_classes_are_those_of_the_namespace(other: types.ModuleType, with_name: bool) -> None:
    """Where a module was executed afresh, every nested class is the one of its namespace, not that of sys.modules."""
    fresh = executed("a_module_of_jobs")
    assert sys.modules["a_module_of_jobs"] is other
    namespace = {key: value for key, value in vars(fresh).items() if with_name or key != "__name__"}
    expected = event_type(fresh.handler, [], namespace)
    assert expected is fresh.Outer
    raw = {
        "innerPart": {"partNumber": 1},
        "moreParts": [{"partNumber": 2}],
        "ownModel": {"innerPart": {"partNumber": 3}},
        "someShape": {"innerPart": {"partNumber": 4}},
    }
    event = read(raw, expected, namespace)
    assert type(event) is fresh.Outer
    assert type(event.own_model) is fresh.Model
    parts = [event.inner_part, event.more_parts[0], event.own_model.inner_part, event.some_shape["inner_part"]]
    assert [type(part) for part in parts] == [fresh.Inner] * 4
    assert [part.part_number for part in parts] == [1, 2, 3, 4]
    # And the other copy is as it was.
    assert type(read(raw, other.Outer).inner_part) is other.Inner


def test_incomplete_models_are_completed_from_the_namespace() -> None:
    """A model that names classes further down in its module is completed by them, wherever its module went."""
    fresh = executed("a_module_that_is_gone")
    del sys.modules["a_module_that_is_gone"]
    event = read({"latePart": {"partNumber": 1}, "laterModel": {"partNumber": 2}}, fresh.Early, vars(fresh))
    assert type(event.late_part) is fresh.Inner
    assert type(event.later_model) is fresh.Later


def test_reading_keeps_no_class_alive() -> None:
    """Classes of a module that was executed afresh are collected when its run is over."""
    fresh = executed("a_module_that_is_gone")
    del sys.modules["a_module_that_is_gone"]
    read({"partNumber": 1}, fresh.Inner, vars(fresh))
    seen = weakref.ref(fresh.Inner)
    del fresh
    gc.collect()
    assert seen() is None


class Forbidding(BaseModel, extra="forbid"):
    full_name: str = ""


class Allowing(BaseModel, extra="allow"):
    full_name: str = ""


class ReadingAll(BaseModel):
    full_name: str = ""

    @model_validator(mode="before")
    @classmethod
    def read(cls, value: Any) -> Any:
        return {"full_name": value.get("fulName", "")}


class Nicknamed(BaseModel):
    full_name: str = Field(default="", validation_alias=AliasChoices("name", AliasPath("person", "called")))
    nick: str = Field(default="", alias="nickName")


@dataclass
class Declared:
    full_name: str = ""
    email: str = ""


@pytest.mark.parametrize(
    ("expected", "given", "ignored"),
    [
        (Lead, {"fullName": "Ada", "otherAdresses": [], "x": 1}, {"otherAdresses": "other_addresses", "x": None}),
        (Lead, {"full_name": "Ada", "fullNam": "Bob"}, {"fullNam": None}),  # what it may mean is given
        (Nicknamed, {"person": {"called": "Ada"}, "nick_name": "A", "nickname": "B"}, {"nick_name": None}),
        (Nicknamed, {"Name": "Ada", "nik": "A"}, {"nik": "nick"}),
        (Declared, {"fulName": "Ada", "EMAIL": "a"}, {"fulName": "full_name"}),
        (Lead, {"fullName": "Ada"}, {}),
        (Allowing, {"fulName": "Ada"}, {}),
        (ReadingAll, {"fulName": "Ada"}, {}),
        (CustomerCreated, {"customer": {"email": "a@example.com"}, "custmer": 1}, {}),
        (Event, {"a": 1}, {}),
        (dict, {"a": 1}, {}),
    ],
)
def test_keys_that_are_left_out(expected: Any, given: dict[str, Any], ignored: dict[str, str | None]) -> None:
    """They are told, each with the field that it may have been meant for; not where nothing is lost."""
    told: dict[str, str | None] = {}
    read_event(given, expected, job="test", on_ignored=told.update)
    assert told == ignored
    with pytest.raises(EventError, match="fulName: Extra inputs are not permitted"):
        read_event({"fulName": "Ada"}, Forbidding, job="test", on_ignored=told.update)
