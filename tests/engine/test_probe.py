import time
import pytest
from .jobs_probe import probe
@pytest.mark.parametrize("n", range(5))
async def test_probe(env, cache, task_queue, effects, n):
    t=time.time()
    async with env.worker([probe], task_queue=task_queue, max_cached_workflows=cache):
        t1=time.time()
        assert await env.run(probe, {"path": str(effects)}, task_queue=task_queue) == 2
        t2=time.time()
    print("start", t1-t, "run", t2-t1, "stop", time.time()-t2)
