"""Where there is no browser its tests are skipped, and say what is missing; where one is required they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from .chromium import find_chromium


def test_a_machine_without_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("TERSE_TEST_BROWSER", "")
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        find_chromium()
    monkeypatch.setenv("TERSE_TEST_BROWSER", "required")
    with pytest.raises(pytest.fail.Exception, match="TERSE_TEST_BROWSER=required"):
        find_chromium()
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(pytest.fail.Exception, match="/nowhere/chromium is no program"):
        find_chromium()
    named = tmp_path / "mine"
    named.touch(mode=0o755)
    monkeypatch.setenv("CHROMIUM", str(named))
    assert find_chromium() == str(named)
