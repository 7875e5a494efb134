"""Onboarding over HTTP: `POST /onboard` starts a run and answers at once, `GET /runs/{id}` says how it stands.

    terse-worker samples.onboarding
    uvicorn samples.onboarding_api:app

    curl -X POST localhost:8000/onboard -H 'Content-Type: application/json' \
        -d '{"id": "cus_1", "email": "ada@example.com"}'
    curl localhost:8000/runs/onboard-customer/cus_1

The web process only starts runs and asks after them; the worker, in a process of its own, runs them. Whoever posts a
customer again, because an answer was lost or twice in one second, gets the run that is there: the customer's id is the
run's key.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from samples.onboarding import onboard_customer
from terse_temporal import get_run
from terse_temporal.errors import RunFailedError, RunNotFoundError, ServerUnavailableError

app = FastAPI(title="Onboarding")


class NewCustomer(BaseModel):
    id: str
    email: str
    name: str | None = None


class Accepted(BaseModel):
    id: str


class RunState(BaseModel):
    id: str
    status: str
    result: Any = None
    error: str | None = None


@app.post("/onboard", status_code=202)
async def onboard(customer: NewCustomer) -> Accepted:
    run = await onboard_customer.start({"customer": customer.model_dump()}, key=customer.id, tags=["api"])
    return Accepted(id=run.id)


# An id has slashes in it: `onboard-customer/cus_1`.
@app.get("/runs/{id:path}")
async def look(id: str) -> RunState:
    run = get_run(id)
    try:
        status = await run.status()
    except RunNotFoundError as err:
        raise HTTPException(404, "there is no such run") from err
    if status == "running":
        return RunState(id=id, status=status)
    try:
        return RunState(id=id, status=status, result=await run.result())
    except RunFailedError as err:
        return RunState(id=id, status=status, error=f"{err.error_type}: {err.message}")


@app.exception_handler(ServerUnavailableError)
async def server_unavailable(request: Request, error: ServerUnavailableError) -> JSONResponse:
    """Nothing was started: the caller may ask again."""
    return JSONResponse({"detail": "runs cannot be started at the moment"}, 503, headers={"Retry-After": "5"})
