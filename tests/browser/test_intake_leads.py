"""The room of leads, worked by clicks, with scripts and without, and looked at by axe."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from services.intake.domain import LeadStatus
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.intake.reception import Reception

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"
LEADS = "/console/leads?status=duplicate_review&status=exception&sort=received"


def reception_of(rooms: Rooms) -> Reception:
    return Reception(rooms.database("intake"), rooms.clock)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_lead_that_waits_is_found_and_closed_by_clicks(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    reception = reception_of(rooms)
    source, key = await reception.source()
    lead_id = await reception.lead(key)
    await reception.move(lead_id, LeadStatus.EXCEPTION, reason="no_eligible_installer")
    base = rooms.address("intake")
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, base + LEADS)
    await here.page.get_by_label("Name, contact, place or id").fill("0412 345")
    await here.page.get_by_role("button", name="Filter", exact=True).click()
    await here.page.get_by_role("link", name="Mia O'Brien").click()
    await expect(here.page).to_have_url(f"{base}/console/leads/{lead_id}")
    queue = here.page.get_by_role("link", name="Open it in the queue")
    await expect(queue).to_have_attribute("href", re.compile(rf"/console/exceptions\?q={lead_id}$"))
    await here.page.locator("summary", has_text="Close lead").click()
    closing = here.page.locator("#do-close")
    await closing.get_by_label("Reason").select_option("withdrawn")
    await closing.get_by_label("In your words").fill("They called, and want no quotes")
    await here.page.get_by_role("button", name="Close lead").click()
    await expect(here.page.locator(".action.impossible", has_text="it is closed")).to_have_count(1)
    await expect(here.page.get_by_text("Withdrawn: They called, and want no quotes")).to_have_count(1)
    await here.page.get_by_role("link", name=source.name).first.click()
    await expect(here.page.get_by_text("It handed in 1 lead in the last 7 days.")).to_have_count(1)


async def test_what_a_source_sends_as_markup_is_shown_as_text(rooms: Rooms, visit: Visits) -> None:
    reception = reception_of(rooms)
    _, key = await reception.source(PLANTED)
    fields = ("service", "name", "email", "street", "suburb", "consent_text", "consent_url")
    lead_id = await reception.lead(key, ago=timedelta(), **dict.fromkeys(fields, PLANTED))
    await reception.move(lead_id, LeadStatus.EXCEPTION, reason=PLANTED)
    base = rooms.address("intake")
    here = await visit()
    every = "columns=name&columns=place&columns=source&columns=outcome&columns=service&columns=email&columns=street"
    await here.enter(Role.EDITOR, f"{base}/console/leads?{every}")
    await expect(here.page.get_by_text("<b>bold</b>")).to_have_count(7)
    await here.page.goto(f"{base}/console/leads/{lead_id}")
    await expect(here.page.locator("main b")).to_have_count(0)
    await expect(here.page.locator(".prose").get_by_text(PLANTED)).to_have_count(1)
    await here.page.goto(f"{base}/console/lead-sources")
    await expect(here.page.get_by_role("rowheader", name=PLANTED)).to_have_count(1)
    assert "planted" not in await here.page.title()


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    reception = reception_of(rooms)
    _, key = await reception.source("Energy Compare Australia")
    waits = await reception.lead(key, ago=timedelta(hours=3), name="Oluwaseun Adebayo-Fitzgerald", email="o" * 60)
    await reception.move(waits, LeadStatus.EXCEPTION, ago=timedelta(hours=2), reason="no_eligible_installer")
    base = rooms.address("intake")
    here = await visit()
    await here.enter(Role.SUPER_ADMIN, f"{base}/console/leads")
    await check_everywhere(here, f"{base}/console/leads")
    await check_everywhere(here, f"{base}/console/leads?q=nobody")
    await check_everywhere(here, f"{base}/console/leads/{waits}")
