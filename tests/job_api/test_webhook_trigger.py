"""`Triggers.webhook.on_request` says how requests are signed, and refuses at import what cannot work."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal import Triggers
from terse_temporal.errors import JobDefinitionError
from terse_temporal.events import EventModel
from terse_temporal.jobs.event_input import read_event
from terse_temporal.triggers import HmacSignature, WebhookRequest


class Lead(EventModel):
    """A body."""

    email: str


MAC = HmacSignature(header="X-Mac", prefix="sha256=", id_field="id")


@pytest.mark.parametrize(
    ("options", "described"),
    [
        ({}, "webhook.on_request()"),
        ({"secret": "TERSE_WEBHOOK_SECRET", "scheme": "standard"}, "webhook.on_request()"),
        ({"secret": None}, "webhook.on_request(secret=None)"),
        ({"secret": "OTHER"}, 'webhook.on_request(secret="OTHER")'),
        ({"secret": "OTHER", "scheme": "attio"}, 'webhook.on_request(secret="OTHER", scheme="attio")'),
        (
            {"body": Lead, "secret": "OTHER", "scheme": MAC},
            (
                'webhook.on_request(body=Lead, secret="OTHER",'
                " scheme=HmacSignature(header='X-Mac', prefix='sha256=', id_field='id'))"
            ),
        ),
        ({"body": WebhookRequest[Lead]}, "webhook.on_request(body=WebhookRequest[Lead])"),
    ],
)
def test_it_is_described_as_it_is_written(options: dict[str, Any], described: str) -> None:
    assert Triggers.webhook.on_request(**options).describe() == described


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"secret": ""}, "not the name of an environment variable"),
        ({"secret": 1}, "not the name of an environment variable"),
        ({"secret": "whsec_hunter2"}, "not the name of an environment variable"),
        ({"secret": "hunter2"}, "not the name of an environment variable"),
        ({"secret": "A" * 101}, "not the name of an environment variable"),
        ({"secret": None, "scheme": "github"}, "secret=None that they are not"),
        ({"scheme": "github"}, "name the variable of this sender's"),
        ({"secret": "OTHER", "scheme": "gitlab"}, "'gitlab' is none of 'standard', 'github'"),
        ({"secret": "OTHER", "scheme": 1}, "neither the name of a scheme nor an HmacSignature"),
        ({"secret": "OTHER", "scheme": HmacSignature(header="")}, "not the name of an HTTP header"),
        ({"secret": "OTHER", "scheme": HmacSignature(header="a\nb")}, "not the name of an HTTP header"),
        ({"secret": "OTHER", "scheme": HmacSignature(header="a", id_header="b c")}, "id_header='b c'"),
        ({"secret": "OTHER", "scheme": HmacSignature(header="a", prefix="ü")}, "prefix="),
        ({"secret": "OTHER", "scheme": HmacSignature(header="a", prefix="b", timestamp="seconds")}, "prefix="),
        ({"secret": "OTHER", "scheme": HmacSignature(header="a", timestamp="ms")}, "timestamp='ms'"),  # type: ignore[arg-type]
        ({"secret": "OTHER", "scheme": HmacSignature(header="a", max_age=0)}, "max_age=0"),
        ({"secret": "OTHER", "scheme": HmacSignature(header="a", id_field="")}, "id_field=''"),
        ({"secret": "OTHER", "scheme": HmacSignature(header="a", id_field="b", id_header="c")}, "one place"),
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, Any], problem: str) -> None:
    """With the line, what to write, and without what may be the secret."""
    with pytest.raises(
        JobDefinitionError, match=r"webhook\.on_request \(.*test_webhook_trigger\.py:\d+\): .*; write it as Triggers\."
    ) as caught:
        Triggers.webhook.on_request(**options)
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_request_is_read_from_what_somebody_starts_by_hand() -> None:
    event = read_event({"body": {"email": "a"}}, WebhookRequest[Lead], job="intake")
    assert (event.body.email, event.headers, event.method) == ("a", {}, "POST")
    assert event.format_for_agent().startswith("Webhook request\n")
    assert "email: a" in event.format_for_agent()
    assert event.debug_log() == "WebhookRequest body.email='a' method='POST'"
