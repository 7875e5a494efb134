"""How much a worker does at once and which version it is: from the command line and the environment.

Every setting has one option and one variable, and what is wrong with either is said by its name. What is given wins
over the environment, and what a program passes to `build_worker` over both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import (
    PollerBehavior,
    PollerBehaviorAutoscaling,
    PollerBehaviorSimpleMaximum,
    WorkerDeploymentConfig,
)

from ..diagnostics.text import did_you_mean
from ..errors import WorkerOptionError
from . import limits

__all__ = ["SETTINGS", "worker_settings"]

#: The options, each with the environment variable that stands for it.
SETTINGS: Final = {
    "--steps-at-once": "TERSE_STEPS_AT_ONCE",
    "--cached-runs": "TERSE_CACHED_RUNS",
    "--workflow-pollers": "TERSE_WORKFLOW_POLLERS",
    "--step-pollers": "TERSE_STEP_POLLERS",
    "--deployment": "TERSE_DEPLOYMENT",
    "--build-id": "TERSE_BUILD_ID",
    "--versioning": "TERSE_VERSIONING",
}

#: What a worker of a versioned deployment does with runs whose job says nothing about it.
_VERSIONING: Final = {
    "auto-upgrade": VersioningBehavior.AUTO_UPGRADE,
    "pinned": VersioningBehavior.PINNED,
}

#: The most of anything: a number with a digit too many is a mistake, and the SDK's core makes room for all at once.
_MOST: Final = 100_000
_MOST_POLLERS: Final = 1_000

#: As the server takes them: no dot in the name of a deployment, which the version is written behind.
_DEPLOYMENT: Final = re.compile(r"[\w:/-][\w:/ -]{0,199}")
_BUILD_ID: Final = re.compile(r"[\w.:/+-][\w.:/+ -]{0,199}")


def worker_settings(given: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the settings as options of `temporalio.worker.Worker`: those that are given or in the environment.

    Args:
        given: values by option, such as `{"--steps-at-once": 20}`; those that are `None` are not given.
        environ: the environment variables.

    Raises:
        WorkerOptionError: a value is none that the option takes, or one option needs another.
    """
    read = _Settings(given, environ)
    found: dict[str, Any] = {}
    if (steps := read.number("--steps-at-once", 1)) is not None:
        found["max_concurrent_activities"] = steps
        found["max_concurrent_local_activities"] = steps
    if (runs := read.number("--cached-runs", 0)) is not None:
        found["max_cached_workflows"] = runs
    if (pollers := read.pollers("--workflow-pollers", 2)) is not None:
        found["workflow_task_poller_behavior"] = pollers
    if (pollers := read.pollers("--step-pollers", 1)) is not None:
        found["activity_task_poller_behavior"] = pollers
    return found | _version(read)


def _version(read: _Settings) -> dict[str, Any]:
    deployment = read.text("--deployment", _DEPLOYMENT, "a name without a dot, of up to 200 characters")
    build_id = read.text("--build-id", _BUILD_ID, "up to 200 letters, digits, and any of . : / + - _")
    behavior = read.choice("--versioning", _VERSIONING)
    if deployment is None:
        if behavior is not None:
            raise read.wrong("--versioning", "is for workers of a deployment. Name that too: --deployment shop")
        return {} if build_id is None else {"build_id": build_id}
    if build_id is None:
        raise read.wrong("--deployment", "needs the version that this worker has. Give it: --build-id 2026-11-28.1")
    config = WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment, build_id),
        use_worker_versioning=True,
        default_versioning_behavior=behavior or VersioningBehavior.AUTO_UPGRADE,
    )
    return {"deployment_config": config}


class _Settings:
    """Reads one option after the other."""

    def __init__(self, given: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._given = given
        self._environ = environ

    def value(self, option: str) -> str | None:
        given = self._given.get(option)
        # A variable that is empty is one that is not set, as in the `environment:` of a container.
        return str(given) if given is not None else self._environ.get(SETTINGS[option]) or None

    def number(self, option: str, least: int) -> int | None:
        value = self.value(option)
        if value is None:
            return None
        if not least <= (number := _whole(value)) <= _MOST:
            raise self.wrong(option, f"is {value!r}, and has to be a whole number from {least} to {_MOST:,}")
        return number

    def pollers(self, option: str, least: int) -> PollerBehavior | None:
        """Read `10`, always so many, or `2-50`, as many of these as the server says that there is work for."""
        value = self.value(option)
        if value is None:
            return None
        fewest, dash, most = value.partition("-")
        low = _whole(fewest)
        high = _whole(most) if dash else low
        if not least <= low <= high <= _MOST_POLLERS:
            what = f"a whole number from {least} to {_MOST_POLLERS:,} or two, the smaller one first, such as '2-50'"
            raise self.wrong(option, f"is {value!r}, and has to be {what}")
        if not dash:
            return PollerBehaviorSimpleMaximum(maximum=low)
        usual = limits.WORKFLOW_POLLERS if option == "--workflow-pollers" else limits.STEP_POLLERS
        return PollerBehaviorAutoscaling(minimum=low, maximum=high, initial=min(max(low, usual), high))

    def text(self, option: str, allowed: re.Pattern[str], described: str) -> str | None:
        value = self.value(option)
        if value is not None and allowed.fullmatch(value) is None:
            raise self.wrong(option, f"is {value!r}, and has to be {described}")
        return value

    def choice(self, option: str, choices: Mapping[str, VersioningBehavior]) -> VersioningBehavior | None:
        value = self.value(option)
        if value is not None and value not in choices:
            named = " or ".join(map(repr, choices))
            raise self.wrong(option, f"is {value!r}, and has to be {named}{did_you_mean(value, choices)}")
        return None if value is None else choices[value]

    def wrong(self, option: str, what: str) -> WorkerOptionError:
        is_given = self._given.get(option) is not None
        shown = option if is_given else SETTINGS[option]
        other = f"; the environment variable is {SETTINGS[option]}" if is_given else f"; the option is {option}"
        return WorkerOptionError(f"{shown} {what}{other}", option=option)


def _whole(text: str) -> int:
    """Read a whole number, or -1: no underscores, signs or digits of other scripts, which `int` takes."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
