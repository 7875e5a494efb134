"""The page on checks says what the checks do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from terse_temporal.checking import CODES

from .reading import findings

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"

SECTIONS = dict(re.findall(r"^## (TERSE\d+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.DOTALL | re.MULTILINE))


def blocks(code: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", SECTIONS[code], re.DOTALL | re.MULTILINE)


def test_every_code_has_its_section() -> None:
    """Every code has a section, in the order of the codes, which begins with its severity and title."""
    assert list(SECTIONS) == list(CODES) == sorted(CODES)
    for code in CODES.values():
        plain = SECTIONS[code.code].replace("`", "").replace("\n", " ")
        assert plain.strip().startswith(f"*{code.severity}: {code.title}.*")
        assert code.explained_by == f"terse-temporal explain {code.code}"


@pytest.mark.parametrize("code", CODES)
def test_mistake_and_cure(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake on the page is found as that and nothing else, and in the cure nothing is found."""
    mistake, cure = blocks(code)
    (tmp_path / "mistake").mkdir()
    (tmp_path / "cure").mkdir()
    found = findings(mistake, tmp_path / "mistake", monkeypatch)
    assert {each.code for each in found} == {code}
    assert all(each.message and each.because and each.fix for each in found)
    assert findings(cure, tmp_path / "cure", monkeypatch) == []
