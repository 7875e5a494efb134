"""Everything can be done with a keyboard alone, and what has the focus can be seen."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from .jobs_browser import expense_approval, onboarding
from .site import Site

#: They share a browser, which one process has.
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("browser")]


async def test_an_option(page: Page, site: Site) -> None:
    asked = await site.ask(expense_approval)
    await page.goto(asked.link)
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("A note")).to_be_focused()
    await page.keyboard.type("by keyboard")
    for name in ("Approve", "Reject"):
        await page.keyboard.press("Tab")
        button = page.get_by_role("button", name=name)
        await expect(button).to_be_focused()
        await expect(button).to_have_css("outline-style", "solid")
    await page.keyboard.press("Enter")
    assert (await asked.result())[:2] == ["reject", "by keyboard"]


async def test_a_form(page: Page, site: Site) -> None:
    asked = await site.ask(onboarding)
    await page.goto(asked.link)
    await page.keyboard.press("Tab")
    await page.keyboard.type("Alan Turing")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")  # too early
    # From the mistake to its field.
    first = page.get_by_role("alert").get_by_role("link").first
    await expect(first).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(first).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Email")).to_be_focused()
    await page.keyboard.type("al@example.com")
    await page.keyboard.press("Tab")
    await page.keyboard.type("12012026")  # a date, part by part
    await _tab_to(page, page.get_by_label("Remote"))
    await page.keyboard.press("Space")
    await _tab_to(page, page.get_by_role("button"))
    await page.keyboard.press("Enter")
    result = await asked.result()
    assert (result["email"], result["starts_on"], result["remote"]) == ("al@example.com", "2026-12-01", True)


async def _tab_to(page: Page, place: Locator) -> None:
    """Go on until the focus is there."""
    for _ in range(40):
        if await place.evaluate("each => each === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the focus never comes to {place}")
