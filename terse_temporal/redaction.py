"""Keeping credentials out of what is recorded and logged.

Credentials come from the environment, and a service that refuses one likes to repeat it; so does a library that cannot
encode it. What may be secret is known in two ways, and both are looked for by one set of rules.

*Guessed*, from the environment: the values of variables whose names say so (`…KEY`, `…TOKEN`, `…PASSWORD`), and,
whatever the variable is called, the user name or password in a value that is a URL. A guess of fewer than eight
characters counts from five on, and only if it does not look like a word or a number, which a text may well contain.

*Named*, by whoever uses it as a secret (a mount, a header of a tool, the URL of a store): from three characters on.

Each is found as it is and as it may be written elsewhere: percent-encoded and decoded, as in JSON and in Python's
`repr`, and within base64 (also of more than the secret, as in `Basic` credentials). And a password in any URL is hidden
by its place, whoever knows of it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote

__all__ = ["Secrets", "error_text", "name_secret_variable", "redacted", "redacted_value"]

_SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASS|PWD_|_PWD|CREDENTIAL|AUTH|DSN|COOKIE|WEBHOOK", re.IGNORECASE)

#: Variables with such a name that hold no secret, but what messages advise to put there.
_NO_SECRETS: Final = frozenset(["TERSE_HTTP_CREDENTIALS"])

#: Characters that a guess must have, and those from which on it is taken whatever it looks like.
_SHORTEST_GUESS: Final = 5
_LONG_GUESS: Final = 8

#: Characters that a named secret must have.
_SHORTEST_NAMED: Final = 3

#: A word, several, or a number.
_WORDS: Final = re.compile(r"[A-Za-z]+([ ._/-][A-Za-z]+)*|[0-9]+([.,:-][0-9]+)*")

#: Characters of base64 that are not found by chance.
_SHORTEST_BASE64: Final = 6

#: The user information of URLs: up to the last `@` before the path; and up to the first one, where a password has a
#: slash in it that should have been encoded.
_USERINFO: Final = re.compile(r"://([^\s/?#\"'<>]{1,1000})@")
_PASSWORD: Final = re.compile(r"://[^\s:/@]{0,200}:([^\s@]{1,1000})@")
_PASSWORD_IN_PLACE: Final = re.compile(r"(://[^\s/?#@:\"'<>]{0,200}:)[^\s/?#\"'<>]{1,1000}@")


class Secrets:
    """Secrets that are named, and texts without them.

    Args:
        mask: what stands where one was.
    """

    def __init__(self, mask: str = "(hidden)") -> None:
        self._mask = mask
        self._named: set[str] = set()
        self._patterns: list[_Pattern] = []

    def name(self, *secrets: str) -> None:
        """Hide these from now on, if they have three characters; of `Bearer abc` the second word by itself too."""
        for secret in secrets:
            self._named |= {each for each in _parts(secret) if len(each) >= _SHORTEST_NAMED}
        self._patterns = _patterns((secret, self._mask) for secret in self._named)

    def hide(self, text: str) -> str:
        """The text without them."""
        return _without(text, self._patterns)

    def hide_in(self, value: Any) -> Any:
        """Plain JSON without them."""
        return _in_json(value, self.hide) if self._patterns else value


def redacted(text: str) -> str:
    """The text without the secrets of the environment, and without the passwords of URLs."""
    if "://" in text:
        text = _PASSWORD_IN_PLACE.sub(r"\1***@", text)
    return _without(text, _environment())


def redacted_value(value: Any) -> Any:
    """Plain JSON without them, also in the keys of objects."""
    return _in_json(value, redacted)


def error_text(error: BaseException) -> str:
    """What an exception says, without them; its class where it says nothing, or cannot."""
    try:
        return redacted(str(error)) or type(error).__name__
    except Exception as err:
        return f"{type(error).__name__} (its text cannot be had: {type(err).__name__})"


def name_secret_variable(name: str) -> None:
    """Take the value of an environment variable for a named secret from now on, whatever it is called."""
    if name not in _named_variables:
        _named_variables.add(name)
        _cache.clear()


_named_variables: set[str] = set()

#: What was worked out for the environment as it was last seen.
_cache: dict[str, tuple[Mapping[Any, Any], list[_Pattern]]] = {}


def _environment() -> list[_Pattern]:
    # The dict that is behind it, where there is one: to compare that takes a microsecond, and to read all variables
    # through `os.environ` a tenth of a millisecond, for every line of a log.
    environment: dict[Any, Any] = dict(getattr(os.environ, "_data", os.environ))
    known = _cache.get("")
    if known is None or known[0] != environment:
        found: dict[str, str] = {}
        for name, value in os.environ.items():
            for secret in _secrets_of(name, value):
                found.setdefault(secret, f"[{name}]")
        known = _cache[""] = environment, _patterns(found.items())
    return known[1]


def _secrets_of(name: str, value: str) -> Iterator[str]:
    """What of a variable's value is secret."""
    if name in _named_variables:
        yield from (each for each in _parts(value) if len(each) >= _SHORTEST_NAMED)
    if name in _NO_SECRETS:
        return
    guesses: set[str] = set(_parts(value)) if _SECRET_NAME.search(name) else set()
    if "://" in value:
        for user in _USERINFO.findall(value):
            # A user name by itself may be a token. With a password beside it, it is none.
            guesses.add(user.partition(":")[2] or user)
        guesses.update(_PASSWORD.findall(value))
        query = value.partition("?")[2].partition("#")[0]
        guesses.update(given for key, given in parse_qsl(query) if _SECRET_NAME.search(key))
    yield from filter(_is_guess, guesses)


