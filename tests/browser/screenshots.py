"""Screenshots of every page, to be looked at: `python -m tests.browser.screenshots DIRECTORY [PAGE…]`.

At the width of a phone and of a desk, in light and dark.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, ViewportSize

from terse_temporal.testing import JobEnvironment

from .chromium import chromium
from .site import Site, serve_site
from .states import PAGES

_WIDTHS: Final[dict[str, ViewportSize]] = {
    "phone": {"width": 360, "height": 740},
    "desk": {"width": 1100, "height": 800},
}

_Theme = Literal["light", "dark"]

_THEMES: Final[tuple[_Theme, ...]] = ("light", "dark")


async def take(browser: Browser, site: Site, name: str, size: str, themes: tuple[_Theme, ...], directory: Path) -> None:
    """Write the pictures of a page at a width."""
    context = await browser.new_context(java_script_enabled=False, viewport=_WIDTHS[size], device_scale_factor=1)
    try:
        page = await context.new_page()
        await PAGES[name](page, site)
        for theme in themes:
            await page.emulate_media(color_scheme=theme)
            await page.screenshot(path=directory / f"{name}-{size}-{theme}.png", full_page=True)
    finally:
        await context.close()


async def main(directory: Path, names: list[str]) -> None:
    """Write the pictures of some pages, of all if none are named."""
    with tempfile.TemporaryDirectory() as spool:
        async with chromium() as browser, JobEnvironment() as env, serve_site(env, Path(spool)) as site:
            for name in names or PAGES:
                for size in _WIDTHS:
                    await take(browser, site, name, size, _THEMES, directory)


if __name__ == "__main__":
    pictures = Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(pictures, sys.argv[2:]))
