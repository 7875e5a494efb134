"""Secrets come from the environment, several while one is replaced; a malformed one is refused, unseen."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from terse_temporal.diagnostics import redaction
from terse_temporal.diagnostics.redaction import redact
from terse_temporal.errors import GatewaySecretError
from terse_temporal.gateway.gateway import Gateway
from terse_temporal.gateway.secrets import (
    GATEWAY_KEY,
    MAKE_KEY,
    MAKE_STANDARD,
    OPERATOR_TOKEN,
    VENDOR_SECRETS,
    WEBHOOK_SECRET,
    GatewaySecrets,
)
from terse_temporal.gateway.settings import GatewaySettings
from terse_temporal.triggers import HmacSignature, Triggers

STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_variable_is_a_list_of_secrets() -> None:
    environ = {"STRIPE_WEBHOOK_SECRET": " whsec_first1 , whsec_second ", WEBHOOK_SECRET: STANDARD, "HOME": "/root"}
    secrets = GatewaySecrets.read(environ)
    assert secrets.keys("STRIPE_WEBHOOK_SECRET") == (b"whsec_first1", b"whsec_second")
    assert [len(key) for key in secrets.standard_keys(WEBHOOK_SECRET)] == [24]
    assert secrets.has("STRIPE_WEBHOOK_SECRET")
    for unset in ("GITHUB_WEBHOOK_SECRET", GATEWAY_KEY, "HOME"):
        assert not secrets.has(unset)
        assert secrets.keys(unset) == secrets.standard_keys(unset) == ()
    assert secrets.gateway_keys == ()


def test_one_that_people_chose_may_have_any_characters_but_a_comma() -> None:
    """The first is the one of GitHub's own example."""
    environ = {"GITHUB_WEBHOOK_SECRET": "It's a Secret to Everybody, Geheim für alle"}
    assert GatewaySecrets.read(environ).keys("GITHUB_WEBHOOK_SECRET") == (
        b"It's a Secret to Everybody",
        "Geheim für alle".encode(),
    )


