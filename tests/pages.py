"""The code in the README and the documentation, as modules."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from terse_temporal.jobs.job import Job
from terse_temporal.jobs.registry import collecting

__all__ = ["ROOT", "blocks", "jobs_of", "load"]

ROOT = Path(__file__).parent.parent


def blocks(page: str) -> list[str]:
    """The Python in a page, block by block."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def load(page: str, number: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A block as a module, from a file, as a reader would make one."""
    name = f"documented_{re.sub(r'[^a-z]', '_', page.lower())}_{number}"
    file = folder / f"{name}.py"
    file.write_text(blocks(page)[number])
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    with collecting():  # each test makes the jobs anew, and the registry is to know of none
        spec.loader.exec_module(module)
    return module


def jobs_of(module: ModuleType) -> list[Job]:
    """The jobs that a block defines."""
    return [value for value in vars(module).values() if isinstance(value, Job)]
