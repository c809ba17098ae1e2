"""The rooms that every service has a part of: what could not be applied, and who did what."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect
from sqlalchemy import insert

from chassis.database import Database
from chassis.ids import new_id
from chassis.tables import parked_events
from contracts.identity import Role
from tests.browser.conftest import Rooms, Visit
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PARKED = "/console/desk/routing/parked-events"
ACTIVITY = "/console/desk/routing/activity"
PLANTED = "<script>document.title='planted'</script>"


async def parked(rooms: Rooms, number: int = 1) -> list[UUID]:
    """So many events of one lead that routing could not apply, in their order."""
    database: Database = rooms.database("routing")
    ids = [new_id() for _ in range(number)]
    rows = [
        {
            "id": id_,
            "consumer": "waybill.routing.intake.leads",
            "topic": "intake.leads",
            "partition": 0,
            "record_offset": offset,
            "key": b"0199a000",
            "headers": b"",
            "body": b"{}",
            "event_id": new_id(),
            "event_type": "lead.created",
            "state": "parked",
            "reason_code": "handler_failed" if offset == 0 else "behind_a_parked_event",
            "reason_detail": f"no such installer {PLANTED}",
            "attempts": 5,
            "parked_at": rooms.clock.now(),
        }
        for offset, id_ in enumerate(ids)
    ]
    async with database.transaction() as session:
        await session.execute(insert(parked_events), rows)
    return ids


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_an_event_is_given_up_with_a_reason_that_stays(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    await parked(rooms)
    here: Visit = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.SUPER_ADMIN, f"{rooms.routing}{PARKED}?state=parked")
    await here.page.get_by_role("link", name="lead.created").click()
    await expect(here.page.get_by_text(PLANTED).first).to_be_visible()
    await here.page.locator("summary", has_text="Discard").click()
    await here.page.locator("#do-discard").get_by_label("Reason").fill(f"Sent twice by hand {PLANTED}")
    await here.page.locator("#do-discard").get_by_role("button").click()
    await expect(here.page.locator(".timeline")).to_contain_text("discarded it")
    await expect(here.page.locator(".action.impossible")).to_have_count(2)
    await here.page.goto(f"{rooms.routing}{ACTIVITY}")
    await here.page.get_by_role("link", name="Discard parked event").click()
    await expect(here.page.get_by_text(f"Sent twice by hand {PLANTED}").first).to_be_visible()
    assert await here.page.title() != "planted"


async def test_what_waits_behind_another_is_settled_after_it(rooms: Rooms, visit: Visits) -> None:
    first, second = await parked(rooms, 2)
    here: Visit = await visit()
    await here.enter(Role.SUPER_ADMIN, f"{rooms.routing}{PARKED}/{second}")
    await expect(here.page.locator(".action.impossible")).to_have_count(2)
    await here.page.get_by_role("link", name="Open lead.created").click()
    await here.page.wait_for_url(f"{rooms.routing}{PARKED}/{first}")
    await here.page.locator("summary", has_text="Replay").click()
    await here.page.locator("#do-replay").get_by_role("button").click()
    # Its body is none of a lead's: it fails again, and stays.
    await expect(here.page.get_by_role("alert").first).to_be_visible()
    await here.page.reload()
    await expect(here.page.locator("#do-replay")).to_be_visible()


async def test_who_may_not_says_who_may(rooms: Rooms, visit: Visits) -> None:
    [id_] = await parked(rooms)
    here: Visit = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}{PARKED}/{id_}")
    await expect(here.page.locator(".action.impossible").first).to_contain_text("Super admins can do it")


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    [id_] = await parked(rooms)
    here: Visit = await visit()
    await here.enter(Role.SUPER_ADMIN, rooms.routing + PARKED)
    for page in (f"{PARKED}?state=parked", f"{PARKED}/{id_}", ACTIVITY):
        await check_everywhere(here, rooms.routing + page)