def test_a_trigger_may_name_another_variable() -> None:
    own = Triggers.webhook.on_request(secret="OWN_SECRET")
    attio = Triggers.webhook.on_request(secret="ATTIO_SECRET", scheme=HmacSignature(header="Attio-Signature"))
    secrets = GatewaySecrets.read({"OWN_SECRET": STANDARD, "ATTIO_SECRET": "not-base64-!"}, triggers=[own, attio])
    assert len(secrets.standard_keys("OWN_SECRET")) == 1
    assert secrets.keys("ATTIO_SECRET") == (b"not-base64-!",)
    with pytest.raises(GatewaySecretError, match="OWN_SECRET does not begin with whsec_"):
        GatewaySecrets.read({"OWN_SECRET": "not-base64-!"}, triggers=[own, attio])


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("GITHUB_WEBHOOK_SECRET", "hunter2hunter2,", "empty part"),
        ("GITHUB_WEBHOOK_SECRET", "hunter2hunter2,,hunter3hunter3", "empty part"),
        ("GITHUB_WEBHOOK_SECRET", "hunter2\x7fhunter2", "control character"),
        ("GITHUB_WEBHOOK_SECRET", "hunter2\udcffhunter2", "no UTF-8"),
        ("GITHUB_WEBHOOK_SECRET", "hunter2\nhunter2", "line break"),
        ("GITHUB_WEBHOOK_SECRET", ",".join(["hunter2hunter2"] * 5), "5 secrets"),
        ("GITHUB_WEBHOOK_SECRET", "hunter2" * 200, "1,400 characters"),
        ("GITHUB_WEBHOOK_SECRET", "hunter2hunter2,ghp_hunter2hunter2", "a key of the vendor's API"),
        (OPERATOR_TOKEN, "ada:hunter2hunter2,bob:", "a name without a token"),
        (OPERATOR_TOKEN, ":hunter2hunter2", "a token without its name"),
        (OPERATOR_TOKEN, "ada:hunter2hunter2,bob:hunter2hunter2", "one token twice"),
        (OPERATOR_TOKEN, f"{'a' * 201}:hunter2hunter2", "more than 200 characters"),
        (OPERATOR_TOKEN, "ada:hunter2\nhunter2", "line break"),
        ("STRIPE_WEBHOOK_SECRET", "sk_test_hunter2hunter2", "a key of the vendor's API"),
        ("SLACK_SIGNING_SECRET", "xoxb-hunter2hunter2", "a key of the vendor's API"),
        (WEBHOOK_SECRET, "hunter2-hunter2", "does not begin with whsec_"),
        (WEBHOOK_SECRET, "whsec_", "nothing behind whsec_"),
        (WEBHOOK_SECRET, "whsec_hunter2!", "not base64"),
        (WEBHOOK_SECRET, "whsec_!!!!" + "hunter2x" * 4, "not base64"),
        (WEBHOOK_SECRET, "whsec_" + "hunter2" * 3 + "x", "not base64"),
    ],
)
def test_a_malformed_one_is_refused_and_not_shown(variable: str, value: str, problem: str) -> None:
    """The error names the variable, what is wrong and what makes a good one."""
    if problem == "not base64" and "!" not in value:
        value += "hunter2"  # one character more than groups of four
    with pytest.raises(GatewaySecretError) as caught:
        GatewaySecrets.read({variable: value})
    message = str(caught.value)
    assert message.startswith(f"{variable} ")
    assert problem in message
    assert "python -c" in message
    assert caught.value.variable == variable
    assert "hunter" not in message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("GITHUB_WEBHOOK_SECRET", "hunter2", "of 7 characters, and one of fewer than 8"),
        ("GITHUB_WEBHOOK_SECRET", "long-enough,hunter2", "of 7 characters, and one of fewer than 8"),
        (GATEWAY_KEY, "hunter2-hunter2", "of 15 characters, and one of fewer than 16"),
        (OPERATOR_TOKEN, "ada-of-the-team:hunter2", "of 7 characters, and one of fewer than 16"),
        (WEBHOOK_SECRET, "whsec_hunter2x", "of 6 bytes, and one of fewer than 16"),
    ],
)
def test_one_that_can_be_guessed_is_taken_and_said_at_the_start(
    variable: str,
    value: str,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A secret that somebody has chosen at the vendor long ago is no reason to refuse what comes."""
    for each in (*VENDOR_SECRETS.values(), WEBHOOK_SECRET, GATEWAY_KEY, OPERATOR_TOKEN):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(redaction, "_named_variables", set())
    with caplog.at_level("WARNING", logger="terse_temporal"):
        gateway = Gateway([], GatewaySettings(spool=tmp_path))
    assert gateway.secrets.has(variable)
    (said,) = (each.getMessage() for each in caplog.records)
    assert said.startswith(f"{variable} holds a secret {problem} can be guessed. ")
    assert "python -c" in said
    assert "hunter" not in said


@pytest.mark.parametrize(
    ("command", "variable"), [(MAKE_KEY, GATEWAY_KEY), (MAKE_KEY, OPERATOR_TOKEN), (MAKE_STANDARD, WEBHOOK_SECRET)]
)
def test_the_commands_that_errors_give_make_good_ones(
    command: str, variable: str, capsys: pytest.CaptureFixture[str]
) -> None:
    python, option, program = shlex.split(command)
    assert (python, option) == ("python", "-c")
    exec(program, {})
    assert GatewaySecrets.read({variable: capsys.readouterr().out.strip()}).has(variable)


def test_they_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by `repr` nor in logs, whichever of a list it is."""
    monkeypatch.setattr(redaction, "_named_variables", set())
    monkeypatch.setattr(redaction, "_cache", {})
    own = Triggers.webhook.on_request(secret="OWN_SIGNING", scheme="attio")
    monkeypatch.setenv("OWN_SIGNING", "hunter2hunter2,hunter3hunter3")
    secrets = GatewaySecrets.read(triggers=[own])
    assert secrets.keys("OWN_SIGNING") == (b"hunter2hunter2", b"hunter3hunter3")
    assert "hunter" not in repr(secrets)
    assert "OWN_SIGNING" in repr(secrets)
    for text in ("hunter2hunter2,hunter3hunter3", "hunter2hunter2", "hunter3hunter3"):
        assert redact(f"it is {text}.") == "it is [OWN_SIGNING]."
    monkeypatch.setenv(OPERATOR_TOKEN, "ada:hunter4hunter4")
    assert GatewaySecrets.read().operators == (("ada", "hunter4hunter4"),)
    assert redact("ada has hunter4hunter4.") == f"ada has [{OPERATOR_TOKEN}]."
