"""A project for each test that needs one."""

from __future__ import annotations

import pytest

from .project import Project


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project with settings of its own."""
    return Project(pytester, monkeypatch)
