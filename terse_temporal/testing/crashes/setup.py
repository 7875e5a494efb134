"""What a worker process is told when it starts: what to run, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from temporalio.client import Client

from ...converter import is_of_environment
from ...errors import CrashTestError
from .modules import ModulePlace
from .pickling import pickle_value

__all__ = ["Setup", "connection_of"]


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a worker process does not find out by itself.

    Attributes:
        modules, jobs: what to load, and the names of the jobs to run.
        connection: arguments for `connect`.
        task_queue: where it takes its work from.
        options: further ones for `build_worker`.
        offers: whether to offer calls to the test's test doubles.
        doubled_jobs: the names of jobs whose handlers have test doubles.
        served: MCP servers that are not connected, as all of their tools have test doubles, with what they would list.
    """

    modules: Sequence[ModulePlace]
    jobs: Sequence[str]
    connection: Mapping[str, Any]
    task_queue: str
    options: Mapping[str, Any]
    offers: bool
    doubled_jobs: frozenset[str]
    served: Mapping[str, Sequence[Mapping[str, Any]]]


def connection_of(client: Client) -> dict[str, Any]:
    """Return how another process connects as this client has.

    Raises:
        CrashTestError: its data converter cannot be pickled.
    """
    config = client.service_client.config
    given = {field.name: getattr(config, field.name) for field in fields(config)}
    found: dict[str, Any] = {
        name: given[name]
        for name in ("target_host", "api_key", "tls", "rpc_metadata", "http_connect_proxy_config")
        if given.get(name) is not None
    }
    found["namespace"] = client.namespace
    if not is_of_environment(client.data_converter):
        found["data_converter"] = client.data_converter
    try:
        pickle_value(found)
    except Exception as err:
        raise CrashTestError(
            "crashes need worker processes that connect as this client does, and its data converter cannot be pickled"
            f" for them: {err}. Make it of classes at the top level of a module."
        ) from None
    return found
