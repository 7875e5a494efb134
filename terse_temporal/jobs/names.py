"""Names that are written to histories, logs and addresses: of jobs and steps, and what tells steps apart."""

from __future__ import annotations

import unicodedata

__all__ = ["unprintable"]

#: Control characters, halves of surrogate pairs, and separators of lines and paragraphs.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def unprintable(name: str) -> str | None:
    """Return the first character of a name that none may have, as Python would write it; `None` for a name that is
    fine.

    Half of a surrogate pair cannot be sent to a server, and a line break would forge a line of a log.
    """
    found = next((each for each in name if unicodedata.category(each) in _UNPRINTABLE), None)
    return None if found is None else repr(found)
