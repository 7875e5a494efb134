"""What an installed wheel leaves in site-packages."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

ROOT = Path(__file__).parent.parent


def test_wheel_holds_the_package_alone(tmp_path: Path) -> None:
    """A wheel has one top-level package, marked as typed, with the demo's files and the docs, and both commands."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [entry_points] = [name for name in names if name.endswith("entry_points.txt")]
        commands = archive.read(entry_points).decode()
        [metadata] = [name for name in names if name.endswith("METADATA")]
        description = archive.read(metadata).decode()
    top_level = {name.partition("/")[0] for name in names}
    assert {name for name in top_level if not name.endswith(".dist-info")} == {"terse_temporal"}
    assert "terse_temporal/py.typed" in names
    assert any(name.startswith("terse_temporal/cli/demo_files/") and name.endswith(".json") for name in names)
    pages = {f"terse_temporal/_docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages
    assert pages == {name for name in names if name.startswith("terse_temporal/_docs/")}
    # An index shows it, where nothing stands beside it.
    assert "# terse-temporal" in description
    assert "`terse-temporal explain testing`" in description
    assert re.findall(r"\]\((?!https?:|#)[^)]*\)", description) == []
    assert "terse-worker" in commands
    assert "terse-temporal" in commands
