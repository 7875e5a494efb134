"""A question by mail comes to each recipient once, with a link of their own; the others are told who has answered."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from terse_temporal import step
from terse_temporal.errors import InputError, ServiceError
from terse_temporal.inputs import EmailWay, InputOption, InputQuestion, email, read_token
from terse_temporal.inputs.email_way import sending
from terse_temporal.serialization.wire_names import INPUT_UPDATE

from ..bench import Bench, cache_on, scheduled
from ..servers import MailServer
from ..waiting import until
from .asking import asked
from .jobs_mailing import asks_by_mail
from .mailing import KEY, mails, server, texts

__all__ = ["server"]  # a fixture

QUESTION = InputQuestion(
    id="job/1",
    run="r",
    number="1",
    job="job",
    namespace="default",
    prompt="Ship?",
    options=(InputOption("yes", "Yes"),),
)


async def test_each_recipient(bench: Bench, server: MailServer) -> None:
    """Each gets a mail whose links are theirs; when one has answered, the other is told, in the same thread."""
    async with bench.worker(asks_by_mail):
        run = await bench.start_on_the_wall_clock(asks_by_mail)
        await until(lambda: len(server.messages) == 2, "both have a mail")
        first = {to: each[0] for to, each in mails(server).items()}
        assert sorted(first) == ["ada@example.com", "bob@example.com"]
        for to, message in first.items():
            plain, html = texts(message)
            links = [line for line in plain.splitlines() if line.startswith("https://")]
            assert [urlsplit(each).query for each in links] == ["choice=yes", "choice=no%20%26%20never"]
            assert all(f'href="{each}"' in html for each in links)
            token = read_token(urlsplit(links[0]).path.removeprefix("/inputs/"), [KEY.encode()])
            assert token is not None
            assert (token.respondent, token.id, token.number) == (to, run.id, "1")
        assert first["ada@example.com"]["To"] == "Ada <ada@example.com>"
        assert len({each["Message-ID"] for each in first.values()}) == 2
        await asked(run)
        await run.execute_update(INPUT_UPDATE, {"id": "1", "choice": "yes", "by": "Ada@example.com", "via": "page"})
        assert await bench.result(run) == ["yes", "Ada@example.com"]
    assert len(server.messages) == 3
    told = mails(server)["bob@example.com"][1]
    assert told["In-Reply-To"] == first["bob@example.com"]["Message-ID"]
    assert "answered by Ada@example.com: “Yes, ship”" in texts(told)[0]
    assert await scheduled(run) == ["input.ask", "input.close"]


@cache_on
async def test_reminders(bench: Bench, server: MailServer) -> None:
    """Everybody is reminded, each with their link, and told when time is up."""
    async with bench.worker(asks_by_mail):
        run = await bench.start(asks_by_mail, reminds=True)
        assert await bench.result(run) == ["no & never", None]
    subjects = {to: [each["Subject"] for each in got] for to, got in mails(server).items()}
    one = "Ship <b>it</b>? Today?"
    assert subjects["ada@example.com"] == [one, f"Reminder: {one}", f"Reminder: {one}", f"Too late: {one}"]
    assert subjects["bob@example.com"] == subjects["ada@example.com"]
    last = mails(server)["ada@example.com"]
    assert "/inputs/" in texts(last[1])[0]
    assert "Nobody answered this in time. “No” counts" in texts(last[3])[0]


@step
async def asks(way: EmailWay) -> Any:
    """Ask, as in a step."""
    return await way.ask(QUESTION)


@pytest.mark.server
async def test_some_are_refused(server: MailServer) -> None:
    """Who cannot be reached does not keep the others from theirs, and nobody gets a second one for it."""
    server.says = {"RCPT bob@example.com": ["550 no such user"], "RCPT eve@example.com": ["451 later", "451 later"]}
    sent = await asks(email(to=["ada@example.com", "bob@example.com", "eve@example.com"]))
    assert sorted(mails(server)) == sorted(sent["messages"]) == ["ada@example.com", "eve@example.com"]
    assert list(sent["failed"]) == ["bob@example.com"]
    assert "no such user" in sent["failed"]["bob@example.com"]
    assert len(server.messages) == 2


@pytest.mark.server
async def test_nobody_is_reached(server: MailServer) -> None:
    """Where no mail can be sent the way could not ask, and says why."""
    server.says = {"RCPT": ["550 no such user"] * 2}
    with pytest.raises(ServiceError, match="no such user"):
        await asks(email(to=["ada@example.com", "bob@example.com"]))


@pytest.mark.server
async def test_a_slow_server(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be sent in the time of a step is left, and what was is not sent again for it."""
    clock = iter([0.0, 1.0, 41.0])
    monkeypatch.setattr(sending, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sending, "_AT_ONCE", 1)
    sent = await asks(email(to=["ada@example.com", "bob@example.com"]))
    assert list(mails(server)) == ["ada@example.com"]
    assert sent["failed"] == {"bob@example.com": "no time was left to send it: the mail server is slow"}


@step
async def asks_again(way: EmailWay) -> None:
    """Ask, and once more, as an attempt does whose worker died as it had asked."""
    await way.ask(QUESTION)
    await way.ask(QUESTION)


@pytest.mark.server
async def test_sent_again(server: MailServer) -> None:
    """A mail that is sent again, because its worker was lost, has the same Message-ID."""
    await asks_again(email(to=["ada@example.com", "bob@example.com"]))
    ids = {to: {each["Message-ID"] for each in got} for to, got in mails(server).items()}
    assert [len(each) for each in ids.values()] == [1, 1]
    assert ids["ada@example.com"] != ids["bob@example.com"]


@pytest.mark.server
async def test_perhaps_sent(server: MailServer) -> None:
    """A mail that the server has perhaps taken is not sent again."""
    server.says = {"DATA": ["cut"]}
    sent = await asks(email(to="ada@example.com"))
    assert sent == {"v": 1, "messages": {"ada@example.com": ""}, "failed": {}}
    assert server.commands.count("DATA") == 1


@pytest.mark.parametrize("to", [None, "ada", "ada@example.com\nBcc: eve@example.com", [], ["a@example.com"] * 51])
def test_no_address(to: Any) -> None:
    """What is no address is refused where it is written."""
    with pytest.raises(InputError, match=r"inputs\.email\(\): ") as caught:
        email(to=to)
    assert to == [] or "at least 1" not in str(caught.value)
