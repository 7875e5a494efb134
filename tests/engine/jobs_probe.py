from terse_temporal import create_job, job_step, sleep
from tests.effects import record

async def one(x: dict[str, str]) -> int:
    record(x["path"], "one")
    return 1

@create_job(name="probe", durable=True)
async def probe(event):
    a = await job_step(run=one, input={"path": event.path})
    await sleep("3d")
    b = await job_step(run=one, input={"path": event.path})
    return a + b
