"""The jobs of docs/runs.md about maps, races and the ends of runs do what the page says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from terse_temporal import Job

from ..bench import Bench, cache_on, scheduled
from ..pages import blocks, jobs_of, load


@pytest.fixture
def documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Job]:
    """The jobs of those blocks, by name."""
    found: dict[str, Job] = {}
    for number, block in enumerate(blocks("docs/runs.md")):
        if block.startswith(("# thumbnails.py", "# quotes.py", "# watching.py")):
            found |= {job.name: job for job in jobs_of(load("docs/runs.md", number, tmp_path, monkeypatch))}
    return found


@cache_on
async def test_the_jobs(bench: Bench, documented: dict[str, Job[Any, Any]]) -> None:
    """Failures stand in the list; the first answer is taken; support is told of a shipment that has not arrived."""
    async with bench.worker(*documented.values()):
        made = await bench.start_raw(documented["make-all-thumbnails"], {"paths": ["a.png", "b.gif", "c.png"]})
        assert await bench.result(made) == {"made": ["a.png@200", "c.png@200"], "left out": ["b.gif"]}
        asked = await bench.start_raw(documented["first-quote"], {"suppliers": ["slow", "quick"]})
        assert await bench.result(asked) == "quick: 12 EUR"
        arrived = await bench.start(documented["watch-shipment"], number="7", polls=4)
        assert await bench.result(arrived) == "arrived"
        late = await bench.start(documented["watch-shipment"], number="7")
        failure = await bench.failure(late)
        assert (await scheduled(late))[-2:] == ["is_there", "tell_support"]
    assert failure.type == "RunTimeoutError"
