"""A link is to one question of one run: one that was forged, cut, put together or is of another run answers nothing."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path

import pytest

from terse_temporal.inputs import InputToken, make_token

from ..bench import Bench, cache_on
from ..inputs.asking import answer, answered, asked
from ..inputs.jobs_asking import asks, asks_again
from ..waiting import until
from .asking_gateway import ADA, asking_gateway, bearer, link_to, set_secrets
from .gateway_process import SECRETS
from .test_input_page import FROM_THE_PAGE, Browser, hidden

_KEY = SECRETS["TERSE_GATEWAY_KEY"].encode()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    set_secrets(monkeypatch)


@cache_on
async def test_none_but_the_link_itself(bench: Bench, tmp_path: Path) -> None:
    async with bench.worker(asks), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(asks)
        other = await bench.start(asks)
        question, another = await asked(run), await asked(other)
        known = {"id": run.id, "run": question["run"], "number": "1"}
        token = link_to(known, respondent="ada").rpartition("/")[2]
        of_other = link_to({"id": other.id, "run": another["run"], "number": "1"}).rpartition("/")[2]
        fields = InputToken("default", run.id, question["run"], "1", "ada")
        page = (await client.get(f"/inputs/{token}")).text
        sent = {**hidden(page), "choice": "yes"}
        wrong = [
            make_token(fields, [b"another key of somebody's"]),
            make_token(fields, [b""]),
            *(token[:length] for length in (1, 20, len(token) // 2, len(token) - 1)),
            token[1:],
            token + "x",
            token[:27] + of_other[27:],  # the signature of the one, the text of the other
            of_other[:27] + token[27:],
            "A" * 27 + token[27:],
            token.swapcase(),
            token.replace("x", "y"),
            base64.urlsafe_b64encode(b'["default","x","y","1",""]').decode(),
            "..%2F..%2Fhealthz",
            "%00",
            "x" * 9_000,
        ]
        for each in wrong:
            assert each != token
            for method in ("GET", "POST"):
                refused = await client.request(method, f"/inputs/{each}", data=sent, headers=FROM_THE_PAGE)
                assert refused.status_code == 404, each
                assert run.id not in refused.text
        # Signed, and of another question: each is a page that says that it is not open.
        for changed in (
            {"run": another["run"]},
            {"id": other.id},
            {"number": "2"},
            {"number": "one"},
            {"namespace": "another"},
            {"id": "nobody"},
        ):
            path = link_to(known, respondent="ada", **changed)
            assert (await client.get(path)).status_code == 410, changed
            # With the token of a form that is right for another link.
            assert (await client.post(path, data=sent, headers=FROM_THE_PAGE)).status_code in (403, 410)
        assert await answered(run) == await answered(other) == {}
        assert (await client.post(f"/inputs/{token}", data=sent, headers=FROM_THE_PAGE)).status_code == 200
        assert list(await answered(run)) == ["1"]
        await run.terminate()
        await other.terminate()


@cache_on
async def test_a_key_that_was_replaced(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its links are valid beside those of the new one, and not when it is taken away."""
    async with bench.worker(asks):
        run = await bench.start(asks)
        question = await asked(run)
        path = link_to({"id": run.id, "run": question["run"], "number": "1"})
        new = "the-new-key-of-the-gateway-of-tests"
        for value, status in ((f"{new},{_KEY.decode()}", 200), (new, 404)):
            monkeypatch.setenv("TERSE_GATEWAY_KEY", value)
            async with asking_gateway(bench.env.client, tmp_path / "spool") as client:
                assert (await client.get(path)).status_code == status
        await run.terminate()


@cache_on
async def test_the_next_run_of_the_same_id(bench: Bench, tmp_path: Path) -> None:
    """A question is of its run: where the id is used again, and where a run goes on as a new one, it is another."""
    async with bench.worker(asks, asks_again), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        client.headers.update(bearer(ADA))
        start = bench.env.client.start_workflow
        id = f"again-{uuid.uuid4()}"  # noqa: A001
        first = await start("asks", {"effects": str(bench.effects)}, id=id, task_queue=bench.task_queue)
        old = await asked(first)
        await first.terminate()
        second = await start("asks", {"effects": str(bench.effects)}, id=id, task_queue=bench.task_queue)
        new = await asked(second)
        assert old["run"] != new["run"]
        for number in ("1", "2"):
            stale = Browser(client, link_to({"id": id, "run": old["run"], "number": number}))
            await stale.open(410)
        api = await client.post(f"/api/inputs/{id}/1/answer", json={"choice": "yes", "run": old["run"]})
        assert (api.status_code, api.json()["error"]) == (410, "closed")
        assert await answered(second) == {}
        await second.terminate()

        chain = await bench.start(asks_again)
        before = await asked(chain)
        path = link_to({"id": chain.id, "run": before["run"], "number": "1"})
        await answer(chain, choice="yes")
        after = bench.env.client.get_workflow_handle(chain.id)

        async def is_next() -> bool:
            return bool((await asked(after))["run"] != before["run"])

        await until(is_next, "it has gone on")
        assert (await asked(after))["prompt"] == before["prompt"]
        await Browser(client, path).open(410)
        await after.terminate()
