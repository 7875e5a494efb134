"""Pyright, and what it finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["pyright", "pyright_report"]

ROOT = Path(__file__).parent.parent


def pyright(directory: Path, *arguments: str) -> list[str]:
    """What Pyright finds from that directory, a line each."""
    report = pyright_report(directory, *arguments)
    return [
        f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: {each['message']}"
        for each in report["generalDiagnostics"]
    ]


def pyright_report(directory: Path, *arguments: str) -> Any:
    """Its report, as it comes."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return json.loads(done.stdout)
