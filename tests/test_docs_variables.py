"""Every environment variable of this package stands in a table of docs/operating.md, and no other does."""

from __future__ import annotations

import re
from typing import Final

from .pages import ROOT

#: What `dev` tells its own worker process.
_INTERNAL: Final = {"TERSE_DEV_TERMINAL"}

_NAME: Final = re.compile(r"\bTERSE_[A-Z_]+\b")


def test_every_variable_is_in_the_table() -> None:
    """In the first column of one; what the code names at all counts, also in a message."""
    code = {name for file in (ROOT / "terse_temporal").rglob("*.py") for name in _NAME.findall(file.read_text())}
    first_columns = re.findall(r"^\|([^|]+)\|", (ROOT / "docs/operating.md").read_text(), re.MULTILINE)
    assert {name for each in first_columns for name in _NAME.findall(each)} == code - _INTERNAL
    assert code >= {"TERSE_STORAGE", "TERSE_STEPS_AT_ONCE", *_INTERNAL}
