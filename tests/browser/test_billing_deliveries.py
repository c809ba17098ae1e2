"""The delivery ledger and the queue of what has no price: looked through by links, ended by clicks."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from contracts.values import ProductType
from tests.billing.arrangements import LONG_AGO, NOW, march, sent
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


@pytest.fixture
async def ledger(rooms: Rooms) -> UUID:
    """Two deliveries of March that nothing bills, of an installer with prices; its id."""
    rooms.clock.instant = NOW
    rooms.address("billing")
    installer_id = await rooms.books.priced_installer(name="Sunny Roofs <b>Pty</b> Ltd")
    await rooms.books.deliver(
        sent(installer_id, march(10)), sent(installer_id, march(11), ProductType.SHARED), sent(installer_id, march(12))
    )
    return installer_id


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_delivery_is_voided_by_clicks_alone(
    rooms: Rooms, visit: Visits, ledger: UUID, has_scripts: bool
) -> None:
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}/console/delivery-events?status=billable&invoiced=no")
    await expect(here.page.get_by_text("$208.50")).to_be_visible()
    await here.page.get_by_role("link", name="Solar battery, Marrickville NSW 2204").first.click()
    await here.page.locator("summary", has_text="Void delivery").click()
    await here.page.get_by_label("Reason").select_option("invalid_contact")
    await here.page.get_by_label("Notes").fill(PLANTED)
    await here.page.get_by_role("button", name="Void delivery").click()
    await expect(here.page.get_by_text("Voided: nothing will bill it")).to_be_visible()
    await expect(here.page.get_by_text(PLANTED)).to_have_count(1)
    await expect(here.page.locator(".action.impossible")).to_contain_text("it is void already")
    assert "planted" not in await here.page.title()
    assert await rooms.books.value("SELECT count(*) FROM delivery_events WHERE event_status = 'void'") == 1


async def test_what_is_billed_says_where_and_cannot_be_voided(rooms: Rooms, visit: Visits, ledger: UUID) -> None:
    await rooms.books.drafts()
    here = await visit()
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}/console/delivery-events?invoiced=yes")
    await expect(here.page.get_by_role("link", name="Draft", exact=True)).to_have_count(3)
    await here.page.get_by_role("link", name="Solar battery").first.click()
    await expect(here.page.locator(".action.impossible")).to_contain_text("it is billed: credit its line")


async def test_who_may_not_move_money_is_told_who_may(rooms: Rooms, visit: Visits, ledger: UUID) -> None:
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.address('billing')}/console/delivery-events?status=billable&invoiced=no")
    await here.page.get_by_role("link", name="Solar battery").first.click()
    impossible = here.page.locator(".action.impossible", has_text="Void delivery")
    await expect(impossible).to_contain_text("Super admins and admins can do it")


async def test_the_ledger_and_the_queue_are_accessible(rooms: Rooms, visit: Visits, ledger: UUID) -> None:
    unpriced = await rooms.books.installer(name="North Coast Solar")
    await rooms.books.deliver(sent(unpriced, march(3)), sent(ledger, LONG_AGO.replace(year=2024)))
    id_ = await rooms.books.value("SELECT id FROM delivery_events ORDER BY delivered_at LIMIT 1")
    here = await visit()
    billing = rooms.address("billing")
    await here.enter(Role.SUPER_ADMIN, f"{billing}/console/delivery-events")
    await check_everywhere(here, f"{billing}/console/delivery-events")
    await check_everywhere(here, f"{billing}/console/delivery-events?month=2025-01")
    await check_everywhere(here, f"{billing}/console/delivery-events/{id_}")
    await check_everywhere(here, f"{billing}/console/held-deliveries?state=waits")
    await expect(here.page.get_by_role("link", name="Set prices")).to_have_count(2)
