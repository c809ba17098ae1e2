"""The simulator, the replay and the answer to an installer, worked by clicks with and without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from services.routing.domain.windows import Limits
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.routing.arrangements import SHARED, lead, leads
from tests.routing.test_pages_simulations import run

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_draft_is_simulated_and_read_in_full(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    await rooms.floor.installer(Limits(day=4), name="Capped Solar")
    await rooms.floor.installer(name="One Solar")
    await rooms.floor.dispatch(*leads(10))
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/simulations")
    await here.page.get_by_role("link", name="New simulation").click()
    await here.page.get_by_label("Caps, in per cent of what they are").fill("50")
    await here.page.get_by_label("Installer of row 1").fill("One Solar")
    await here.page.get_by_role("button", name="Another installer").click()
    await here.page.get_by_label("Installer of row 2").fill("Capped Solar")
    await here.page.get_by_label("Leads a day of row 2").fill("1")
    await here.page.get_by_role("button", name="Run simulation").click()
    await expect(here.page.get_by_role("heading", name="Simulation of 30 days")).to_be_visible()
    await run(rooms.floor)
    await here.page.reload()
    await expect(here.page.get_by_text("With the draft 3 leads of 10 would have gone elsewhere")).to_be_visible()
    if has_scripts:
        await check_everywhere(here, here.page.url)
    await here.page.get_by_role("link", name="Leads that would have moved").click()
    await expect(here.page.get_by_role("row")).to_have_count(4)


async def test_a_decision_is_replayed_and_an_installer_answered(rooms: Rooms, visit: Visits) -> None:
    full = await rooms.floor.installer(Limits(day=0), name="Full Solar")
    await rooms.floor.installer(name="One Solar")
    await rooms.floor.dispatch(arrived := lead(SHARED))
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/dispatches/{arrived.lead_id}")
    await here.page.get_by_role("button", name="Replay").click()
    await expect(here.page.get_by_text("Replayed: the same to the last sign")).to_be_visible()
    await check_everywhere(here, here.page.url.partition("#")[0])
    await here.page.goto(f"{rooms.routing}/console/installers/{full}")
    await here.page.get_by_label("Lead id").fill(str(arrived.lead_id))
    await here.page.get_by_role("button", name="Answer on the lead").click()
    await expect(here.page.get_by_label("What may be sent")).to_have_value(
        "This lead asked for solar battery in 2204 NSW.\n\nYour cap of the day was full: 0 of 0."
    )
    await check_everywhere(here, here.page.url)
