"""Text from elsewhere, as it may be shown on a terminal or written to a log.

Names of steps, ids of runs, errors and results are of anybody's making. Control characters among them move the cursor
of a terminal, write to its clipboard, or begin another line of a log; others turn the direction of what follows. And
all of it may be of any length, and as many as somebody likes.
"""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["closest", "did_you_mean", "json_text", "list_names", "one_line", "printable", "shorten"]

#: How many names are compared, and characters of each: what compares them takes the product of two lengths for a pair.
_MOST_COMPARED: Final = 1_000
_LONGEST_COMPARED: Final = 100

#: Characters for the words that say how long a text was.
_FOR_THE_LENGTH: Final = 40

#: Control characters but for the line feed and the tab, separators of lines, what turns the direction of text, and
#: halves of a surrogate pair, which no terminal can be sent.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_BREAKS: Final = re.compile("[\n\t]")


def printable(text: str) -> str:
    """Return the text with what is none of it written as Python would escape it; line feeds and tabs stay.

    What ends lines on Windows, in mails and in forms of browsers is a line feed.
    """
    return text if text.isprintable() else _UNPRINTABLE.sub(_escape, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    r"""Return the same in one line: a line feed is written as `\n`."""
    return text if text.isprintable() else _BREAKS.sub(_escape, _UNPRINTABLE.sub(_escape, text))


def shorten(text: str, most: int, *, begins: int | None = None, with_length: bool = False, escape: bool = True) -> str:
    """Return a string of at most so many characters, printable, that ends with `…` if something was cut off.

    What is shortened again to as many characters stays as it is.

    Args:
        text: of any length; only what is kept of it is looked at.
        most: characters of the result.
        begins: the characters of a longer text that this is the beginning of.
        with_length: whether to say how many characters there were, for which there are forty more.
        escape: whether to write as Python does what a terminal must not get. Not for what code reads again.
    """
    bound = most + _FOR_THE_LENGTH if with_length else most
    kept = text[: bound + 1]
    if escape:
        kept = printable(kept)
    if begins is None and len(text) <= bound and len(kept) <= bound:
        return kept
    length = len(text) if begins is None else begins
    return f"{kept[:most]}… ({length:,} characters in all)" if with_length else f"{kept[: most - 1]}…"


def closest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return those of the known names that may be meant by one that is not among them, the likeliest first.

    Args:
        name: what was written.
        known: the names, of which the first thousand are compared.
        most: how many are returned.
    """
    # A name that is there twice, as an error and as the heading about it, is one answer.
    names = dict.fromkeys(itertools.islice(known, _MOST_COMPARED))
    compared = [each for each in names if len(each) <= _LONGEST_COMPARED]
    return difflib.get_close_matches(name[:_LONGEST_COMPARED], compared, n=most, cutoff=0.6)


def did_you_mean(name: str, known: Iterable[str], most: int = 3, *, written: Mapping[str, str] | None = None) -> str:
    """Return `; did you mean 'x'?`, for the end of a clause, or nothing.

    Args:
        name: what was written.
        known: the names that it is compared with.
        most: how many are offered.
        written: how each of them is written, where that is more than what is compared.
    """
    found = [repr(each if written is None else written[each]) for each in closest(name, known, most)]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def list_names(names: Iterable[str], most: int = 20) -> str:
    """Return the names in order with commas between them, and how many more there are."""
    texts = sorted(names)
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def json_text(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON, in the characters that it has but for those."""
    # Those below U+0020 are escaped already, and all of these are in the Basic Multilingual Plane.
    return _UNPRINTABLE.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, indent=indent, ensure_ascii=False)
    )


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
