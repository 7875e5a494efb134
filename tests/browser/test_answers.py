"""In a browser without JavaScript a person can give every kind of answer, and is told what came of it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from .jobs_browser import expense_approval, onboarding, release_notes
from .site import Site
from .states import listed

#: They share a browser, which one process has.
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("browser")]


async def test_an_option(page: Page, site: Site) -> None:
    asked = await site.ask(expense_approval)
    await page.goto(asked.link_for("grace@example.com") + "?choice=reject")  # as the buttons in a mail do
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace asks for 1,240.00 EUR back.")
    await expect(page.get_by_role("main")).to_contain_text("expense-report")
    await expect(page.get_by_role("definition").filter(has_text="train.pdf")).to_be_visible()
    await expect(page.get_by_role("button", name="Reject")).to_have_accessible_description("Ada is told why.")
    await expect(page.get_by_role("main")).to_contain_text("Press “Reject” to confirm it")
    await page.get_by_label("A note").fill("the hotel was not agreed on")
    await page.get_by_role("button", name="Reject").click()
    await expect(page.get_by_role("main")).to_contain_text("Reject")
    assert await asked.result() == ["reject", "the hotel was not agreed on", "grace@example.com"]


async def test_a_text(page: Page, site: Site) -> None:
    asked = await site.ask(release_notes)
    await page.goto(asked.link)
    await page.get_by_label("Your answer").fill("Two columns.\nNo waiting.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("button")).to_have_count(0)
    assert await asked.result() == "Two columns.\nNo waiting."


async def test_a_form_with_a_mistake_and_its_correction(page: Page, site: Site) -> None:
    asked = await site.ask(onboarding)
    await page.goto(asked.link)
    await expect(page.get_by_label("Days a week")).to_have_value("5")  # what the model begins with
    await expect(page.get_by_label("mail", exact=True)).to_be_checked()
    await page.get_by_label("Full name").fill("Al")
    await page.get_by_label("Email").fill("al@example.com")
    await page.get_by_label("Days a week").fill("6")
    await page.get_by_label("Budget").fill("1234.50")
    await page.get_by_label("16 inch").check()
    await page.get_by_label("chat", exact=True).uncheck()
    await page.get_by_label("Remote").check()
    await page.get_by_label("Guests").fill("Ada\nGrace\n")
    await page.get_by_role("button", name="Send").click()

    # What is wrong stands beside its field, and above all fields; what was typed is still there.
    await expect(page.get_by_role("alert").get_by_role("link")).to_have_count(3)
    name = page.get_by_label("Full name")
    await expect(name).to_have_accessible_description(re.compile("3 characters"))
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Days a week")).to_have_accessible_description(re.compile("less than or equal to 5"))
    await expect(page.get_by_label("Starts on")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Email")).not_to_have_attribute("aria-invalid", "true")
    await expect(name).to_have_value("Al")
    await expect(page.get_by_label("Days a week")).to_have_value("6")
    await expect(page.get_by_label("16 inch")).to_be_checked()
    await expect(page.get_by_label("chat", exact=True)).not_to_be_checked()
    await expect(page.get_by_label("Guests")).to_have_value("Ada\nGrace\n")

    await name.fill("Alan Turing")
    await page.get_by_label("Days a week").fill("4")
    await page.get_by_label("Starts on").fill("2026-12-01")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    assert await asked.result() == {
        "full_name": "Alan Turing",
        "email": "al@example.com",
        "starts_on": "2026-12-01",
        "days_a_week": 4,
        "budget": "1234.50",
        "laptop": "16 inch",
        "floor": None,
        "accounts": ["mail"],
        "remote": True,
        "welcome": "Welcome to the team!",
        "guests": ["Ada", "Grace"],
    }


async def test_who_is_second_is_told_who_was_first(page: Page, site: Site) -> None:
    asked = await site.ask(expense_approval)
    second = await page.context.new_page()
    for each, respondent in ((page, "grace@example.com"), (second, "alan@example.com")):
        await each.goto(asked.link_for(respondent))
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    await second.get_by_role("button", name="Reject").click()
    await expect(second.get_by_role("main")).to_contain_text("grace@example.com")
    assert await asked.result() == ["approve", "", "grace@example.com"]
    await second.goto(asked.link_for("alan@example.com"))  # and after the run has ended
    await expect(second.get_by_role("main")).to_contain_text("grace@example.com")
    await expect(second.get_by_role("button")).to_have_count(0)


async def test_after_the_time_is_up_nothing_is_taken(page: Page, site: Site) -> None:
    asked = await site.ask(expense_approval, timeout="1h", later=True)
    await page.goto(asked.link)
    await site.env.skip(asked.run, "2h")
    assert (await asked.result())[0] == "later"
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Time is up")
    await page.goto(asked.link)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Time is up")


async def test_only_those_who_may_answer_do(page: Page, site: Site) -> None:
    asked = await site.ask(expense_approval, respond_by=["grace@example.com"])
    await page.goto(asked.link_for("mallory@example.com"))
    await expect(page.get_by_role("alert")).to_contain_text("Only some people may answer")
    await expect(page.get_by_role("button")).to_have_count(0)
    await page.goto(asked.link_for("Grace@example.com"))
    await page.get_by_role("button", name="Approve").click()
    assert (await asked.result())[2] == "Grace@example.com"


async def test_an_operator_answers_from_the_list(page: Page, site: Site) -> None:
    run = (await listed(page, site)).run
    entry = page.get_by_role("listitem").filter(has_text=run.id)
    await entry.get_by_role("link").click()
    await expect(page.get_by_role("main")).to_contain_text("You answer as Olivia")
    await page.get_by_label("A note").fill("not to her")
    await page.get_by_role("button", name="Deny").click()
    await expect(page.get_by_role("button")).to_have_count(0)
    assert await run.result() == "the call of 'mailer.send' was not approved: not to her"
