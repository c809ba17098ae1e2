"""The room of lead sources, worked by clicks, with scripts and without, and looked at by axe."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from services.intake.commands.leads.testing import TestFault as Fault
from services.intake.commands.leads.testing import hand_in, keep_refused_test
from services.intake.commands.rejections import Rejection
from services.intake.rejections import RejectionCounter
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.intake.reception import Reception
from tests.intake.samples import rows, taking

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
SOURCES = "/console/lead-sources"


def reception_of(rooms: Rooms) -> Reception:
    return Reception(rooms.database("intake"), rooms.clock)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_new_sources_key_is_shown_once(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    base = rooms.address("intake")
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{base}/console/lead-sources?state=active")
    await here.page.get_by_role("link", name="Add lead source").click()
    await here.page.get_by_label("Name").fill("Solar Quotes")
    await here.page.get_by_role("button", name="Add lead source").click()
    await expect(here.page.locator("#api-key")).to_have_text(re.compile(r"^wbk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}$"))
    key = await here.page.locator("#api-key").inner_text()
    await here.page.get_by_role("link", name="Go to Solar Quotes").click()
    await expect(here.page.get_by_role("heading", name="Solar Quotes")).to_be_visible()
    await expect(here.page.get_by_role("rowheader", name=key[:17])).to_have_count(1)
    assert key not in await here.page.content()
    await here.page.locator("summary", has_text="Revoke source").click()
    form = here.page.locator("#do-revoke")
    await form.get_by_label("Reason").fill("Its list was bought")
    await form.get_by_role("button", name="Revoke source").click()
    await expect(here.page.locator(".action.impossible", has_text="it was revoked")).to_have_count(5)
    (kept,) = await rows(rooms.database("intake"), "SELECT revoked_at IS NOT NULL AS is_revoked FROM lead_sources")
    assert kept["is_revoked"]


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_source_is_tried_out_and_goes_live_by_clicks(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    source, _ = await reception_of(rooms).source()
    base = rooms.address("intake")
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{base}{SOURCES}?state=active")
    await here.page.get_by_role("link", name="Solar Quotes").click()
    await here.page.locator("summary", has_text="Switch to test mode").click()
    form = here.page.locator("#do-mode")
    await form.get_by_label("Reason").fill("Their form is new")
    await form.get_by_role("button", name="Switch to test mode").click()
    await expect(here.page.get_by_text("It is in test mode: nothing comes of its leads")).to_be_visible()
    await expect(here.page.get_by_text("Their form is new")).to_be_visible()
    await here.page.locator("summary", has_text="Go live").click()
    await form.get_by_label("Reason").fill("It works")
    await form.get_by_role("button", name="Go live").click()
    await expect(here.page.get_by_text("It is live: what it hands in are leads")).to_be_visible()
    modes = "SELECT body FROM outbox WHERE topic = 'intake.lead_sources' ORDER BY id"
    told = [row["body"].decode() for row in await rows(rooms.database("intake"), modes)]
    assert ['"test"' in each for each in told] == [False, True, False]
    assert str(source.id) in told[-1]


async def test_one_key_of_two_is_revoked_and_its_rate_is_set_by_clicks(rooms: Rooms, visit: Visits) -> None:
    reception = reception_of(rooms)
    source, key = await reception.source()
    base = rooms.address("intake")
    here = await visit()
    await here.enter(Role.EDITOR, f"{base}{SOURCES}/{source.id}")
    await here.page.locator("summary", has_text="Rotate key").click()
    await here.page.locator("#do-rotate-key").get_by_role("button", name="Rotate key").click()
    await here.page.get_by_role("link", name="Go to Solar Quotes").click()
    await here.page.locator("summary", has_text="Revoke a key").click()
    form = here.page.locator("#do-revoke-key")
    await expect(form.get_by_text("The others work on.")).to_be_visible()
    await form.get_by_label("Key").select_option(key.key.prefix)
    await form.get_by_label("Reason").fill("It stood in a public page")
    await form.get_by_role("button", name="Revoke a key").click()
    await expect(here.page.get_by_text("That key does not work any more")).to_be_visible()
    await expect(here.page.locator("tr", has_text=key.key.prefix).get_by_text("Revoked")).to_be_visible()
    await here.page.locator("summary", has_text="Set rate").click()
    rate = here.page.locator("#do-rate")
    await rate.get_by_label("Leads a minute").fill("90")
    await rate.get_by_label("Reason").fill("A small list")
    await rate.get_by_role("button", name="Set rate").click()
    await expect(here.page.get_by_text("90 leads a minute")).to_be_visible()
    await here.page.get_by_role("link", name="Spec").click()
    await expect(here.page.get_by_text("90 a minute")).to_be_visible()


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    reception = reception_of(rooms)
    source, key = await reception.source("Energy Compare Australia")
    await reception.lead(key, ago=timedelta(days=3))
    database, now = rooms.database("intake"), rooms.clock.now()
    counter = RejectionCounter(database)
    hour = now.replace(minute=0, second=0, microsecond=0)
    counter.add([Rejection(source.id, hour, "invalid_request"), Rejection(source.id, hour, "phone_invalid", "phone")])
    await counter.write()
    await hand_in(database, taking(key), asks_for_test=True)
    async with database.transaction() as session:
        keep_refused_test(session, source.id, 422, [Fault("address.postcode", "postcode_state_mismatch")] * 3, now)
    base = rooms.address("intake")
    here = await visit()
    await here.enter(Role.SUPER_ADMIN, f"{base}{SOURCES}?state=active")
    for path in ("?state=active", f"/{source.id}", "/new", f"/{source.id}/spec", f"/{source.id}/quality?days=90"):
        await check_everywhere(here, f"{base}{SOURCES}{path}")
