"""Accounts: an installer's prices set from a day, what waited for them released; terms changed, and not by two."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.billing.arrangements import NOW, march, sent
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


@pytest.fixture
async def unpriced(rooms: Rooms) -> UUID:
    """An installer whose two deliveries of March wait for a price."""
    rooms.clock.instant = NOW
    installer_id = await rooms.books.installer(name="North Coast <b>Solar</b>", billing_name="<i>NCS</i> Pty Ltd")
    await rooms.books.deliver(sent(installer_id, march(3)), sent(installer_id, march(20)))
    return installer_id


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_price_takes_the_deliveries_of_its_days_out_of_the_queue(
    rooms: Rooms, visit: Visits, unpriced: UUID, has_scripts: bool
) -> None:
    here = await visit(java_script_enabled=has_scripts)
    page = here.page
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}/console/held-deliveries?state=waits")
    await page.get_by_role("link", name="Set prices").first.click()
    action = page.locator("#do-set_prices")
    if not await action.get_by_label("From").is_visible():
        await action.locator("summary").click()
    await action.get_by_label("From").fill("2026-03-10")
    await action.get_by_label("Exclusive lead").fill("85")
    await action.get_by_label("Shared lead").fill("$38.50")
    await action.get_by_role("button", name="Set prices from a day").click()
    await expect(page.get_by_role("row", name="Held without a price")).to_contain_text("Priced at once")
    assert await rooms.books.value("SELECT count(*) FROM delivery_events") == 0
    doing = page.locator("#do-set_prices")
    if not await doing.get_by_role("button", name="Set these prices").is_visible():
        await doing.locator("summary").click()
    await doing.get_by_label("Reason").fill("Agreed by phone")
    await doing.get_by_role("button", name="Set these prices").click()
    await expect(page.get_by_text("Set: the table below has their days")).to_be_visible()
    await expect(page.get_by_role("row", name="10 Mar 2026")).to_contain_text("$85.00")
    await expect(page.get_by_text("1 delivery is held without a price")).to_be_visible()
    assert await rooms.books.value("SELECT unit_price_cents FROM delivery_events") == 8_500


async def test_terms_that_somebody_changed_meanwhile_are_not_overwritten(
    rooms: Rooms, visit: Visits, unpriced: UUID
) -> None:
    address = f"{rooms.address('billing')}/console/accounts/{unpriced}"
    one, other = await visit(), await visit()
    await one.enter(await rooms.person(name="Alex Stone"), address)
    await other.enter(await rooms.person(name="Robin Field"), address)
    for here, days in ((other, "14"), (one, "30")):
        await here.page.locator("summary", has_text="Change how it is billed").click()
        await here.page.get_by_label("Terms of its own").fill(days)
        await here.page.locator("#do-edit").get_by_role("button").click()
    await expect(other.page.get_by_text("due 14 days after issue")).to_be_visible()
    await expect(one.page.get_by_text("Robin Field changed it meanwhile").first).to_be_visible()
    assert await rooms.books.value("SELECT terms_override_days FROM accounts") == 14


async def test_the_rooms_of_accounts_are_accessible(rooms: Rooms, visit: Visits, unpriced: UUID) -> None:
    priced = await rooms.books.priced_installer()
    await rooms.books.deliver(sent(priced, march(12)))
    await rooms.books.drafts(installer_ids=[priced])
    here = await visit()
    billing = rooms.address("billing")
    await here.enter(Role.SUPER_ADMIN, f"{billing}/console/accounts")
    contact = await rooms.books.contact(priced, "mia@north.example")
    changed = f"/{unpriced}/new-prices?day=2026-03-10&exclusive=8500&shared=3850"
    one = f"/{priced}/contacts/{contact}"
    for path in ("", "?kind=client", "?unpriced=true", f"/{unpriced}", f"/{priced}", changed, one):
        await check_everywhere(here, f"{billing}/console/accounts{path}")
    await check_everywhere(here, f"{billing}/console/billing-figures?month=2026-03")
    await here.enter(Role.EDITOR, f"{billing}/console/accounts/{unpriced}")
    impossible = here.page.locator(".action.impossible", has_text="Set prices from a day")
    await expect(impossible).to_contain_text("Super admins and admins can do it")
