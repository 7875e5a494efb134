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


WORKFLOWS = sorted((Path(__file__).parent / "temporal_workflows").glob("[a-z]*.py"))


def test_workflows_written_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found in workflows of Temporal's SDK that are deterministic, in all the shapes that they have."""
    monkeypatch.chdir(ROOT)
    report = check([str(path.relative_to(ROOT)) for path in WORKFLOWS])
    assert report.findings == []
    assert (len(WORKFLOWS), report.workflows) == (11, 17)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_one_wrong_line_in_them_is_found(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read to the end: what must not be is found in the `run` of every one of them."""
    code = path.read_text().replace("import annotations\n", "import annotations\nimport time as machine\n", 1)
    begin = re.compile(r"(?<=@workflow\.run\n)(    async def run\(.*\) -> .*:\n)")
    wrong, runs = begin.subn(r"\1        machine.sleep(1)\n", code)
    lines = [number for number, line in enumerate(wrong.splitlines(), 1) if "machine.sleep" in line]
    assert runs == len(lines) > 0
    assert [each.line for each in findings(wrong, tmp_path, monkeypatch)] == lines
