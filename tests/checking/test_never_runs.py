"""Code is read and never run, and modules are found without importing the packages above them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from terse_temporal.checking import check

from .reading import handler


def test_nothing_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the module, not its package, not what it imports; a library that is missing is not missed."""
    package = tmp_path / "chk_shop" / "inner"
    package.mkdir(parents=True)
    leaves = "import pathlib\npathlib.Path('was-run').touch()\nraise RuntimeError\n"
    (package.parent / "__init__.py").write_text(leaves)
    (package / "__init__.py").write_text(leaves)
    (package / "helpers.py").write_text(f"{leaves}\ndef ask():\n    return input()\n")
    code = handler("ask()", before="from .helpers import ask\nimport no_such_library")
    (package / "jobs.py").write_text(code + leaves)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    for target in ("chk_shop.inner.jobs", "chk_shop/inner/jobs.py", "chk_shop", "./chk_shop/inner"):
        (found,) = check([target]).findings
        assert (found.code, found.file) == ("TERSE205", "chk_shop/inner/helpers.py")
        assert "chk_shop/inner/jobs.py:" in found.message
    assert not (tmp_path / "was-run").exists()
    assert not {name for name in set(sys.modules) - before if name.startswith("chk_")}


def test_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of a hundred files takes about a second of processor time."""
    package = tmp_path / "chk_large"
    package.mkdir()
    (package / "__init__.py").write_text("")
    source = (Path(__file__).parents[2] / "samples" / "pull_request_digest.py").read_text()
    for number in range(100):
        (package / f"jobs_{number}.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    import time  # noqa: PLC0415

    before = time.process_time()
    assert check(["chk_large"]).jobs == 100
    assert time.process_time() - before < 15  # a busy machine's seconds are longer
