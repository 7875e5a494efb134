"""What an installed wheel leaves in site-packages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

ROOT = Path(__file__).parent.parent


def test_wheel_holds_the_package_alone(tmp_path: Path) -> None:
    """A wheel has one top-level package, marked as typed, with the demo's files and the docs, and both commands."""
    wheel = _wheel(ROOT, tmp_path)
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
    # What the gateway's pages are made of.
    for template in (ROOT / "terse_temporal/gateway/pages/templates").iterdir():
        assert f"terse_temporal/gateway/pages/templates/{template.name}" in names
    pages = {f"terse_temporal/_docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages
    assert pages == {name for name in names if name.startswith("terse_temporal/_docs/")}
    # An index shows it, where nothing stands beside it.
    assert "# terse-temporal" in description
    assert "`terse-temporal explain testing`" in description
    assert re.findall(r"\]\((?!https?:|#)[^)]*\)", description) == []
    assert re.findall(r"^!", description, re.MULTILINE) == []  # of a picture
    assert "terse-worker" in commands
    assert "terse-temporal" in commands


def test_what_the_image_is_built_from_makes_the_same_wheel(tmp_path: Path) -> None:
    """The first stage of docker/Dockerfile copies all that the build reads, and its .dockerignore lets that in."""
    stage = (ROOT / "docker/Dockerfile").read_text().split("\nFROM ")[1]
    let_in = set(re.findall(r"^!([\w.]+)$", (ROOT / "docker/Dockerfile.dockerignore").read_text(), re.MULTILINE))
    context = tmp_path / "context"
    context.mkdir()
    for copied in re.findall(r"^COPY (.+) \./\w*$", stage, re.MULTILINE):
        for name in copied.split():
            assert name in let_in
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, context / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, context)
    built, whole = _wheel(context, tmp_path / "built"), _wheel(ROOT, tmp_path / "whole")
    with zipfile.ZipFile(built) as one, zipfile.ZipFile(whole) as other:
        assert set(one.namelist()) == set(other.namelist())


def _wheel(source: Path, into: Path) -> Path:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)],
        check=False,
        cwd=source,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = into.glob("*.whl")
    return wheel
