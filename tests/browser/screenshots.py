"""Screenshots of every page, to be looked at: `python -m tests.browser.screenshots DIRECTORY [PAGE…]`.

At the width of a phone and of a desk, in light and dark. `python -m tests.browser.screenshots --docs` makes those of
docs/inputs.md, with the fonts of the machine.
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
from .jobs_browser import expense_approval, onboarding
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


async def take_for_docs(browser: Browser, site: Site, directory: Path) -> None:
    """Write the two pictures of the documentation."""
    asked = await site.ask(expense_approval, id="expense-report/report-1837", timeout="2d", later=True)
    for name, link, width, theme in (
        ("inputs-question", asked.link_for("grace@example.com"), 700, "light"),
        ("inputs-form", (await site.ask(onboarding, id="onboarding/2026-12")).link, 400, "dark"),
    ):
        context = await browser.new_context(viewport={"width": width, "height": 1_000})
        page = await context.new_page()
        await page.emulate_media(color_scheme="light" if theme == "light" else "dark")
        await page.goto(link)
        if name == "inputs-form":
            await page.get_by_label("Full name").fill("Alan Turing")
            await page.get_by_label("Email").fill("alan@example.com")
            await page.get_by_label("Days a week").fill("6")
            await page.get_by_label("Starts on").fill("2026-12-01")
            await page.get_by_role("button", name="Send").click()
            await page.get_by_role("alert").wait_for()
        await page.screenshot(path=directory / f"{name}.png", full_page=name == "inputs-question")
        await context.close()


async def main(directory: Path, names: list[str]) -> None:
    """Write the pictures of some pages, of all if none are named."""
    with tempfile.TemporaryDirectory() as spool:
        async with chromium() as browser, JobEnvironment() as env, serve_site(env, Path(spool)) as site:
            if names == ["--docs"]:
                await take_for_docs(browser, site, directory)
                return
            for name in names or PAGES:
                for size in _WIDTHS:
                    await take(browser, site, name, size, _THEMES, directory)


if __name__ == "__main__":
    for_docs = sys.argv[1:] == ["--docs"]
    pictures = Path(__file__).parents[2] / "docs" / "images" if for_docs else Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(pictures, ["--docs"] if for_docs else sys.argv[2:]))
