"""`terse-temporal gateway urls` prints what to enter at each vendor, and what is still missing for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from terse_temporal import Triggers, create_job
from terse_temporal.gateway.addresses import Addresses
from terse_temporal.gateway.endpoints import Endpoint, endpoints, missing_secrets
from terse_temporal.gateway.secrets import MAKE_KEY, GatewaySecrets
from terse_temporal.jobs.job import Job
from terse_temporal.jobs.registry import collecting

from ..commands import run
from ..in_process import run_command

KEY = "0123456789abcdef"
TOKEN = "egfhdqtg6z2l2c4mqmeeounzxseqwvx6"

SHOP = """
from terse_temporal import Triggers, create_job

@create_job(name="onboard", triggers=[Triggers.stripe.on_customer_created(), Triggers.github.on_pr_opened("acme/web")])
def onboard(event):
    pass

@create_job(name="intake", triggers=[Triggers.webhook.on_request()])
def intake(event):
    pass

@create_job(name="report", triggers=[Triggers.schedule.cron("0 9 * * 1")])
def report(event):
    pass
"""


def job(name: str, *triggers: Any) -> Job[Any, Any]:
    def handler(event: Any) -> None:
        pass

    with collecting():
        return create_job(name=name, triggers=triggers, on_trigger=handler)


def found(environ: dict[str, str], **options: Any) -> list[Endpoint]:
    """Return the endpoints of three jobs."""
    jobs = [
        job("onboard", Triggers.stripe.on_customer_created(), Triggers.github.on_pr_opened()),
        job("intake", Triggers.webhook.on_request(), Triggers.schedule.cron("0 9 * * 1")),
        job("a b", Triggers.webhook.on_request(secret=None)),
    ]
    return endpoints(jobs, GatewaySecrets.read(environ), **options)


def test_each_trigger_has_an_address_but_for_schedules() -> None:
    environ = {"TERSE_GATEWAY_KEY": KEY, "STRIPE_WEBHOOK_SECRET": "whsec_123"}
    base = "https://hooks.acme.example/in"
    open_address = Addresses([KEY.encode()]).path("a b")
    shown = [(each.job, each.source, each.url, each.secret) for each in found(environ, base_url=base + "/")]
    assert shown == [
        ("onboard", "stripe", f"{base}/webhooks/stripe", "STRIPE_WEBHOOK_SECRET"),
        ("onboard", "github", f"{base}/webhooks/github", "GITHUB_WEBHOOK_SECRET"),
        ("intake", "webhook", f"{base}/webhooks/intake/{TOKEN}", "TERSE_WEBHOOK_SECRET"),
        ("a b", "webhook", f"{base}{open_address}", None),
    ]
    assert found(environ)[0].events == ("customer.created",)
    for each in found(environ, with_tokens=False):
        assert each.url in ("/webhooks/stripe", "/webhooks/github", "/webhooks/intake/…", "/webhooks/a%20b/…")


def test_what_is_missing_is_said_once_for_each_variable() -> None:
    said = missing_secrets(found({}))
    not_set = "{} is not set, so"
    assert [sentence.replace(variable, "{}") for variable, sentence in said.items()] == [
        f"{not_set} what stripe delivers is refused with 503",
        f"{not_set} what github delivers is refused with 503",
        f"{not_set} there is no address for 'a b', 'intake'. This makes a key: {MAKE_KEY}",
        f"{not_set} requests to the address of 'intake' are refused with 503",
    ]
    assert [each.url is None for each in found({})] == [False, False, True, True]
    assert list(missing_secrets(found({"TERSE_GATEWAY_KEY": KEY, "STRIPE_WEBHOOK_SECRET": "whsec_123"}))) == [
        "GITHUB_WEBHOOK_SECRET",
        "TERSE_WEBHOOK_SECRET",
    ]


@pytest.mark.server
def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    urls = ("terse-temporal", "gateway", "urls", "shop.py")
    env = {"TERSE_GATEWAY_KEY": KEY, "STRIPE_WEBHOOK_SECRET": "whsec_123"}
    printed = run(*urls, "--base-url", "https://hooks.acme.example", cwd=tmp_path, env=env)
    assert printed.returncode == 0, printed.stderr
    heading, *rows = [line.split() for line in printed.stdout.splitlines()]
    assert heading == ["job", "trigger", "address", "secret"]
    base = "https://hooks.acme.example/webhooks"
    assert [" ".join(row) for row in rows] == [
        f"onboard stripe.on_customer_created() {base}/stripe STRIPE_WEBHOOK_SECRET is set",
        f'onboard github.on_pr_opened(repo="acme/web") {base}/github GITHUB_WEBHOOK_SECRET is NOT set',
        f"intake webhook.on_request() {base}/intake/{TOKEN} TERSE_WEBHOOK_SECRET is NOT set",
    ]
    without_key = run(*urls, "--json", cwd=tmp_path, env={"STRIPE_WEBHOOK_SECRET": "whsec_123"})
    assert without_key.returncode == 2
    assert MAKE_KEY in without_key.stderr
    assert [each["missing"] for each in json.loads(without_key.stdout)] == [
        [],
        ["GITHUB_WEBHOOK_SECRET"],
        ["TERSE_GATEWAY_KEY", "TERSE_WEBHOOK_SECRET"],
    ]
    malformed = run(*urls, cwd=tmp_path, env={"STRIPE_WEBHOOK_SECRET": "sk_test_hunter2"})
    assert malformed.returncode == 2
    assert malformed.stderr.startswith("error: STRIPE_WEBHOOK_SECRET holds a key of the vendor's API")
    assert "hunter2" not in malformed.stderr


@pytest.mark.parametrize(
    "wrong", ["hooks.acme.example", "ftp://acme.example", "https://", "https://a:b@c", "https://a/?b", "https://a:x"]
)
def test_what_is_no_base_url_is_refused(wrong: str, tmp_path: Path) -> None:
    refused = run_command("gateway", "urls", "shop.py", "--base-url", wrong, cwd=tmp_path)
    assert refused.status == 2
    assert refused.stderr.startswith(f"error: --base-url {wrong!r} is no address")
