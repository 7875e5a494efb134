"""`# terse: ignore[CODE]` hides what it names, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from .reading import findings, handler


def codes(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return [each.code for each in findings(code, folder, monkeypatch)]


@pytest.mark.parametrize(
    "body",
    [
        "print(os.environ)  # terse: ignore[TERSE206, TERSE216]",
        "print(os.environ)  # noqa: T201  # terse:ignore[terse206,TERSE216]  # both are meant",
        "print(  # terse: ignore[TERSE216]\n    os.environ,  # terse: ignore[TERSE206]\n)",
        "print(  # terse: ignore[TERSE206,TERSE216]\n    os.environ,\n)",
    ],
)
def test_hidden(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the line, or on that where its statement begins, several codes in one comment or in several."""
    assert codes(handler(body), tmp_path, monkeypatch) == []


def test_another_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code that is not found there hides nothing, and is reported itself."""
    assert codes(handler("print(1)  # terse: ignore[TERSE206]"), tmp_path, monkeypatch) == ["TERSE216", "TERSE001"]


@pytest.mark.parametrize("comment", ["# terse: ignore", "# terse: ignore[]", "# terse: ignore[TERSE999]"])
def test_no_code(comment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a code, or with one that does not exist, it hides nothing, and is reported."""
    found = codes(handler(f"print(1)  {comment}"), tmp_path, monkeypatch)
    assert sorted(found) == ["TERSE002", "TERSE216"]


def test_only_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in a string is no comment."""
    assert codes('TEXT = "# terse: ignore"\n', tmp_path, monkeypatch) == []


def test_what_else_ends_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form feed, or what ends a line in a string alone, is none to Python: a comment after it is where it stands."""
    code = handler("TEXT = 'MARK'\nprint(1)  # terse: ignore[TERSE216]\nprint(2)").replace("MARK", "a\u2028b\x85c")
    code = f"\x0c\n{code}"
    (found,) = findings(code, tmp_path, monkeypatch)
    assert (found.code, code.split("\n")[found.line - 1]) == ("TERSE216", "    print(2)")
    assert found.column == 5
