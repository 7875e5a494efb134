"""Asking before something is changed."""

from __future__ import annotations

import asyncio
import sys

from .exiting import CommandError
from .output import errors

__all__ = ["ask"]


async def ask(question: str, *, yes: bool) -> bool:
    """Return whether a person says yes.

    Args:
        question: what will be done; it may have several lines.
        yes: whether that was said on the command line.

    Raises:
        CommandError: nobody can be asked, as standard input is no terminal.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Nobody can be asked here: give --yes to do it.")
    errors.print(question, end=" ", markup=False)
    errors.print("\\[y/N] ", end="")
    # In a thread, so that Ctrl-C is heard meanwhile.
    if (await asyncio.to_thread(input)).strip().lower() not in ("y", "yes"):
        errors.print("left as it is")
        return False
    return True
