"""Every page fits a phone, is as readable in the dark as in the light, and has nothing in it that keeps people out."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

import pytest
from playwright.async_api import Page

from .site import Site
from .states import PAGES

#: They share a browser, which one process has.
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("browser")]

#: axe-core: rules of accessibility, checked in the page.
_AXE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text()

#: WCAG 2.2 AA, and what axe's authors recommend besides.
_RULES: Final = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}

#: Those that another theme may break.
_COLORS: Final = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}}


@pytest.mark.parametrize("name", PAGES)
async def test_anybody_can_use_it(phone: Page, site: Site, name: str) -> None:
    await PAGES[name](phone, site)
    await phone.evaluate(f"{_AXE}; null")
    for theme in ("light", "dark"):
        await phone.emulate_media(color_scheme=theme)
        assert await _violations(phone, _RULES if theme == "light" else _COLORS) == [], theme
        ground = await phone.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (_brightness(ground) > 128) is (theme == "light")
    # The window is as wide as a phone.
    assert await phone.evaluate("document.documentElement.scrollWidth") <= 360, "it scrolls sideways"
    assert await _too_small(phone) == []
    assert await phone.locator("script, [style], [onclick]").count() == 0
    assert "hacked" not in await phone.title()


async def _violations(page: Page, rules: Any) -> list[str]:
    """What axe finds: each with the rule, how serious it is, and where."""
    found: dict[str, Any] = await page.evaluate(f"axe.run(document, {json.dumps(rules)})")
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {[node['html'] for node in each['nodes']]}"
        for each in found["violations"]
    ]


async def _too_small(page: Page) -> list[str]:
    """What is too small for a finger: buttons and fields below 40 pixels of height."""
    found = page.locator("button, select, textarea, input:not([type=hidden], [type=checkbox], [type=radio])")
    small: list[str] = await found.evaluate_all(
        "found => found.filter(each => each.getBoundingClientRect().height < 40).map(each => each.outerHTML)"
    )
    return small


def _brightness(color: str) -> float:
    """The mean of red, green and blue."""
    parts = [float(each) for each in color.removeprefix("rgb(").removesuffix(")").split(",")]
    return sum(parts) / len(parts)
