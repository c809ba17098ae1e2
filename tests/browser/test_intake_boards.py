"""The rooms of boards, clients and NDAs, worked by clicks, with scripts and without, and looked at by axe."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.intake.reception import Reception
from tests.intake.samples import rows

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


def reception_of(rooms: Rooms) -> Reception:
    return Reception(rooms.database("intake"), rooms.clock)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_client_is_added_and_its_board_opened_and_closed_by_clicks(
    rooms: Rooms, visit: Visits, has_scripts: bool
) -> None:
    base = rooms.address("intake")
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.ADMIN, f"{base}/console/clients")
    await here.page.get_by_role("link", name="Add client").click()
    await here.page.get_by_label("Name", exact=True).fill("Wattle Advisory Pty Ltd")
    await here.page.get_by_label("ABN optional").fill("51 824 753 556")
    await here.page.get_by_label("Billing e-mail").fill("accounts@wattle.example")
    await here.page.get_by_role("button", name="Add client").click()
    await here.page.get_by_role("link", name="Open board").click()
    await here.page.get_by_label("Title").fill("Market entry")
    await here.page.get_by_label("Contracted amount").fill("12,500.50")
    await here.page.get_by_role("button", name="Open board").click()
    await expect(here.page.get_by_role("heading", name="Market entry")).to_be_visible()
    await here.page.locator("summary", has_text="Close board").click()
    effect = "Drafts the invoice of $12,500.50 plus GST to Wattle Advisory Pty Ltd, due 30 days from its issue"
    await expect(here.page.get_by_text(effect)).to_be_visible()
    await here.page.get_by_role("button", name="Close board").click()
    await expect(here.page.locator(".action.impossible", has_text="it is closed")).to_have_count(1)
    (board,) = await rows(rooms.database("intake"), "SELECT status, contracted_amount_cents FROM boards")
    assert board == {"status": "closed", "contracted_amount_cents": 1_250_050}


async def test_a_client_is_changed_and_markup_is_shown_as_text(rooms: Rooms, visit: Visits) -> None:
    reception = reception_of(rooms)
    client = await reception.client(name=PLANTED, billing_name=PLANTED, billing_address=PLANTED)
    board = await reception.board(client, PLANTED)
    base = rooms.address("intake")
    here = await visit()
    await here.enter(Role.ADMIN, f"{base}/console/clients/{client.id}")
    await here.page.locator("summary", has_text="Change client").click()
    await here.page.get_by_label("Invoiced to").fill(f"{PLANTED} and partners")
    await here.page.get_by_role("button", name="Change client").click()
    await expect(here.page.locator(".facts").get_by_text(f"{PLANTED} and partners")).to_have_count(1)
    for path in ("/console/clients", "/console/boards", f"/console/boards/{board.id}", "/console/boards/new"):
        await here.page.goto(base + path)
        await expect(here.page.locator("main")).to_contain_text(PLANTED)
        await expect(here.page.locator("main b")).to_have_count(0)
        assert "planted" not in await here.page.title() or PLANTED in await here.page.title()


async def test_an_editor_sees_who_can_close_a_board(rooms: Rooms, visit: Visits) -> None:
    reception = reception_of(rooms)
    board = await reception.board(await reception.client())
    here = await visit()
    await here.enter(Role.EDITOR, rooms.address("intake", f"/console/boards/{board.id}"))
    impossible = here.page.locator(".action.impossible", has_text="Close board")
    await expect(impossible).to_contain_text("Super admins and admins can do it")
    await here.page.goto(rooms.address("intake", "/console/boards"))
    await expect(here.page.get_by_role("link", name="Market entry")).to_be_visible()
    await expect(here.page.get_by_role("link", name="Open board")).to_have_count(0)


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    reception = reception_of(rooms)
    client = await reception.client()
    board = await reception.closed(await reception.board(client, "Supply chain resilience in the Pilbara", 12_345_678))
    await reception.board(client)
    base = rooms.address("intake")
    here = await visit()
    await here.enter(Role.SUPER_ADMIN, f"{base}/console/boards")
    await check_everywhere(here, f"{base}/console/boards")
    await check_everywhere(here, f"{base}/console/boards/{board.id}")
    await check_everywhere(here, f"{base}/console/boards/new")
    await check_everywhere(here, f"{base}/console/clients")
    await check_everywhere(here, f"{base}/console/clients/{client.id}")
    await check_everywhere(here, f"{base}/console/clients/new")
    await check_everywhere(here, f"{base}/console/ndas")
