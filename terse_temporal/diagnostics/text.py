"""Text from elsewhere, as it may be shown on a terminal or written to a log.

Names of steps, ids of runs, errors and results are of anybody's making. Control characters among them move the cursor
of a terminal, write to its clipboard, or begin another line of a log; others turn the direction of what follows.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ["json_text", "one_line", "printable"]

#: Control characters but for the line feed and the tab, separators of lines, what turns the direction of text, and
#: halves of a surrogate pair, which no terminal can be sent.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_BREAKS: Final = re.compile("[\n\t]")


def printable(text: str) -> str:
    """The text with what is none of it written as Python would escape it; line feeds and tabs stay."""
    return text if text.isprintable() else _UNPRINTABLE.sub(_escaped, text)


def one_line(text: str) -> str:
    r"""The same in one line: a line feed is written as `\n`."""
    return text if text.isprintable() else _BREAKS.sub(_escaped, _UNPRINTABLE.sub(_escaped, text))


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as JSON, in the characters that it has but for those."""
    # Those below U+0020 are escaped already, and all of these are in the Basic Multilingual Plane.
    return _UNPRINTABLE.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, indent=indent, ensure_ascii=False)
    )


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
