"""Keeping credentials out of what is recorded and logged.

Credentials come from the environment, and a service that refuses one likes to repeat it; so does a library that cannot
encode it. What may be secret is known in two ways, and both are looked for by one set of rules.

*Guessed*, from the environment: the values of variables whose names say so (`…KEY`, `…TOKEN`, `…PASSWORD`), and,
whatever the variable is called, the user name or password in a value that is a URL. A guess of fewer than eight
characters counts from five on, and only if it does not look like a word or a number, which a string may well contain.

*Named*, by whoever uses it as a secret (a mount, a header of a tool, the URL of a store): from three characters on.

Half a secret is not found. So what is to be shortened as well is given to `redact` with its bound, which cuts last.

Each is found as it is and as it may be written elsewhere: percent-encoded and decoded, as in JSON and in Python's
`repr`, in hexadecimal, and within base64 (also of more than the secret, as in `Basic` credentials, and broken into
lines). And a password in any URL is hidden by its place, whoever knows of it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from .python_private import environment_as_it_is
from .text import shorten

__all__ = ["Secrets", "error_text", "name_secret_variable", "names_secret", "redact", "redact_value"]

_SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASS|PWD_|_PWD|CREDENTIAL|AUTH|DSN|COOKIE|WEBHOOK", re.IGNORECASE)

#: Variables with such a name that hold no secret, but what messages advise to put there.
_NO_SECRETS: Final = frozenset(["TERSE_HTTP_CREDENTIALS"])

#: Characters that a guess must have, and those from which on it is taken whatever it looks like.
_SHORTEST_GUESS: Final = 5
_LONG_GUESS: Final = 8

#: Characters that a named secret must have.
_SHORTEST_NAMED: Final = 3

#: Characters of the longest secret that is looked for across the place where a text is cut.
_OVERLAP: Final = 4_000

#: A word, several, or a number.
_WORDS: Final = re.compile(r"[A-Za-z]+([ ._/-][A-Za-z]+)*|[0-9]+([.,:-][0-9]+)*")

#: Characters of base64 that are not found by chance.
_SHORTEST_BASE64: Final = 6

#: Digits of hexadecimal likewise. Three characters would be found in many a checksum.
_SHORTEST_HEX: Final = 8

#: What base64 that is broken into lines has between two of its characters, also as JSON and Python write it. At each
#: character there is one way on, so that this is linear.
_GAP: Final = r"[ \t\r]*(?:(?:\n|\\[rn])[ \t\r]*)*"

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

    def name_variable(self, variable: str) -> None:
        """Hide the value of an environment variable from now on, here and in what is recorded and logged anywhere."""
        name_secret_variable(variable)
        self.name(os.environ.get(variable, ""))

    def hide(self, text: str) -> str:
        """Return the text without them."""
        return _without(text, self._patterns)

    def redact(self, text: str, most: int | None = None) -> str:
        """Return the text without them and without the other secrets; with the arguments of the function `redact`."""
        return _bound(lambda given: redact(self.hide(given)), text, most)

    def hide_in(self, value: Any) -> Any:
        """Return plain JSON without them."""
        return _in_json(value, self.hide) if self._patterns else value


def names_secret(name: str) -> bool:
    """Return whether a variable of that name holds a secret, as far as that can be guessed."""
    return bool(_SECRET_NAME.search(name))


def redact(text: str, most: int | None = None, *, with_length: bool = False) -> str:
    """Return the text without the secrets of the environment, and without the passwords of URLs.

    Args:
        text: of any length. With a bound only its beginning is looked at, as far as that matters.
        most: characters of the result, as in `shorten`, or `None` for all of it.
        with_length: as in `shorten`.
    """
    return _bound(_without_known, text, most, with_length=with_length)


def redact_value(value: Any) -> Any:
    """Return plain JSON without them, also in the keys of objects."""
    return _in_json(value, redact)


def error_text(error: BaseException, most: int | None = None) -> str:
    """Return what an exception says, without them and within a bound; its class where it says nothing, or cannot."""
    try:
        return redact(str(error), most) or type(error).__name__
    except Exception as err:
        return f"{type(error).__name__} (its text cannot be had: {type(err).__name__})"


def _bound(hide: Callable[[str], str], text: str, most: int | None, *, with_length: bool = False) -> str:
    """Return a text without secrets, and then cut."""
    if most is None or len(text) <= most + 2 * _OVERLAP:
        hidden = hide(text)
        return hidden if most is None else shorten(hidden, most, with_length=with_length, escape=False)
    # What the beginning ends with may be half a secret, and is left out as far as a secret may reach. What is left may
    # have fewer characters than the bound, since masks are shorter than what they stand for; cut it is all the same.
    hidden = hide(text[: most + 2 * _OVERLAP])[:-_OVERLAP]
    return shorten(hidden, most, begins=len(text), with_length=with_length, escape=False)


def _without_known(text: str) -> str:
    if "://" in text:
        text = _PASSWORD_IN_PLACE.sub(r"\1***@", text)
    return _without(text, _environment())


def name_secret_variable(name: str) -> None:
    """Take the value of an environment variable for a named secret from now on, whatever it is called."""
    if name not in _named_variables:
        _named_variables.add(name)
        _cache.clear()


_named_variables: set[str] = set()

#: What was worked out for the environment as it was last seen.
_cache: dict[str, tuple[Mapping[Any, Any], list[_Pattern]]] = {}


def _environment() -> list[_Pattern]:
    environment = environment_as_it_is()
    known = _cache.get("")
    if known is None or known[0] != environment:
        found: dict[str, str] = {}
        for name, value in os.environ.items():
            for secret in _secrets_of(name, value):
                found.setdefault(secret, f"[{name}]")
        known = _cache[""] = environment, _patterns(found.items())
    return known[1]


def _secrets_of(name: str, value: str) -> Iterator[str]:
    """Yield what of a variable's value is secret."""
    if name in _named_variables:
        yield from (each for each in _parts(value) if len(each) >= _SHORTEST_NAMED)
        # A list, while one is replaced. Elsewhere what stands between commas may be any words.
        listed = [each for each in map(str.strip, value.split(",")) if len(each) >= _LONG_GUESS]
        yield from listed
        # Each perhaps with the name of whose it is in front: `ada:the-token`.
        behind = (each.partition(":")[2].strip() for each in listed if "://" not in each)
        yield from (each for each in behind if len(each) >= _LONG_GUESS)
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
    """Yield the value, and what of it is secret by itself: the credential after a scheme, the lines of a key."""
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
    """One way to write a secret, found by `str.find`, which is what is quick where there is nothing to find.

    Attributes:
        text: what is looked for.
        mask: what stands in its place.
        ends: of base64, what stands before and after it, and belongs to it.
    """

    __slots__ = ("ends", "mask", "text")

    def __init__(self, text: str, mask: str, ends: tuple[str, str] | None = None) -> None:
        self.text = text
        self.mask = mask
        self.ends = ends

    def without(self, text: str) -> str:
        """Return a string without it."""
        if self.ends is None:
            return text.replace(self.text, self.mask)
        return self._split(text, re.escape(self.text), "")

    def without_broken(self, text: str) -> str:
        """Return a string without it, also where it is broken into lines."""
        return self._split(text, _GAP.join(map(re.escape, self.text)), _GAP)

    def _split(self, text: str, whole: str, gap: str) -> str:
        before, after = self.ends or ("", "")
        before, after = before and f"(?:{before}{gap})?", after and f"(?:{gap}{after})?"
        return self.mask.join(re.split(f"{before}{whole}{after}(?:{gap}(?:=|%3D)){{0,2}}", text, flags=re.ASCII))


