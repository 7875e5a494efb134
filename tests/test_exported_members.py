"""The public face is what `__all__` says, sorted, and every name of the contract is there."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import pytest

import terse_temporal

PUBLIC = ["Event", "Job", "Retry", "Triggers", "create_job", "current_run", "current_step", "job_step", "log", "now"]
PUBLIC += ["registered_jobs", "sleep", "step", "uuid4"]

MODULES = [info.name for info in pkgutil.walk_packages(terse_temporal.__path__, "terse_temporal.")]


def test_the_package_exports_what_it_says() -> None:
    """What can be imported from the package is `__all__`, in order, and its modules."""
    exported = [
        name
        for name, value in vars(terse_temporal).items()
        if not isinstance(value, ModuleType) and (not name.startswith("_") or name == "__version__")
    ]
    assert sorted(exported) == sorted(terse_temporal.__all__)
    assert terse_temporal.__all__ == sorted(terse_temporal.__all__)
    assert set(PUBLIC) <= set(terse_temporal.__all__)


@pytest.mark.parametrize("name", [name for name in MODULES if "__main__" not in name])
def test_every_module_exports_what_it_says(name: str) -> None:
    """Where a module has an `__all__`, it is sorted, and every name in it is there."""
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", [])
    assert all(hasattr(module, each) for each in exported)
    assert len(set(exported)) == len(exported)


@pytest.mark.parametrize(
    "path",
    [
        "worker:build_worker",
        "plugin:TersePlugin",
        "client:connect",
        "testing:JobEnvironment",
        "durations:parse_duration",
        "errors:TerseError",
    ],
)
def test_what_the_contract_names(path: str) -> None:
    """What users import from submodules is there, and exported."""
    module, _, name = path.partition(":")
    assert name in importlib.import_module(f"terse_temporal.{module}").__all__
