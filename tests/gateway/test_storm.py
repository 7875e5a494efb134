"""While Temporal and the gateway are killed no delivery is lost and none starts two runs, of a sender that never
repeats what was answered. It is small here; `python -m benchmarks.webhook_storm` is the same at full size.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.webhook_storm import storm

pytestmark = pytest.mark.server


async def test_each_delivery_starts_one_run(tmp_path: Path) -> None:
    """Sixty deliveries, the gateway killed twice and Temporal once: sixty runs, each of another delivery."""
    outcome = await storm(tmp_path, deliveries=60, server_kills=1, gateway_kills=2, pause=0.1)
    assert (outcome.lost, outcome.twice, outcome.runs.total()) == (0, 0, 60)
    assert outcome.states == {"started": 60}
    assert outcome.again > 0  # or nothing was ever in the way
