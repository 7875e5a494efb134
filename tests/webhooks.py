"""Payloads of webhooks: short ones of our own making, and real ones where somebody has recorded some.

Those of our own have the fields that vendors document, with invented values (tests/data/webhooks). Real ones belong to
others and are not part of this project. Where a folder of them is at hand, tests read them as further cases: the folder
that the environment variable `TERSE_TEST_DATA` names, else `../shared/data`, beside this repository.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OURS = ROOT / "tests" / "data" / "webhooks"
RECORDED = Path(os.environ.get("TERSE_TEST_DATA") or ROOT.parent / "shared" / "data") / "webhooks"


def payload(name: str) -> dict[str, Any]:
    """Read one of our own, such as "stripe/customer.created"."""
    return read(OURS / f"{name}.json")


def read(path: Path) -> dict[str, Any]:
    """Read the payload in a file."""
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return data


def payloads(pattern: str) -> list[Path]:
    """List the files that a pattern names, our own first. The recorded ones may be none."""
    return sorted(OURS.glob(f"{pattern}.json")) + sorted(RECORDED.glob(f"{pattern}.json"))


def label(path: Path) -> str:
    """Name a file in the name of a test."""
    return f"{'ours' if path.is_relative_to(OURS) else 'recorded'}-{path.parent.name}-{path.stem}"
