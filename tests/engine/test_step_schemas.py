"""A step's input arrives as the type of its schema, and its result comes back as that of its own, also on replay."""

from __future__ import annotations

from ..bench import Bench
from .jobs_schemas import inputs, outputs, own_class

ADA = "Customer(email='ada@example.com', plan=<Plan.FREE: 'free'>, joined=datetime.date(2025, 1, 31))"
ADA_AS_DATA = "{'email': 'ada@example.com', 'plan': 'free', 'joined': '2025-01-31'}"


async def test_inputs_arrive_as_their_schema(bench: Bench) -> None:
    """A step gets its input validated by its schema, and without a schema as plain JSON."""
    assert await bench.run(inputs) == [
        "{'email': 'ada@example.com'}",
        ADA_AS_DATA,
        "None",
        ADA,
        ADA,
        "Order(number=7, customer=None)",
        f"Order(number=8, customer={ADA})",
        "{'code': 'x', 'parts': [1]}",
        f"[{ADA}]",
        "None",
        "3",
        f"[{ADA.replace('ada@example.com', 'b')}]",
        "{'a': (1,)}",
        "<Plan.TEAM: 'team'>",
        "datetime.datetime(2025, 2, 3, 4, 5, 6, tzinfo=TzInfo(0))",
        "datetime.timedelta(seconds=5)",
        "'a'",
        "Dog(kind='dog', barks=True)",
        "{'x': 1}",
    ]


async def test_results_come_back_as_their_schema(bench: Bench) -> None:
    """A result is of the type of `output_schema`, else of the return annotation, else plain JSON; also on replay."""
    assert await bench.run(outputs) == [
        ADA.replace("FREE: 'free'", "TEAM: 'team'"),
        "{'number': 1, 'customer': {'email': 'ada@example.com'}}",
        f"Order(number=2, customer={ADA})",
        f"[{ADA.replace('ada@example.com', 'x')}]",
        "None",
        "{'code': 'y', 'parts': [1]}",
        "5",
        "Renamed(full_name='Ada')",
        "Computed(price=Decimal('1.10'), double=Decimal('2.20'))",
        "Cat(kind='cat', lives=9)",
        "(1, {2})",
        "datetime.datetime(2025, 1, 2, 3, 0)",
        "[1, {'a': '2025-01-02'}]",
        ADA_AS_DATA.replace("ada@", "plain@").replace("free", "team"),
    ]


async def test_results_are_of_the_classes_that_the_handler_sees(bench: Bench) -> None:
    """`isinstance` in the handler holds for results, whether runs share the job's module or have a copy each."""
    assert await bench.run(own_class) == [True, True, True, True]
