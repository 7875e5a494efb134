"""Side effects that are counted outside the process that has them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path


class Effects:
    """A file with one line for each side effect."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def lines(self) -> list[str]:
        """Every effect so far, in order."""
        return self.path.read_text().splitlines() if self.path.exists() else []

    def counted(self) -> Counter[str]:
        """How often each effect happened."""
        return Counter(self.lines())


def record(path: str, effect: str) -> None:
    """Leave one effect, in one write, so that a process killed right after has left it whole."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{effect}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
