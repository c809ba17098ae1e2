"""Whose turn it is, worked by clicks with scripts and without: taking a lead, planning a follow-up, telling what came
of it; and the rooms looked at by axe.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from services.intake.domain import Channel
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.intake.couples import merge
from tests.intake.reception import Reception
from tests.intake.samples import rows

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
HOUR = timedelta(hours=1)
QUEUE = "/console/follow-ups?owner=mine&state=open"


def reception_of(rooms: Rooms) -> Reception:
    return Reception(rooms.database("intake"), rooms.clock)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_lead_is_taken_followed_up_and_told_of_by_clicks(
    rooms: Rooms, visit: Visits, has_scripts: bool
) -> None:
    reception = reception_of(rooms)
    _, key = await reception.source()
    lead_id = await reception.lead(key)
    base = rooms.address("intake")
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{base}/console/leads/{lead_id}")
    await here.page.locator("summary", has_text="Take").click()
    await here.page.get_by_role("button", name="Take", exact=True).click()
    await expect(here.page.get_by_text("Taken: it is yours")).to_have_count(1)
    await here.page.locator("summary", has_text="Add follow-up").click()
    adding = here.page.locator("#do-follow-up")
    await adding.get_by_label("Due").fill("2026-03-03T15:00")
    await adding.get_by_label("Owner").select_option("nobody")
    await adding.get_by_label("What is to be done").fill("Ring about the roof")
    await adding.get_by_role("button", name="Add follow-up").click()
    await expect(here.page.get_by_role("cell", name="Ring about the roof")).to_have_count(1)
    await here.page.get_by_role("rowheader", name="Call").get_by_role("link").click()
    await here.page.locator("summary", has_text="Complete").click()
    await here.page.get_by_label("Left message").check()
    await here.page.get_by_role("button", name="Complete").click()
    await expect(here.page.locator(".action.impossible", has_text="it was done")).to_have_count(4)
    (kept,) = await rows(
        reception.database, "SELECT f.outcome, l.owner_id IS NOT NULL AS is_owned FROM follow_ups f, leads l"
    )
    assert kept == {"outcome": "left_message", "is_owned": True}
    await reception.give(await reception.lead(key, name="Zoe Ng"), await reception.operator("Kim Reed"))
    await here.page.goto(f"{base}/console/leads")
    await here.page.locator("summary", has_text="Owned by").click()
    await here.page.locator("#q-owner_id").select_option("Kim Reed")
    if not has_scripts:
        # The menu that is open can lie over the button.
        await here.page.locator("summary", has_text="Owned by").click()
        await here.page.get_by_role("button", name="Filter").click()
    await expect(here.page.get_by_role("link", name="Remove the filter Owned by: Kim Reed")).to_have_count(1)
    await expect(here.page.locator("tbody th")).to_have_text(["Zoe Ng"])


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_lead_is_handed_over_with_a_note_by_clicks(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    reception = reception_of(rooms)
    _, key = await reception.source()
    lead_id = await reception.lead(key)
    kim, lee = [await reception.operator(name) for name in ("Kim Reed", "Lee Stone")]
    await reception.give(lead_id, kim)
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{rooms.address('intake')}/console/leads/{lead_id}")
    await here.page.locator("summary", has_text="Hand over").click()
    giving = here.page.locator("#do-owner")
    await expect(giving.get_by_text("Kim Reed has it no more.")).to_have_count(1)
    await giving.get_by_label("Owner").select_option("Lee Stone")
    await giving.get_by_label("Note for them").fill("Rang twice: evenings are best")
    await giving.get_by_role("button", name="Hand over").click()
    await expect(here.page.get_by_text("Lee Stone has it now")).to_have_count(1)
    handed = here.page.locator(".timeline li", has_text="handed the lead over")
    await expect(handed).to_contain_text("Rang twice: evenings are best")
    (kept,) = await rows(reception.database, "SELECT owner_id FROM leads")
    assert kept == {"owner_id": lee.id}


async def test_a_merged_leads_follow_up_leads_to_who_goes_on(rooms: Rooms, visit: Visits) -> None:
    reception = reception_of(rooms)
    _, key = await reception.source()
    tom = await reception.lead(key, name="Tom Reid", phone="+61499111222")
    zoe = await reception.lead(key, name="Zoe Ng")
    follow_up = await reception.follow_up(tom, note="Ring about the roof")
    await merge(reception.database, zoe, tom)
    base = rooms.address("intake")
    here = await visit()
    await here.enter(Role.EDITOR, f"{base}/console/leads?q=0499111222")
    await expect(here.page.get_by_role("rowheader", name="Zoe Ng, by a lead merged into it")).to_have_count(1)
    await expect(here.page.get_by_role("link", name="Merged into another lead")).to_have_count(1)
    await check_everywhere(here, here.page.url)
    await here.page.goto(f"{base}/console/follow-ups?state=open")
    await here.page.get_by_role("link", name="Tom Reid, merged into Zoe Ng").click()
    await expect(here.page.get_by_role("heading", name="Call: Zoe Ng")).to_have_count(1)
    await check_everywhere(here, f"{base}/console/follow-ups/{follow_up.id}")
    await here.page.get_by_role("link", name="Open Zoe Ng, who goes on").click()
    await expect(here.page.get_by_role("rowheader", name="Call, for a lead merged into it")).to_have_count(1)


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    reception = reception_of(rooms)
    _, key = await reception.source("Energy Compare Australia")
    lead = await reception.lead(key, ago=3 * HOUR, name="Oluwaseun Adebayo-Fitzgerald")
    kim = await reception.operator("Kim Reed")
    await reception.give(lead, kim)
    late = await reception.follow_up(lead, kim, planned_ago=5 * HOUR, channel=Channel.VISIT)
    await reception.follow_up(lead, note="Ask for the last bill, the meter's number and the age of the roof " * 4)
    base = rooms.address("intake")
    here = await visit()
    await here.enter(Role.EDITOR, base + QUEUE)
    for path in ("?state=open", f"/{late.id}"):
        await check_everywhere(here, f"{base}/console/follow-ups{path}")
    await check_everywhere(here, f"{base}/console/leads/{lead}")
    await check_everywhere(here, f"{base}/console/leads?owner=unowned")


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_policy_is_tried_and_saved_by_clicks(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    reception = reception_of(rooms)
    _, key = await reception.source()
    await reception.lead(key, ago=3 * HOUR)
    base = rooms.address("intake")
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{base}/console/escalations")
    await here.page.get_by_role("link", name="New policy").click()
    await here.page.get_by_label("Name").fill("Leads that wait")
    await here.page.get_by_label("Step 1 after").fill("2")
    await here.page.get_by_label("What step 1 does").select_option("critical")
    await here.page.get_by_role("button", name="Try it").click()
    await expect(here.page.get_by_text("it would have done something 1 time to 1 lead")).to_have_count(1)
    await expect(here.page.get_by_role("rowheader", name="Mia O'Brien")).to_have_count(1)
    await here.page.get_by_role("button", name="Save policy").click()
    await expect(here.page.get_by_role("heading", name="Leads that wait")).to_have_count(1)
    await here.page.locator("summary", has_text="Turn on").click()
    await here.page.get_by_role("button", name="Turn on").click()
    await expect(here.page.locator(".action.impossible", has_text="it is on")).to_have_count(1)
    if has_scripts:
        await check_everywhere(here, here.page.url)
        await check_everywhere(here, f"{here.page.url.partition('?')[0]}/edit")
