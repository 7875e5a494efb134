"""The golden histories: where they are, the jobs that made them, and what is left out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["HISTORIES", "golden_jobs", "without_machine"]

TESTS = Path(__file__).parent

HISTORIES = sorted(TESTS.glob("*/golden/*.json"))


def golden_jobs() -> list[Any]:
    """Every job that has a golden history; those of the state and of keys are none."""
    from .agents.jobs_golden import golden_fixed, golden_references, golden_sdk  # noqa: PLC0415  what records them imports this module
    from .engine.jobs_golden import GOLDEN  # noqa: PLC0415
    from .events.jobs_waits import takes_deliveries  # noqa: PLC0415
    from .inputs.jobs_golden import golden_default, golden_inputs  # noqa: PLC0415
    from .schedules.jobs_golden import scheduled  # noqa: PLC0415

    return [
        *(job for job, _ in GOLDEN.values()),
        golden_sdk,
        golden_fixed,
        golden_references,
        golden_inputs,
        golden_default,
        scheduled,
        takes_deliveries,
    ]


def without_machine(value: Any) -> Any:
    """A history without what tells of the machine it was recorded on."""
    if isinstance(value, dict):
        kept = {key: without_machine(each) for key, each in value.items() if key != "stackTrace"}
        return {key: "golden" if key == "identity" else each for key, each in kept.items()}
    return [without_machine(each) for each in value] if isinstance(value, list) else value
