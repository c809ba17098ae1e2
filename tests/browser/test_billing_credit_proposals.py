"""Credit proposals: finance agrees to one by clicks, and puts an account on hold."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.billing.arrangements import NOW
from tests.billing.credits import ask, asked, drafted, issued, proposed
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
ROOM = "/console/credit-proposals"


@pytest.fixture
async def returned(rooms: Rooms) -> UUID:
    """A proposal for a lead that was charged on an issued invoice."""
    rooms.clock.instant = NOW
    assignment, _ = await issued(rooms.books)
    request = proposed(assignment, note="The number is another's", asked_by_name="Rita Routing")
    await ask(rooms.books, request)
    return request.request_id


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_finance_agrees_to_a_credit(rooms: Rooms, visit: Visits, returned: UUID, has_scripts: bool) -> None:
    here = await visit(java_script_enabled=has_scripts)
    page = here.page
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}{ROOM}?state=proposed")
    await page.get_by_role("link", name="Solar battery, Marrickville NSW 2204").click()
    await page.locator("#do-agree summary").click()
    await expect(page.get_by_text("Takes $93.50 (with GST) off WB-000001")).to_be_visible()
    await page.get_by_role("button", name="Agree to the credit").click()
    await expect(page.get_by_text("Agreed to: what became of it is above")).to_be_visible()
    assert await rooms.books.value("SELECT result FROM credit_requests") == "credited"


async def test_an_account_is_put_on_hold_and_let_go(rooms: Rooms, visit: Visits, returned: UUID) -> None:
    here = await visit()
    page = here.page
    account_id = await rooms.books.value("SELECT id FROM accounts")
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}/console/accounts/{account_id}")
    for name, reason, told in (
        ("Put on credit hold", "Two invoices overdue", "On hold: it gets no more leads"),
        ("Lift credit hold", "Paid by card", "Lifted: it gets leads again"),
    ):
        await page.locator("summary", has_text=name).click()
        await page.locator("details[open]").get_by_label("Reason").fill(reason)
        await page.locator("details[open]").get_by_role("button", name=name).click()
        await expect(page.get_by_text(told)).to_be_visible()
    assert await rooms.books.value("SELECT credit_hold FROM accounts") is False


async def test_the_room_is_accessible(rooms: Rooms, visit: Visits, returned: UUID) -> None:
    waiting, _ = await drafted(rooms.books)
    await ask(rooms.books, asked(waiting))
    here = await visit()
    billing = rooms.address("billing")
    await here.enter(Role.SUPER_ADMIN, f"{billing}{ROOM}")
    for path in ("", f"/{returned}", "?state=waits_for_invoice", "?state=declined"):
        await check_everywhere(here, f"{billing}{ROOM}{path}")
    await here.enter(Role.EDITOR, f"{billing}{ROOM}/{returned}")
    impossible = here.page.locator(".action.impossible", has_text="Agree to the credit")
    await expect(impossible).to_contain_text("Super admins and admins can do it")
