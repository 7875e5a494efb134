"""What `connect` and `build_worker` pass on is what the SDK has; a misspelt option is refused with its nearest."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast, get_type_hints

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from terse_temporal.client import ConnectOptions
from terse_temporal.worker import TemporalWorkerOptions, build_worker


@pytest.mark.parametrize(
    ("options", "takes", "named"),
    [(ConnectOptions, Client.connect, set()), (TemporalWorkerOptions, Worker, {"client", "task_queue"})],
)
def test_they_are_those_of_the_sdk(options: Any, takes: Callable[..., Any], named: set[str]) -> None:
    """Each argument of the SDK's own is there, and nothing else; their types can be resolved."""
    assert set(get_type_hints(options)) == set(inspect.signature(takes).parameters) - named


@pytest.mark.parametrize(
    ("option", "nearest"), [("max_cached_workflow", "'max_cached_workflows'"), ("job", "'jobs'"), ("zzz", "")]
)
def test_a_misspelt_option_of_build_worker(option: str, nearest: str) -> None:
    """It is refused before the client is looked at."""
    with pytest.raises(TypeError) as caught:
        build_worker(cast("Client", None), **{option: 1})  # type: ignore[arg-type]  # it cannot be told
    assert str(caught.value).startswith(f"build_worker() has no option {option!r}")
    assert nearest in str(caught.value)
