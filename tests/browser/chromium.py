"""The browser of the machine: Chromium, driven by Playwright, which brings none along here."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from playwright.async_api import Browser, async_playwright

__all__ = ["chromium", "find_chromium"]

#: Set to `required`, a machine without a browser fails the tests that need one, which are skipped otherwise.
_REQUIRED: Final = "TERSE_TEST_BROWSER"

#: As root in a container, and with no request of its own to anybody.
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """Return the path of Chromium: what the variable `CHROMIUM` names, else that of the system."""
    named = os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        said = f"CHROMIUM={named} is no program" if named else "there is no chromium: `apt-get install chromium`"
        if os.environ.get(_REQUIRED) == "required":
            pytest.fail(f"{said} ({_REQUIRED}=required)")
        pytest.skip(f"{said}, or name one in the variable CHROMIUM")
    return found


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser for the length of the block, with a profile of its own."""
    path = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
