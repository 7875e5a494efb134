"""How much a worker does at once, and which version it is, is set by an option or a variable; what is wrong with it is
said by that name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import (
    PollerBehaviorAutoscaling,
    PollerBehaviorSimpleMaximum,
    WorkerDeploymentConfig,
    WorkerTuner,
)

from terse_temporal import create_job
from terse_temporal.engine.worker_settings import SETTINGS, worker_settings
from terse_temporal.errors import WorkerOptionError
from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker

from ..commands import run


@create_job(name="worker-settings", durable=True)
async def idle(event: Any) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        (
            "--steps-at-once",
            "20",
            {"max_concurrent_activities": 20, "max_concurrent_local_activities": 20},
        ),
        ("--cached-runs", "0", {"max_cached_workflows": 0}),
        ("--workflow-pollers", "7", {"workflow_task_poller_behavior": PollerBehaviorSimpleMaximum(7)}),
        ("--workflow-pollers", "2-50", {"workflow_task_poller_behavior": PollerBehaviorAutoscaling(2, 50, 10)}),
        ("--step-pollers", "1-4", {"activity_task_poller_behavior": PollerBehaviorAutoscaling(1, 4, 4)}),
        ("--step-pollers", "30-40", {"activity_task_poller_behavior": PollerBehaviorAutoscaling(30, 40, 30)}),
        ("--build-id", "2026-11-28.1", {"build_id": "2026-11-28.1"}),
    ],
)
def test_one_setting(option: str, value: str, expected: dict[str, Any]) -> None:
    """It means the same as an option and as a variable, and the option wins."""
    assert worker_settings({option: value}, {}) == expected
    assert worker_settings({}, {SETTINGS[option]: value}) == expected
    assert worker_settings({option: value}, {SETTINGS[option]: "3"}) == expected
    assert worker_settings({option: None}, {SETTINGS[option]: ""}) == {}


def test_versions_of_a_deployment() -> None:
    """Name and version make one; runs go on with the current version unless they are pinned."""
    given = {"--deployment": "shop", "--build-id": "2"}
    expected = WorkerDeploymentConfig(
        version=WorkerDeploymentVersion("shop", "2"),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )
    assert worker_settings(given, {}) == {"deployment_config": expected}
    pinned = worker_settings(given, {"TERSE_VERSIONING": "pinned"})["deployment_config"]
    assert pinned.default_versioning_behavior is VersioningBehavior.PINNED


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--steps-at-once", "0", "a whole number from 1 to 100,000"),
        ("--steps-at-once", "-3", "a whole number"),
        ("--steps-at-once", "1_000", "a whole number"),
        ("--steps-at-once", "٣", "a whole number"),
        ("--steps-at-once", "1000000", "to 100,000"),
        ("--steps-at-once", "many", "'many'"),
        ("--cached-runs", "1.5", "'1.5'"),
        ("--workflow-pollers", "1", "from 2 to 1,000"),
        ("--workflow-pollers", "9-3", "from 2 to 1,000 or two, the smaller one first, such as '2-50'"),
        ("--step-pollers", "5-2", "from 1 to 1,000 or two, the smaller one first"),
        ("--step-pollers", "2-", "from 1 to 1,000 or two, the smaller one first"),
        ("--step-pollers", "2-1001", "from 1 to 1,000 or two"),
        ("--step-pollers", "auto", "from 1 to 1,000 or two"),
        ("--deployment", "shop", "--build-id"),
        ("--deployment", "shop.eu", "without a dot"),
        ("--build-id", "a\nb", "up to 200"),
        ("--versioning", "pinned", "--deployment"),
        ("--versioning", "auto", "'auto-upgrade' or 'pinned'"),
    ],
)
def test_a_wrong_value(option: str, value: str, said: str) -> None:
    """It is refused by the name under which it was given, and the other name is said too."""
    with pytest.raises(WorkerOptionError) as as_option:
        worker_settings({option: value}, {})
    with pytest.raises(WorkerOptionError) as as_variable:
        worker_settings({}, {SETTINGS[option]: value})
    assert str(as_option.value).startswith(f"{option} ")
    assert str(as_variable.value).startswith(f"{SETTINGS[option]} ")
    for raised in (as_option.value, as_variable.value):
        assert raised.option == option
        assert said in str(raised)
        assert option in str(raised)
        assert SETTINGS[option] in str(raised)


@pytest.mark.server
def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    """Exit status 2 and one line, before a server is asked for."""
    (tmp_path / "jobs.py").write_text(
        "from terse_temporal import create_job\n\n\n@create_job(name='a')\ndef a(event): pass\n"
    )
    command = ("terse-worker", "jobs.py", "--address", "127.0.0.1:1", "--cached-runs", "lots")
    refused = run(*command, cwd=tmp_path)
    assert refused.returncode == 2
    assert "--cached-runs is 'lots', and has to be a whole number from 0 to 100,000" in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


@pytest.mark.server
async def test_build_worker_reads_the_environment(env: JobEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables hold for every worker that it builds, and what it is passed wins, also under other names."""
    for option, value in {
        "--steps-at-once": "7",
        "--cached-runs": "8",
        "--workflow-pollers": "2-9",
        "--deployment": "shop",
        "--build-id": "1",
    }.items():
        monkeypatch.setenv(SETTINGS[option], value)
    config = build_worker(env.client, jobs=[idle]).config(active_config=True)
    assert config["max_concurrent_activities"] == 7
    assert config["max_cached_workflows"] == 8
    assert config["workflow_task_poller_behavior"] == PollerBehaviorAutoscaling(2, 9, 9)
    deployment = config["deployment_config"]
    assert deployment is not None
    assert deployment.version.to_canonical_string() == "shop.1"

    tuner = WorkerTuner.create_fixed(workflow_slots=5, activity_slots=5, local_activity_slots=5)
    worker = build_worker(
        env.client, jobs=[idle], tuner=tuner, max_concurrent_workflow_task_polls=4, max_cached_workflows=3, build_id="x"
    )
    config = worker.config(active_config=True)
    assert config["tuner"] is tuner
    assert config["max_concurrent_workflow_task_polls"] == 4
    assert config["max_cached_workflows"] == 3
    assert config["build_id"] == "x"
    assert config["deployment_config"] is None
