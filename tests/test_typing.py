"""Type checkers see the types that are promised.

`make check` runs both: mypy over all, and Pyright over the samples and tests/typing. There each mistake is marked, for
the checker that is to find it, and a mark where nothing is found is an error as well.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from terse_temporal.plugin import TersePlugin

from .checkers import pyright_report

pytestmark = pytest.mark.server

#: What users import from.
PUBLIC = [
    *(
        "",
        ".agents",
        ".client",
        ".devserver",
        ".durations",
        ".errors",
        ".events",
        ".inputs",
        ".plugin",
        ".state",
        ".testing",
    ),
    *(".tools", ".tools.builtin.email", ".tools.builtin.http", ".tools.builtin.slack", ".triggers", ".worker"),
]


def test_all_that_is_public_has_a_type(tmp_path: Path) -> None:
    """What users import, and what that has, is known to Pyright, without guesses."""
    places = set()
    for name in PUBLIC:
        module = importlib.import_module(f"terse_temporal{name}")
        for each in module.__all__:
            places.add(f"{module.__name__}.{each}")
            if isinstance(value := getattr(module, each), type):
                places.add(f"{value.__module__}.{value.__qualname__}")
    symbols = pyright_report(tmp_path, "--verifytypes", "terse_temporal", "--ignoreexternal")["typeCompleteness"][
        "symbols"
    ]
    public = [each for each in symbols if any(f"{each['name']}.".startswith(f"{place}.") for place in places)]
    assert len(public) > 300
    unknown = {each["name"] for each in public if not each["isTypeKnown"] or each["isTypeAmbiguous"]}
    assert unknown <= {
        f"{TersePlugin.__module__}.TersePlugin",
        "terse_temporal.plugin.TersePlugin",
    }  # it has bases of the SDK
