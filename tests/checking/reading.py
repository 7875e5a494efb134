"""What the tests of `check` share: code in files of a directory of its own, and what is found there."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from textwrap import dedent

import pytest

from terse_temporal.checking import Finding, check

_FILE = re.compile(r"^# (\w+\.py)$", re.MULTILINE)

#: What most cases begin with.
IMPORTS = "from terse_temporal import *\nimport asyncio, os, random, time, uuid\nfrom pathlib import Path\n"


def findings(
    code: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    select: Collection[str] = (),
    ignore: Collection[str] = (),
) -> list[Finding]:
    """What is found in some code. A line `# name.py` begins a further file; the last one is the one asked about."""
    parts = _FILE.split(code)
    files = dict(zip(parts[1::2], parts[2::2], strict=True)) if len(parts) > 1 else {"jobs.py": code}
    for name, text in files.items():
        (folder / name).write_text(text)
    monkeypatch.chdir(folder)
    return check([list(files)[-1]], select=select, ignore=ignore).findings


def handler(body: str, *, before: str = "", state: bool = False) -> str:
    """A durable job with that body."""
    lines = "\n".join(f"    {line}" for line in dedent(body).strip().splitlines())
    given = "event, state" if state else "event"
    decorator = '@create_job(name="chk-case", durable=True)'
    return f"{IMPORTS}\n{dedent(before)}\n\n{decorator}\nasync def handle({given}):\n{lines}\n"
