"""`terse-temporal demo`: the main promise, shown on a machine that has nothing but the package."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from ..commands import running, until

pytestmark = pytest.mark.server


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """An empty directory for temporary files."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    return directory


def test_demo(tmp_path: Path, temporary: Path) -> None:
    """In an empty directory, by itself: a worker is killed, another goes on, the counts are as promised, and nothing is
    left.
    """
    here = tmp_path / "here"
    here.mkdir()
    with running("terse-temporal", "demo", cwd=here, env={"TMPDIR": str(temporary)}) as demo:
        assert demo.ended(within=180) == 0
        printed = demo.printed()
        demo.leaves_nothing()
    assert list(temporary.iterdir()) == []
    [output] = here.iterdir()  # what this test has redirected
    assert output.suffix == ".out"

    killed, replacement = (
        re.search(r"kill -9 (\d+)", printed),
        re.search(r"Another worker runs, process (\d+)", printed),
    )
    assert killed
    assert replacement
    assert killed[1] != replacement[1]
    timeline, counts = printed.split("Side effects")
    for step, attempts in (
        ("create_account", 1),
        ("provision_workspace", 2),
        ("send_welcome", 1),
        ("send_check_in", 1),
    ):
        assert re.search(rf"step +{step} +{attempts} ", timeline)
        assert re.search(rf"{step} +{attempts} +1 +as promised", counts)
    assert re.search(r"sleep +3 days +\+[\d.]+ s +3 d", timeline)
    assert re.search(r"send_check_in +1 +\+3 d", timeline)
    assert "not as promised" not in printed


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_interrupted(tmp_path: Path, temporary: Path, how: signal.Signals) -> None:
    """Ctrl-C, and SIGTERM, in the middle of it leave no process and no file, and exit as shells expect."""
    with running("terse-temporal", "demo", cwd=tmp_path, env={"TMPDIR": str(temporary)}) as demo:
        demo.says("starts a run of it")
        # Between two workers, one of which is killed, there is none for a moment.
        until(lambda: len(demo.processes()) >= 3, "the demo, its server and a worker")
        if how is signal.SIGINT:
            demo.interrupt()
        else:
            demo.send(how)
        assert demo.ended() == 128 + how
        demo.leaves_nothing()
        assert "Traceback" not in demo.printed()
    assert list(temporary.iterdir()) == []