def _patterns(secrets: Iterable[tuple[str, str]]) -> list[_Pattern]:
    found: dict[str, _Pattern] = {}
    for secret, mask in secrets:
        for form in _forms(secret):
            found.setdefault(form, _Pattern(form, mask))
        for core, before, after in _base64_forms(secret):
            found.setdefault(core, _Pattern(core, mask, (before, after)))
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
        data = plain.encode("utf-8", "surrogatepass")
        forms |= {repr(data)[2:-1]}
        if len(data) * 2 >= _SHORTEST_HEX:
            forms |= {data.hex(), data.hex().upper()}
    return {each for each in forms if len(each) >= _SHORTEST_NAMED}


def _base64_forms(secret: str) -> Iterator[tuple[str, str, str]]:
    """Yield what base64 has in it for each place at which the secret may begin among the bytes, and patterns for both
    ends.

    Of the characters there some bits belong to the secret's neighbours, so they are not known.
    """
    for plain in {secret, unquote(secret)}:
        data = plain.encode("utf-8", "surrogatepass")
        for before in range(3):
            encoded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
            whole_characters = (before + len(data)) * 8 // 6
            core = encoded[-(-before * 8 // 6) : whole_characters]
            if len(core) < _SHORTEST_BASE64:
                continue
            first = r"[\w+/-]" if before else ""
            last = r"[\w+/-]" if (before + len(data)) % 3 else ""
            url_safe = core.translate(str.maketrans("+/", "-_"))
            for each in {core, url_safe, quote(core, safe="")}:
                yield each, first, last


def _without(text: str, patterns: Iterable[_Pattern]) -> str:
    # Where there are no lines, nothing is broken into them.
    joined = _join(text) if "\n" in text or "\\n" in text else None
    for pattern in patterns:
        if pattern.text in text:
            text = pattern.without(text)
        if joined is not None and pattern.ends is not None and pattern.text in joined:
            text = pattern.without_broken(text)
    return text


def _join(text: str) -> str:
    """Return the text without line breaks, and without blanks around them."""
    return "".join(map(str.strip, text.replace("\\r", "").replace("\\n", "\n").split("\n")))


def _in_json(value: Any, hide: Callable[[str], str]) -> Any:
    """Return plain JSON with all of its texts changed, keys too. Without recursion.

    It may be nested as deep as it likes.
    """
    root: list[Any] = [None]
    pending: list[tuple[Any, Any, Any]] = [(root, 0, value)]
    while pending:
        into, key, found = pending.pop()
        if isinstance(found, str):
            into[key] = hide(found)
        elif isinstance(found, Mapping):
            items = [(hide(name) if isinstance(name, str) else name, item) for name, item in found.items()]
            into[key] = made = dict.fromkeys(name for name, _ in items)
            # Backwards, as the last is taken first: of two keys that look alike now, the second one counts.
            pending += [(made, name, item) for name, item in reversed(items)]
        elif isinstance(found, list | tuple):
            into[key] = listed = [None] * len(found)
            pending += [(listed, place, item) for place, item in enumerate(found)]
        else:
            into[key] = found
    return root[0]
