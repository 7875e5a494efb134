"""What the compose file starts is there: modules, options of the commands, and every secret of the gateway."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from terse_temporal.cli.gateway.run import run
from terse_temporal.gateway.secrets import GATEWAY_KEY, VENDOR_SECRETS, WEBHOOK_SECRET

DOCKER = Path(__file__).parents[1] / "docker"


@pytest.fixture(scope="module")
def services() -> Any:
    return YAML(typ="safe").load((DOCKER / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("service", ["worker", "gateway"])
def test_the_modules_of_a_command_are_there(services: Any, service: str) -> None:
    modules = [word for word in services[service]["command"] if not word.startswith("--")]
    assert modules
    for module in modules:
        assert importlib.util.find_spec(module), module


def test_the_gateway_starts_jobs_that_the_worker_runs_with_options_that_it_has(services: Any) -> None:
    gateway, worker = services["gateway"], services["worker"]
    assert gateway["entrypoint"] == ["terse-temporal", "gateway"]
    modules = {word for word in gateway["command"] if not word.startswith("--")}
    assert modules <= set(worker["command"])
    assert gateway["build"] == worker["build"]
    known = {f"--{name.replace('_', '-')}" for name in inspect.signature(run).parameters}
    options = dict(word.split("=") for word in gateway["command"] if word.startswith("--"))
    assert set(options) <= known
    # The spool lies on the volume.
    assert f"spool:{options['--spool']}" in gateway["volumes"]
    assert f"{options['--spool']}\n" in (DOCKER / "Dockerfile").read_text()


def test_the_gateway_gets_every_secret_that_there_is(services: Any) -> None:
    assert {*VENDOR_SECRETS.values(), WEBHOOK_SECRET, GATEWAY_KEY} <= set(services["gateway"]["environment"])


def test_nothing_is_published_but_on_this_machine(services: Any) -> None:
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
