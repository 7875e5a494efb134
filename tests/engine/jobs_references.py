"""Lambdas whose references are compared between processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from terse_temporal import create_job


def lambdas() -> list[Callable[[Any], Any]]:
    return [
        lambda plan: plan in {"free", "team", "business", "enterprise"},
        lambda plan: plan in {"free", "team", "business"},
        lambda plan: plan in {"free": 1}.keys() | {"trial", "pilot", "legacy", "gone"},
    ]


@create_job(name="references")
def job(event: Any) -> None:
    lambdas()
