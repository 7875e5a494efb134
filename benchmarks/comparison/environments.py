"""Environments of the other libraries, made once in a cache directory, of the package indexes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["CACHE", "npm_program", "python_with"]

#: `XDG_CACHE_HOME`, or what stands for it by default.
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "terse-temporal-benchmarks"


def python_with(name: str, *packages: str) -> Path:
    """Return the Python of an environment that has the packages."""
    directory = CACHE / name
    done = directory / ".installed"
    python = directory / "bin" / "python"
    if not done.exists() or done.read_text() != " ".join(packages):
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "--upgrade", *packages], check=True)
        done.write_text(" ".join(packages))
    return python


def npm_program(package: str, program: str) -> Path:
    """Return the program of that name in an npm package, or in one that it brings for this system."""
    directory = CACHE / "npm"
    if not _programs(directory, program):
        directory.mkdir(parents=True, exist_ok=True)
        # Its scripts are not needed, and one of them calls home.
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        subprocess.run(["npm", "install", *options, package], cwd=directory, check=True)
    return _programs(directory, program)[0]


def _programs(directory: Path, name: str) -> list[Path]:
    return [each for each in directory.glob(f"node_modules/**/bin/{name}") if each.is_file() and not each.is_symlink()]