def _is_guess(value: str) -> bool:
    return len(value) >= _LONG_GUESS or (len(value) >= _SHORTEST_GUESS and _WORDS.fullmatch(value) is None)


def _parts(value: str) -> Iterator[str]:
    """The value, and what of it is secret by itself: the credential after a scheme, the lines of a key."""
    value = value.strip()
    yield value
    if "\n" in value:
        yield from (line for line in value.splitlines() if len(line) >= 16 and not line.startswith("-----"))
        return
    scheme, _, credential = value.partition(" ")
    if credential and " " not in credential:
        yield credential
        if scheme.lower() == "basic":
            with contextlib.suppress(ValueError):
                yield base64.b64decode(credential).decode().partition(":")[2]


class _Pattern:
    """One way to write a secret, found by `str.find`, which is what is quick where there is nothing to find."""

    __slots__ = ("mask", "text", "whole")

    def __init__(self, text: str, mask: str, whole: str | None = None) -> None:
        self.text = text
        self.mask = mask
        self.whole = whole


def _patterns(secrets: Iterable[tuple[str, str]]) -> list[_Pattern]:
    found: dict[str, _Pattern] = {}
    for secret, mask in secrets:
        for form in _forms(secret):
            found.setdefault(form, _Pattern(form, mask))
        for core, whole in _base64_forms(secret):
            found.setdefault(core, _Pattern(core, mask, whole))
    # The longest first: one may be a part of another.
    return sorted(found.values(), key=lambda each: len(each.text), reverse=True)


def _forms(secret: str) -> set[str]:
    forms = set()
    for plain in {secret, unquote(secret)}:
        encoded = {
            quote(plain, safe="", errors="replace"),
            quote(plain, errors="replace"),
            quote_plus(plain, errors="replace"),
        }
        forms |= {plain, *encoded, *(re.sub(r"%[0-9A-F]{2}", lambda each: each[0].lower(), each) for each in encoded)}
        forms |= {json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1], repr(plain)[1:-1]}
        forms |= {repr(plain.encode("utf-8", "surrogatepass"))[2:-1]}
    return {each for each in forms if len(each) >= _SHORTEST_NAMED}


def _base64_forms(secret: str) -> Iterator[tuple[str, str]]:
    """What base64 has in it for each place at which the secret may begin among the bytes, and a pattern around that.

    Of the characters at both ends some bits belong to the secret's neighbours, so they are not known.
    """
    for plain in {secret, unquote(secret)}:
        data = plain.encode("utf-8", "surrogatepass")
        for before in range(3):
            encoded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
            whole_characters = (before + len(data)) * 8 // 6
            core = encoded[-(-before * 8 // 6) : whole_characters]
            if len(core) < _SHORTEST_BASE64:
                continue
            first = r"[\w+/-]?" if before else ""
            last = r"[\w+/-]?" if (before + len(data)) % 3 else ""
            url_safe = core.translate(str.maketrans("+/", "-_"))
            for each in {core, url_safe, quote(core, safe="")}:
                yield each, f"{first}{re.escape(each)}{last}(?:=|%3D){{0,2}}"


def _without(text: str, patterns: Iterable[_Pattern]) -> str:
    for pattern in patterns:
        if pattern.text not in text:
            continue
        if pattern.whole is None:
            text = text.replace(pattern.text, pattern.mask)
        else:
            text = pattern.mask.join(re.split(pattern.whole, text, flags=re.ASCII))
    return text


def _in_json(value: Any, hide: Any) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {hide(key) if isinstance(key, str) else key: _in_json(item, hide) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_json(item, hide) for item in value]
    return value
