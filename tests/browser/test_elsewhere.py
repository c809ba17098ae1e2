"""What the other services know of a thing, on the thing's own page."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.browser.conftest import Rooms, Visit
from tests.browser.sweep import check_everywhere
from tests.intake.reception import Reception
from tests.routing.arrangements import lead

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


async def received(rooms: Rooms) -> UUID:
    """A lead at intake."""
    reception = Reception(rooms.database("intake"), rooms.clock)
    _, key = await reception.source()
    return await reception.lead(key)


async def test_a_leads_page_tells_who_could_have_it_and_who_has_it(rooms: Rooms, visit: Visits) -> None:
    given = await received(rooms)
    for service in ("billing", "notifications"):
        rooms.address(service)
    await rooms.floor.installer()
    await rooms.floor.dispatch(lead(lead_id=given))
    here: Visit = await visit()
    address = rooms.address("intake", f"/console/leads/{given}")
    await here.enter(Role.EDITOR, address)
    assigned = here.page.get_by_role("region", name="Assignments, as a table")
    await expect(assigned.get_by_role("rowheader", name="Southern Sun Solar")).to_be_visible()
    await expect(here.page.get_by_role("heading", name="Decision, attempt 1")).to_be_visible()
    await expect(here.page.get_by_text("Nothing was delivered, and nobody is charged.")).to_be_visible()
    await expect(here.page.get_by_text("No mail was sent.")).to_be_visible()
    await check_everywhere(here, address)
    # A path in what a service tells leads to that service.
    await assigned.get_by_role("link", name="Southern Sun Solar").click()
    await expect(here.page).to_have_url(
        f"{rooms.routing}/console/assignments/{(await rooms.floor.assignments())[0].id}"
    )


async def test_a_service_that_does_not_answer_leaves_its_link(rooms: Rooms, visit: Visits) -> None:
    given = await received(rooms)
    here: Visit = await visit(java_script_enabled=False)
    await here.enter(Role.EDITOR, rooms.address("intake", f"/console/leads/{given}"))
    rooms.address("routing")
    await here.page.get_by_role("link", name="See in Dispatch").click()
    await expect(here.page.get_by_text("Dispatch has not decided about it.")).to_be_visible()
