"""What is secret is found in every text that is recorded or logged, however it is written there, and quickly."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from terse_temporal.diagnostics import redaction
from terse_temporal.diagnostics.redaction import Secrets, error_text, name_secret_variable, redact, redact_value

SECRET = 'p@ss/w+rd "4711" é\\'


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: secret,
    "percent": lambda secret: quote(secret, safe=""),
    "percent, lower case": lambda secret: re.sub("%..", lambda each: each[0].lower(), quote(secret, safe="")),
    "path": quote,
    "form": quote_plus,
    "json": json.dumps,
    "json, unicode": lambda secret: json.dumps(secret, ensure_ascii=False),
    "repr": repr,
    "bytes": lambda secret: repr(secret.encode()),
    "base64": b64,
    "base64, no padding": lambda secret: b64(secret).rstrip("="),
    "base64, url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "base64 in a query": lambda secret: quote(b64(secret), safe=""),
    "Basic": lambda secret: b64(f"ada:{secret}"),
    "Basic, another name": lambda secret: b64(f"ad:{secret}"),
    "Basic, a third": lambda secret: b64(f"a:{secret}"),
    "AUTH PLAIN": lambda secret: b64(f"\0ada\0{secret}"),
    "in the middle": lambda secret: b64(f"<{secret}> and more"),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "hexadecimal, upper case": lambda secret: secret.encode().hex().upper(),
    "in the middle of hexadecimal": lambda secret: f"<{secret}> and more".encode().hex(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("secret", [SECRET, "hunter2", "sk-0123456789abcdef", "a/b+c=d?e&f"])
def test_forms(form: Callable[[str], str], secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a secret is left, of base64 not the characters at its ends either."""
    written = form(secret)
    monkeypatch.setenv("SHOP_TOKEN", secret)
    named = Secrets("***")
    named.name(secret)
    for hidden, mask in ((redact(f"said: {written}!"), "[SHOP_TOKEN]"), (named.hide(f"said: {written}!"), "***")):
        assert mask in hidden
        assert hidden.startswith("said: ")
        assert hidden.endswith("!")
        assert secret not in hidden
        left = hidden.replace(mask, "").removeprefix("said: ").removesuffix("!").strip("\"'b")
        if left:
            # What is left is of the neighbours, and decodes to no part of the secret.
            decoded = base64.b64decode(left[: len(left) // 4 * 4], validate=False).decode(errors="replace")
            assert not any(secret[at : at + 3] in decoded for at in range(len(secret) - 2))


@pytest.mark.parametrize("shown", [str, json.dumps, repr], ids=["as it is", "json", "repr"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\n    ", " \n\n"])
@pytest.mark.parametrize("width", [1, 5, 76])
def test_base64_in_lines(
    width: int, line_break: str, shown: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long they are, and whatever stands before and after the secret."""
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    for before, after in (("", ""), ("a", ""), ("ada:", "\n"), ("x" * 70, "y" * 70), ("é" * 71, "é")):
        written = b64(f"{before}{SECRET}{after}")
        lines = [written[at : at + width] for at in range(0, len(written), width)]
        hidden = redact(f"it said:\n\n{shown(line_break.join(lines))}\nand more")
        assert hidden.count("[SHOP_TOKEN]") == 1
        assert hidden.startswith("it said:\n\n")
        assert hidden.endswith("\nand more")
        left = re.sub(r"\s|\\[rn]", "", hidden.partition("[SHOP_TOKEN]")[0][10:]).strip("\"'")
        assert written.startswith(left)
        assert SECRET[:3] not in base64.b64decode(left[: len(left) // 4 * 4]).decode(errors="replace")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://shop:sekret-pass-0001@db/shop", "sekret-pass-0001"),
        ("postgresql://shop:p%40ss%2F0001@db/shop", "p@ss/0001"),
        ("postgresql://shop:p%40ss%2F0001@db/shop", "p%40ss%2F0001"),
        ("postgresql://shop:with/slash01@db/shop", "with/slash01"),
        ("redis://:pony1@db", "pony1"),
        ("https://ghp_0123456789@github.com/a/b", "ghp_0123456789"),
        ("sqlite:///state.db?cipher_key=0123abcd", "0123abcd"),
        ("a://u:first-0001@h,b://u:second-0002@h", "second-0002"),
    ],
)
def test_urls_whatever_the_variable_is_called(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERSE_STATE", url)
    for text in (f"no {said} there", f"cannot connect to {url}", f"{b64(said)}"):
        assert said not in redact(text)
        assert text != redact(text)


def test_passwords_in_any_url() -> None:
    """Whoever knows of it; the rest of the text stays."""
    text = "cannot connect to amqp://guest:guest@localhost:5672/x, see https://a.example:80/b@c and ada:b@example.com"
    assert redact(text) == text.replace("guest:guest", "guest:***")


def test_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses that are short and look like words are not secret; what is named is, from three characters on."""
    for number, value in enumerate(("hunter2", "s3cr1", "Zx!kq", "production", "12345678")):
        monkeypatch.setenv(f"T{number}_PASSWORD", value)
        assert redact(f"it is {value} here") == f"it is [T{number}_PASSWORD] here"
    for value in ("true", "false", "us-east", "2026", "8080", "s3cr", "10.0.1", ""):
        monkeypatch.setenv("T_KEY", value)
        assert redact(f"it is {value} here") == f"it is {value} here"
    secrets = Secrets()
    secrets.name("abc", "de", "", "Bearer xyz", "Basic " + b64("ada:opn"))
    assert secrets.hide("abc de xyz opn") == "(hidden) de (hidden) (hidden)"
    assert secrets.hide_in({"abc": ["xyz", {"b": "de"}, 1, None]}) == {"(hidden)": ["(hidden)", {"b": "de"}, 1, None]}


def test_keys_of_several_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----\n"
    monkeypatch.setenv("SIGNING_KEY", key)
    for text in (key, repr(key), key.splitlines()[2], "x " + key.splitlines()[1]):
        assert "MII" not in redact(text)
        assert "AQEF" not in redact(text)


def test_a_variable_that_is_used_as_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_named_variables", set())
    monkeypatch.setenv("CRM", "pony")
    assert redact("a pony") == "a pony"
    name_secret_variable("CRM")
    assert redact("a pony") == "a [CRM]"
    monkeypatch.setenv("CRM", "horse")
    assert redact("a horse and a pony") == "a [CRM] and a pony"


def test_values_and_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """In keys, at every depth, and in what an exception says."""
    monkeypatch.setenv("SHOP_TOKEN", "hunter2-hunter2")
    value = {"hunter2-hunter2": [{"a": "is hunter2-hunter2"}, ("hunter2-hunter2",), 7]}
    assert redact_value(value) == {"[SHOP_TOKEN]": [{"a": "is [SHOP_TOKEN]"}, ["[SHOP_TOKEN]"], 7]}
    assert error_text(ValueError("no hunter2-hunter2")) == "no [SHOP_TOKEN]"
    assert error_text(KeyError()) == "KeyError"
    assert list(redact_value({"b": 1, "hunter2-hunter2": 2, "a": 3})) == ["b", "[SHOP_TOKEN]", "a"]
    deep: Any = "hunter2-hunter2"
    for _ in range(100_000):
        deep = [deep]
    hidden = redact_value(deep)
    for _ in range(100_000):
        (hidden,) = hidden
    assert hidden == "[SHOP_TOKEN]"


def test_it_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs for every failure and every line of a log, with as many variables as a container has."""
    for number in range(40):
        monkeypatch.setenv(f"T_KEY_{number}", f"{number}-0123456789-abcdefghij/+")
        monkeypatch.setenv(f"T_PLAIN_{number}", "x" * 40)
    line = "step  pay-1 charge failed after 12 ms (attempt 1): cannot connect to https://shop.example.com/pay " * 2
    redact(line)
    began = time.process_time()
    for _ in range(200):
        redact(line)
    assert (time.process_time() - began) / 200 < 0.001
    first = b64("0-0123456789-abcdefghij/+")
    broken = "\n".join(first)
    began = time.process_time()
    for hostile in (
        *("://" * 300_000, "://a:" * 200_000, "a" * 1_000_000, "://" + ":" * 1_000_000, "=" * 1_000_000),
        *("\n" * 1_000_000, "\\n" * 500_000, " \n" * 500_000),
        *(f"{broken}{'=' * 1_000_000}", f"{broken}{first[0]}{' ' * 1_000_000}", broken + f"{first[0]}\n" * 500_000),
    ):
        redact(hostile)
    assert time.process_time() - began < 15


@pytest.mark.parametrize("at", [0, 40, 95, 99, 100, 101, 150, 4_095])
def test_a_text_is_cut_after_secrets_are_taken_out(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No part of a secret is left where a text is cut, wherever the secret stands in it, and however long it is."""
    secret = "".join(f"{number:04x}" for number in range(900))
    monkeypatch.setenv("SHOP_TOKEN", secret)
    for rest in (0, 10, 100_000):
        text = "-" * at + secret + "-" * rest
        cut = redact(text, 100)
        assert len(cut) <= 100
        assert not any(secret[start : start + 8] in cut for start in range(0, len(secret), 4))
        if len(text.replace(secret, "[SHOP_TOKEN]")) > 100:
            assert cut.endswith("…")


def test_secrets_that_become_masks_make_no_room_for_half_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where masks are shorter than what they stand for, nothing comes in from where the text was cut."""
    secret = "".join(f"{number:04x}" for number in range(900))
    monkeypatch.setenv("SHOP_TOKEN", secret)
    cut = redact("it says: " + secret * 50, 5_000, with_length=True)
    assert cut.endswith("… (180,009 characters in all)")
    assert not any(secret[start : start + 8] in cut for start in range(0, len(secret), 4))
