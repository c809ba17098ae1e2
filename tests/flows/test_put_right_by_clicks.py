"""What went wrong is put right in a browser: a lead that was sold twice, and one that its installer gives back."""

import re
from dataclasses import replace
from uuid import UUID

import pytest
from playwright.async_api import expect

from tests.flows.clicks import Clicks
from tests.flows.people import Person, new_service
from tests.flows.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

CHARGED = "SELECT count(*) FROM lead_deliveries WHERE lead_id = $1 AND state = 'billable'"


async def _charged(running: Running, person: Person, service: str) -> str:
    """A lead that somebody has and pays for, as intake knows by then."""
    lead_id = await running.take_lead(person, service)
    await running.until(lambda: running.number("intake", CHARGED, UUID(lead_id)))
    return lead_id


async def test_what_was_sold_twice_is_merged_credited_and_taken_apart(running: Running, here: Clicks) -> None:
    service, person = new_service(), Person()
    twin = replace(person, phone=Person().phone, street=Person().street)
    for _ in range(2):
        await running.add_installer(service)
    first, second = [await _charged(running, each, service) for each in (person, twin)]
    await here.go_to("Duplicates")
    await here.find(person.name)
    await here.open_first()
    await _merge(here, twin)
    await expect(here.page).to_have_url(re.compile(first))
    await expect(here.page.get_by_text(twin.e164).first).to_be_visible()
    await here.until_shown(here.page.get_by_role("row", name="Duplicate dispatch, by the merge Voided"))
    await here.leave_by(here.page.locator(f"main td a[href$='{second}'], main th a[href$='{second}']").first)
    await here.do("Unmerge", reason_code="two_people", reason="Two sisters")
    await expect(here.page.get_by_text("Unmerged: it is a lead of its own again")).to_be_visible()
    await here.page.goto(running.url("intake", f"/console/leads/{first}"))
    await expect(here.page.get_by_text(person.e164).first).to_be_visible()
    await expect(here.page.get_by_text("took a merge into it apart")).to_be_visible()


async def _merge(here: Clicks, twin: Person) -> None:
    """The older one goes on, with the twin's telephone; whoever was charged for the twin gets it back."""
    await here.page.get_by_role("radio", name=twin.e164).check()
    await here.press("Continue")
    await here.page.get_by_label("Duplicate dispatch").check()
    await here.press("Continue")
    await here.fill(here.page.locator("main form.form"), reason_code="asked_twice", reason="She rang")
    await here.press("Merge and ask for credits")
    await expect(here.page.get_by_text("Merged: this one goes on for both")).to_be_visible()


async def test_a_lead_that_is_given_back_is_credited_and_closed(running: Running, here: Clicks) -> None:
    """Nobody else does such work: it waits for an operator, who finds that it goes to nobody."""
    service, person = new_service(), Person()
    await running.add_installer(service)
    lead_id = await _charged(running, person, service)
    await here.go_to("Assignments")
    await here.find(lead_id)
    await here.open_first()
    await here.do("Take a return", code="outside_criteria", words="They rent")
    await expect(here.page).to_have_url(re.compile("/console/returns/"))
    await here.do("Accept return", credit_reason="system_fault")
    await expect(here.page.get_by_text("Accepted: the lead is taken back")).to_be_visible()
    await _agree_to_the_credit(here)
    await here.open_lead(person.name)
    await here.open_in_queue()
    await here.do("Reject the lead", reason="unplaceable", note="Nobody else does it")
    await expect(here.page.get_by_text("Rejected: the lead is being closed")).to_be_visible()
    await here.open_lead(person.name)
    await here.until_shown(here.page.locator(".action.impossible", has_text="it is closed"))


async def _agree_to_the_credit(here: Clicks) -> None:
    """In billing, as the return proposes it; the return says then what came of it."""
    returned = here.page.url
    await here.until_shown(here.page.get_by_text("Credit: waits for finance"))
    await here.follow("Credit proposal")
    await here.do("Agree to the credit")
    await expect(here.page.get_by_text("Agreed to: what became of it is above")).to_be_visible()
    await here.page.goto(returned)
    await here.until_shown(here.page.get_by_text("Credit: taken off before it was billed"))
