"""One browser and one site for all tests of this directory, and a visitor who notices what goes wrong in a page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, expect

from terse_temporal.testing import JobEnvironment

from ..waiting import SOON
from .chromium import chromium
from .site import Site, serve_site

#: Milliseconds for a page to become what is expected of it.
_PATIENCE: Final = SOON * 1000 / 4

expect.set_options(timeout=_PATIENCE)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(browser: Browser, env: JobEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The site. After the browser, without which there is nothing to serve it for."""
    async with serve_site(env, tmp_path_factory.mktemp("site") / "spool") as site:
        yield site


class Trouble:
    """What goes wrong in the pages of a visitor: errors of the console, and requests that go elsewhere."""

    def __init__(self, site: Site) -> None:
        self.seen: list[str] = []
        self._address = site.address

    def watch(self, page: Page) -> None:
        """Listen to a page."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.seen.append(f"error: {error}"))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        # Of an answer that is an error, which is meant, the console says so.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.seen.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(f"{self._address}/"):
            self.seen.append(f"request: {request.url}")


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: Site) -> AsyncIterator[Page]:
    """A window without JavaScript, since no page needs any. Whatever a page logs or loads from elsewhere fails."""
    async with _window(browser, site, width=1100, height=800, scripts=False) as page:
        yield page


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def phone(browser: Browser, site: Site) -> AsyncIterator[Page]:
    """A window as wide as a phone, with JavaScript for what looks into a page. It is shared."""
    async with _window(browser, site, width=360, height=740, scripts=True) as page:
        yield page


@asynccontextmanager
async def _window(browser: Browser, site: Site, *, width: int, height: int, scripts: bool) -> AsyncIterator[Page]:
    context = await browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": height})
    page = await context.new_page()
    page.set_default_timeout(_PATIENCE)
    trouble = Trouble(site)
    trouble.watch(page)
    try:
        yield page
    finally:
        await context.close()
    assert trouble.seen == []
