"""`terse-temporal gateway catch-up github` has what failed, and nothing else, delivered again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ..in_process import Ended, run_command
from .github_server import TOKEN, GitHubServer, github_server

HOOK = "repos/acme/web/hooks/17"


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    """GitHub, with a repository that has a gateway and something else, and an organization."""
    with github_server() as server:
        server.hooks["repos/acme/web"] = {
            17: "https://hooks.acme.test/webhooks/github",
            18: "https://ci.test/build?key=k1",
        }
        server.deliveries[HOOK] = []
        yield server


@pytest.fixture
def catch_up(github: GitHubServer, tmp_path: Path) -> Any:
    """The command, in a shell with a token."""

    def call(*arguments: str, env: dict[str, str] | None = None) -> Ended:
        where = ["--repo", "acme/web"] if not {"--org", "--app", "--repo"}.intersection(arguments) else []
        whole = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": github.url} | (env or {})
        since = [] if "--since" in arguments else ["--since", "2h"]
        ended = run_command("gateway", "catch-up", "github", *since, *where, *arguments, cwd=tmp_path, env=whole)
        assert TOKEN not in ended.stdout + ended.stderr
        return ended

    return call


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_what_failed_is_asked_for(github: GitHubServer, catch_up: Any) -> None:
    """What failed and did not succeed later, the oldest first, each once; nothing that is older than was asked for."""
    github.page = 2  # so that there are pages
    github.deliver(HOOK, "good", 200, ago=minutes(100))
    github.deliver(HOOK, "refused", 503, ago=minutes(90), event="pull_request", action="opened")
    github.deliver(HOOK, "mended", 502, ago=minutes(80))
    github.deliver(HOOK, "mended", 200, ago=minutes(50))
    github.deliver(HOOK, "twice", 503, ago=minutes(70))
    github.deliver(HOOK, "twice", 0, ago=minutes(40), status="timed out")
    github.deliver(HOOK, "old", 503, ago=minutes(121))
    ended = catch_up("--json")
    assert ended.status == 0
    listed = json.loads(ended.stdout)
    assert [(each["id"], each["kind"], each["answer"], each["attempts"], each["asked"]) for each in listed] == [
        ("refused", "pull_request.opened", "503 Invalid HTTP Response: 503", 1, True),
        ("twice", "push", "timed out", 2, True),
    ]
    assert github.asked == ["refused", "twice"]
    assert listed[1]["attempt"] == github.deliveries[HOOK][0]["id"], "the latest attempt is the one that is repeated"


def test_a_dry_run_asks_for_nothing(github: GitHubServer, catch_up: Any) -> None:
    """`--dry-run` lists the same in a table, and asks for nothing."""
    github.deliver(HOOK, "72d3162e", 503, ago=minutes(5))
    ended = catch_up("--dry-run")
    assert ended.status == 0
    assert "72d3162e" in ended.stdout
    assert "1 would be asked for" in ended.stdout
    assert github.asked == []


def test_nothing_failed(github: GitHubServer, catch_up: Any) -> None:
    """Where nothing failed it says so, with status 0."""
    github.deliver(HOOK, "good", 200, ago=minutes(5))
    ended = catch_up()
    assert (ended.status, ended.stdout) == (0, "nothing has failed in that time, or it was delivered since\n")


@pytest.mark.parametrize(
    ("where", "hook"),
    [
        (["--org", "acme"], "orgs/acme/hooks/4"),
        (["--app"], "app/hook"),
        (["--repo", "acme/web", "--hook", "18"], "repos/acme/web/hooks/18"),
    ],
)
def test_whose_webhook(github: GitHubServer, catch_up: Any, where: list[str], hook: str) -> None:
    """The webhook of an organization, that of an app, and one that is named by its number."""
    github.hooks["orgs/acme"] = {4: "https://hooks.acme.test/in/webhooks/github/"}
    github.deliver(hook, "lost", 500, ago=minutes(5))
    assert catch_up(*where).status == 0
    assert github.asked == ["lost"]


def test_limits_and_faults_are_waited_for(github: GitHubServer, catch_up: Any) -> None:
    """5xx is tried again, and a limit of rate is waited for as long as GitHub says."""
    github.deliver(HOOK, "lost", 503, ago=minutes(5))
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) - 1)}
    github.disturbances += [(502, {}, "Server Error"), (403, {"retry-after": "0"}, "secondary rate limit")]
    github.disturbances.append((429, reset, "API rate limit exceeded"))
    ended = catch_up()
    assert ended.status == 0
    assert github.asked == ["lost"]
    assert ended.stderr.count("GitHub's limit of rate is reached: waiting 0 s") == 2


def test_an_hour_is_not_waited_for(github: GitHubServer, catch_up: Any) -> None:
    """Of a limit that ends later than in a quarter of an hour it says when, and that it is to be run again."""
    github.deliver(HOOK, "lost", 503, ago=minutes(5))
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3_000)}
    github.disturbances.append((403, reset, "API rate limit exceeded for user ID 1."))
    ended = catch_up()
    assert ended.status == 2
    assert "Run it again after" in ended.stderr
    assert len(github.requests) == 1


def test_a_delivery_that_is_not_taken(github: GitHubServer, catch_up: Any) -> None:
    """One that GitHub does not deliver again is told, the others are asked for, and the status is 1."""
    github.deliver(HOOK, "first", 503, ago=minutes(9))
    github.deliver(HOOK, "second", 503, ago=minutes(8))
    original = github.answer

    def answer(method: str, target: str, token: str | None) -> tuple[int, dict[str, str], Any]:
        found = original(method, target, token)
        is_first = method == "POST" and github.asked == ["first"]
        return (422, {}, {"message": "Delivery is too old"}) if is_first else found

    github.answer = answer  # type: ignore[method-assign]
    ended = catch_up("--json")
    assert ended.status == 1
    one, two = json.loads(ended.stdout)
    assert "Delivery is too old" in one["problem"]
    assert (two["asked"], two["problem"]) == (True, None)


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        ([], {"GITHUB_TOKEN": "expired"}, ["401: Bad credentials", "Webhooks: read and write"]),
        ([], {"GITHUB_TOKEN": ""}, ["set GITHUB_TOKEN"]),
        (["--repo", "acme/wbe"], {}, ["/repos/acme/wbe/hooks", "404", "the token may not see it"]),
        (["--hook", "3"], {}, ["has no webhook 3", "17 (https://hooks.acme.test/webhooks/github)", "18"]),
        (["--repo", "../acme"], {}, ["owner/name"]),
        (["--repo", "acme/web", "--app"], {}, ["--repo", "--org", "--app"]),
        (["--since", "yesterday"], {}, ["yesterday"]),
        ([], {"GITHUB_API_URL": "http://github.acme.test/api/v3"}, ["not encrypted"]),
        ([], {"GITHUB_API_URL": "nowhere"}, ["https://api.github.com"]),
    ],
)
def test_what_has_to_be_put_right(catch_up: Any, arguments: list[str], env: dict[str, str], said: list[str]) -> None:
    """What is wrong with the token, the name, the webhook or the URL is told with what to do, and status 2."""
    ended = catch_up(*arguments, env=env)
    assert ended.status == 2
    for each in said:
        assert each in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "k1" not in ended.stderr, "what stands behind the ? of another's address"


def test_a_token_without_the_permission(github: GitHubServer, catch_up: Any) -> None:
    """403 without a limit of rate is the token's: which permission it needs."""
    github.disturbances.append((403, {}, "Resource not accessible by personal access token"))
    ended = catch_up()
    assert ended.status == 2
    assert "Resource not accessible" in ended.stderr
    assert "admin:repo_hook" in ended.stderr


def test_several_gateways(github: GitHubServer, catch_up: Any) -> None:
    """Where several webhooks lead to gateways, one is to be chosen."""
    github.hooks["repos/acme/web"][19] = "https://other.test/webhooks/github"
    ended = catch_up()
    assert ended.status == 2
    assert "choose one by --hook" in ended.stderr


def test_the_token_stays_where_it_belongs(github: GitHubServer, catch_up: Any) -> None:
    """A link to another host is not followed."""
    github.answer = lambda *_: (200, {"link": '<https://evil.test/x>; rel="next"'}, [])  # type: ignore[method-assign]
    ended = catch_up()
    assert ended.status == 2
    assert "'evil.test', which is not sent the token" in ended.stderr


def test_other_vendors(tmp_path: Path) -> None:
    """Of those who deliver again by themselves it says so."""
    ended = run_command("gateway", "catch-up", "stripe", "--since", "1d", cwd=tmp_path)
    assert ended.status == 2
    assert "Stripe delivers again by itself, for three days" in ended.stderr
