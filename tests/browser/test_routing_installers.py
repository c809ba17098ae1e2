"""The installers' rooms, worked by clicks with and without scripts, by those who may and those who may not."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from chassis.ids import new_id
from contracts.identity import Role
from contracts.values import InstallerStatus
from services.routing.commands.contacts import AddContact, Contact, add_contact
from services.routing.commands.installers import set_caps
from services.routing.commands.notes import AppendNote, append_note
from services.routing.domain.profile import Territory
from services.routing.domain.states import ContactRole
from services.routing.domain.windows import Limits
from services.routing.queries import installers
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.routing.arrangements import FREMANTLE, ROBIN, lead

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_an_installer_is_paused_by_clicks_alone(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    installer_id = await rooms.floor.installer(Limits(3))
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/installers?status=active")
    await here.page.get_by_role("link", name="Southern Sun Solar").click()
    await here.page.locator("summary", has_text="Change status").click()
    form = here.page.locator("#do-status")
    await form.get_by_label("Status").select_option("paused")
    await form.get_by_label("Reason").fill("On leave until May")
    await form.get_by_role("button", name="Change status").click()
    await expect(here.page.get_by_text("Its status is changed")).to_be_visible()
    await expect(here.page.get_by_text("It is paused.")).to_be_visible()
    timeline = here.page.locator(".timeline li").first
    await expect(timeline).to_contain_text(re.compile("changed its status.*On leave until May", re.DOTALL))
    async with rooms.floor.database.reading() as session:
        assert (await installers.get(session, installer_id)).status is InstallerStatus.PAUSED


async def test_caps_and_territory_are_set_unless_somebody_was_faster(rooms: Rooms, visit: Visits) -> None:
    installer_id = await rooms.floor.installer(Limits(3))
    address = f"{rooms.routing}/console/installers/{installer_id}"
    here = await visit()
    await here.enter(Role.EDITOR, address)
    await here.page.locator("summary", has_text="Set territory").click()
    await here.page.get_by_role("textbox", name="Territory").fill("ACT\n2000 - 2234\nNew South")
    await here.page.get_by_role("button", name="Set territory").click()
    await expect(here.page.get_by_text("Line 3: neither a state")).to_be_visible()
    await here.page.goto(address)
    await here.page.locator("summary", has_text="Set territory").click()
    await here.page.get_by_role("textbox", name="Territory").fill("ACT\n2000 - 2234\n2480")
    await here.page.get_by_role("button", name="Set territory").click()
    await expect(here.page.get_by_text("Its territory is set")).to_be_visible()
    await expect(here.page.get_by_role("region", name="Territory", exact=True)).to_contain_text("2000–2234")  # noqa: RUF001  # as print has it
    async with rooms.floor.database.transaction() as session:
        await set_caps(session, installer_id, Limits(7), ROBIN, rooms.floor.clock.now())
    await here.page.locator("summary", has_text="Set caps").click()
    await here.page.get_by_label("Leads a day").fill("5")
    await here.page.get_by_role("button", name="Set caps").click()
    await expect(here.page.get_by_role("alert")).to_contain_text("Robin Field changed it meanwhile")
    async with rooms.floor.database.reading() as session:
        assert (await installers.get(session, installer_id)).limits == Limits(7)


async def test_an_installer_is_added_on_one_page(rooms: Rooms, visit: Visits) -> None:
    here = await visit()
    await here.enter(Role.ADMIN, f"{rooms.routing}/console/installers?status=active")
    await here.page.get_by_role("link", name="New installer").click()
    await here.page.get_by_label("Name").fill("Harbour Heat Pumps")
    await here.page.get_by_label("E-mail for leads").fill("leads@harbour.example")
    await here.page.get_by_label("Services").fill("heat-pump, solar-battery")
    await here.page.get_by_label("Leads a day").fill("4")
    await here.page.get_by_role("textbox", name="Territory").fill("NSW, 2600-2620")
    await here.page.get_by_role("button", name="Add installer").click()
    await expect(here.page.get_by_role("heading", name="Harbour Heat Pumps")).to_be_visible()
    await expect(here.page.get_by_text("Takes heat pump, solar battery leads in NSW, 2600-2620.")).to_be_visible()


async def test_several_are_paused_at_once(rooms: Rooms, visit: Visits) -> None:
    await rooms.floor.installers(2)
    await rooms.floor.installer(name="Paused before", status=InstallerStatus.PAUSED)
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/installers")
    await here.page.get_by_label("Select all rows of this page").check()
    await here.page.get_by_role("button", name="Pause", exact=True).click()
    await expect(here.page.get_by_role("row", name="Paused before")).to_contain_text("It is paused")
    await here.page.get_by_label("Reason").fill("The network is down")
    await here.page.get_by_role("button", name="Pause", exact=True).click()
    await expect(here.page.get_by_text("All 2 are done")).to_be_visible()
    assert (await rooms.floor.audited()).count("change_installer_status") == 2


async def test_who_may_not_bill_sees_who_can(rooms: Rooms, visit: Visits) -> None:
    installer_id = await rooms.floor.installer()
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/installers")
    await expect(here.page.get_by_role("heading", name="Installers")).to_be_visible()
    await expect(here.page.get_by_role("link", name="New installer")).to_have_count(0)
    await here.page.goto(f"{rooms.routing}/console/installers/{installer_id}")
    deed = here.page.locator(".action.impossible", has_text="Edit invoicing particulars")
    await expect(deed).to_contain_text("Your role lacks manage_billing_ops. Super admins and admins can do it")
    await here.page.goto(f"{rooms.routing}/console/installers/new")
    await expect(here.page.get_by_role("alert")).to_contain_text("manage_billing_ops")


async def test_every_page_is_accessible_and_shows_markup_as_text(rooms: Rooms, visit: Visits) -> None:
    particulars: dict[str, Any] = {"name": PLANTED, "billing_address": PLANTED, "territory": Territory()}
    planted = await rooms.floor.installer(Limits(0), **particulars)
    busy = await rooms.floor.installer(Limits(1, 5, 20), status=InstallerStatus.ACTIVE)
    await rooms.floor.dispatch(lead())
    here = await visit()
    await here.enter(Role.ADMIN, f"{rooms.routing}/console/installers")
    await check_everywhere(here, f"{rooms.routing}/console/installers")
    await check_everywhere(here, f"{rooms.routing}/console/installers?q=nobody")
    await check_everywhere(here, f"{rooms.routing}/console/installers/new")
    await check_everywhere(here, f"{rooms.routing}/console/installers/{busy}")
    await check_everywhere(here, f"{rooms.routing}/console/installers/{planted}")
    await expect(here.page.get_by_text(PLANTED).first).to_be_visible()
    await expect(here.page.locator("b")).to_have_count(0)
    assert await here.page.title() != "planted"


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_pause_is_added_and_ended_by_clicks_alone(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    installer_id = await rooms.floor.installer()
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/installers/{installer_id}")
    await here.page.locator("summary", has_text="Add a pause or a holiday").click()
    form = here.page.locator("#do-away")
    await form.get_by_label("Pause").check()
    await form.get_by_label("Until").fill("2026-03-09T07:00")
    await form.get_by_label("Reason").fill("Crew on leave")
    await form.get_by_role("button", name="Add a pause or a holiday").click()
    await expect(here.page.get_by_text("Its absence is added")).to_be_visible()
    await expect(here.page.locator(".chip", has_text="Away until 9 Mar 2026, 7:00 am")).to_be_visible()
    await here.page.locator("summary", has_text="End an absence").click()
    form = here.page.locator("#do-end-absence")
    await form.get_by_label("Absence").select_option(label="Pause, now until 9 Mar 2026, 7:00 am")
    await form.get_by_label("Reason").fill("Back early")
    await form.get_by_role("button", name="End an absence").click()
    await expect(here.page.get_by_text("The absence is ended")).to_be_visible()
    await expect(here.page.locator(".action.impossible", has_text="End an absence")).to_contain_text("it is not away")
    assert (await rooms.floor.audited())[-2:] == ["add_absence", "end_absence"]


async def test_caps_of_many_are_seen_before_they_are_set(rooms: Rooms, visit: Visits) -> None:
    await rooms.floor.installer(Limits(month=90))
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/installers")
    await here.page.get_by_label("Select all rows of this page").check()
    await here.page.get_by_role("button", name="Set caps", exact=True).click()
    await here.page.get_by_label("Leads a month").fill("60")
    await here.page.get_by_role("button", name="Preview").click()
    await expect(here.page.get_by_role("row", name="Southern Sun Solar")).to_contain_text("Cap 90 → 60 a month")
    assert "set_caps" not in await rooms.floor.audited()
    await here.page.get_by_role("button", name="Set caps").first.click()
    await expect(here.page.get_by_text("It is done")).to_be_visible()
    assert (await rooms.floor.audited()).count("set_caps") == 1


async def test_a_sheet_of_territories_is_pasted_mended_and_imported(rooms: Rooms, visit: Visits) -> None:
    await rooms.floor.installer()
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/installers")
    await here.page.get_by_role("link", name="Import territories").click()
    await here.page.get_by_role("textbox", name="Rows").fill("Southern Sun; 6000-6010")
    await here.page.get_by_role("button", name="Look at the import").click()
    await expect(here.page.get_by_text("Line 1: there is no installer “Southern Sun”")).to_be_visible()
    await here.page.get_by_role("textbox", name="Rows").fill("Southern Sun Solar; 6000-6010")
    await here.page.get_by_role("button", name="Look at the import").click()
    await expect(here.page.get_by_role("row", name="Southern Sun Solar")).to_contain_text("Adds 6000-6010")
    await here.page.get_by_role("button", name="Import territories").first.click()
    await expect(here.page.get_by_text("It is done")).to_be_visible()


async def test_people_notes_and_coverage_are_accessible_and_show_markup_as_text(rooms: Rooms, visit: Visits) -> None:
    installer_id, contact_id = await rooms.floor.installer(name=PLANTED), new_id()
    await rooms.floor.absence(installer_id, reason=PLANTED)
    said = AddContact(contact_id, installer_id, Contact(PLANTED, ContactRole.OWNER, None, "+61491570156"), ROBIN)
    async with rooms.floor.database.transaction() as session:
        await add_contact(session, said, rooms.floor.clock.now())
        await append_note(session, AppendNote(new_id(), installer_id, PLANTED, ROBIN), rooms.floor.clock.now())
    await rooms.floor.dispatch(lead(), lead(location=FREMANTLE))
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/coverage")
    for path in (
        "/console/coverage",
        "/console/coverage?view=all&in=NSW",
        f"/console/installers/{installer_id}",
        f"/console/installers/{installer_id}/people/{contact_id}",
        "/console/installers/import-territories",
    ):
        await check_everywhere(here, f"{rooms.routing}{path}")
        await expect(here.page.locator("b")).to_have_count(0)
        assert await here.page.title() != "planted"
