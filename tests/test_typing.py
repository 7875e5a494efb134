"""Type checkers see the types that the job API promises, and the mistakes that it refuses."""

from __future__ import annotations

from pathlib import Path

from mypy import api

ROOT = Path(__file__).parent.parent


def test_mypy_agrees() -> None:
    """mypy, strict, finds in tests/typing what is asserted there, and no mistake that is not marked as one."""
    report, errors, status = api.run(["--config-file", str(ROOT / "pyproject.toml"), str(ROOT / "tests" / "typing")])
    assert (status, errors) == (0, ""), report
