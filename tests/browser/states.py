"""Every page that a person can come to, and how: for what is looked at on all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from playwright.async_api import Page

from ..waiting import until
from .jobs_browser import answer_customers, expense_approval, onboarding, release_notes
from .site import OPERATOR, Asked, Site

__all__ = ["PAGES"]

_Come = Callable[[Page, Site], Awaitable[object]]

#: Words and texts that leave no room to break a line, as hostile as they come.
_LONG: Final = "x" * 300
_MARKUP: Final = "<b onclick='x()'>bold</b> & <script>document.title = 'hacked'</script>"


async def options(page: Page, site: Site) -> Asked:
    """A question with options, details, a limit of time, and people who may answer."""
    asked = await site.ask(
        expense_approval, timeout="2d", later=True, respond_by=["grace@example.com", "alan@example.com"]
    )
    await page.goto(asked.link_for("grace@example.com"))
    return asked


async def text(page: Page, site: Site) -> None:
    """A question that wants a text."""
    await page.goto((await site.ask(release_notes)).link)


async def form(page: Page, site: Site) -> None:
    """A form."""
    await page.goto((await site.ask(onboarding)).link)


async def mistakes(page: Page, site: Site) -> None:
    """A form that was filled in wrong."""
    await form(page, site)
    await page.get_by_label("Full name").fill("Al")
    await page.get_by_label("Days a week").fill("6")
    await page.get_by_role("button", name="Send").click()
    await page.get_by_role("alert").wait_for()


async def approval(page: Page, site: Site) -> None:
    """Whether a tool may be called."""
    await page.goto((await site.ask(answer_customers)).link)


async def long_texts(page: Page, site: Site) -> None:
    """Texts that are too wide, and markup."""
    details = {_LONG[:100]: _LONG, "nested": {"deep": [{"deeper": [_LONG, _MARKUP]}]}, "list": [_LONG, 1, None]}
    await page.goto((await site.ask(expense_approval, prompt=f"{_LONG} {_MARKUP}", details=details)).link)


async def answered(page: Page, site: Site) -> None:
    """The answer was taken."""
    asked = await options(page, site)
    await page.get_by_role("button", name="Approve").click()
    await asked.result()
    await page.get_by_role("button", name="Approve").wait_for(state="detached")


async def late(page: Page, site: Site) -> None:
    """Somebody has answered before."""
    asked = await site.ask(expense_approval)
    await page.goto(asked.link_for("grace@example.com"))
    await page.get_by_role("button", name="Approve").click()
    await asked.result()
    await page.goto(asked.link_for("alan@example.com"))


async def over(page: Page, site: Site) -> None:
    """Time is up."""
    asked = await site.ask(expense_approval, timeout="1h", later=True)
    await site.env.skip(asked.run, "2h")
    await asked.result()
    await page.goto(asked.link)


async def wrong(page: Page, site: Site) -> None:
    """A link that was cut."""
    await page.goto((await site.ask(release_notes)).link[:-5])


async def login(page: Page, site: Site) -> None:
    """Where operators log in."""
    await page.context.clear_cookies()
    await page.goto(f"{site.address}/inputs")
    await page.get_by_label("token").wait_for()


async def refused_login(page: Page, site: Site) -> None:
    """The token was wrong."""
    await login(page, site)
    await page.get_by_label("token").fill("no token")
    await page.get_by_role("button").click()
    await page.get_by_role("alert").wait_for()


async def listed(page: Page, site: Site) -> Asked:
    """What is open, for operators."""
    asked = await site.ask(answer_customers)
    await login(page, site)
    await page.get_by_label("token").fill(OPERATOR)
    await page.get_by_role("button").click()
    await page.get_by_text("Logged in as").wait_for()

    async def is_listed() -> bool:
        await page.reload()
        return await page.get_by_text(asked.run.id).count() > 0

    await until(is_listed, f"{asked.run.id} is listed")  # the server's list of runs is late by a second or two
    return asked


async def from_the_list(page: Page, site: Site) -> None:
    """A question that an operator has come to from the list."""
    asked = await listed(page, site)
    await page.get_by_role("listitem").filter(has_text=asked.run.id).get_by_role("link").click()
    await page.get_by_label("A note").wait_for()


#: By the names that screenshots have.
PAGES: Final[Mapping[str, _Come]] = {
    "options": options,
    "text": text,
    "form": form,
    "mistakes": mistakes,
    "approval": approval,
    "long": long_texts,
    "answered": answered,
    "late": late,
    "over": over,
    "wrong": wrong,
    "login": login,
    "refused-login": refused_login,
    "list": listed,
    "from-the-list": from_the_list,
}
