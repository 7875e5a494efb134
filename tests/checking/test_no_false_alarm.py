"""Code that is right is left alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from terse_temporal.checking import check

from .reading import findings

ROOT = Path(__file__).parents[2]

#: Pages whose Python is right.
PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")) if path.stem != "checks")]


#: What a page shows because it goes wrong.
ON_PURPOSE = {"docs/testing.md": {"TERSE209"}}


@pytest.mark.parametrize("target", ["samples", "benchmarks/jobs.py", "terse_temporal/cli/demo_files/onboarding.py"])
def test_jobs_of_this_repository(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found in the samples, the benchmarks and the demo, and their jobs are seen."""
    monkeypatch.chdir(ROOT)
    report = check([target])
    assert report.findings == []
    assert report.jobs


@pytest.mark.parametrize("page", PAGES)
def test_code_of_the_documentation(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found in the code of the README and the documentation."""
    for block in re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE):
        found = findings(block, tmp_path, monkeypatch)
        assert [each for each in found if each.code not in ON_PURPOSE.get(page, ())] == []


def test_workflows_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found in workflows of Temporal's public samples, which are deterministic."""
    monkeypatch.chdir(Path(__file__).parent / "temporal_samples")
    files = sorted(path.name for path in Path().glob("*.py"))
    report = check(files)
    assert report.findings == []
    assert (len(files), report.workflows) == (12, 15)
