"""Invoices, from the draft to the last payment, by clicks alone; and issuing many, of which some cannot be."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from contracts.identity import Role
from contracts.values import InvoiceKind
from tests.billing.arrangements import NOW, march, sent
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


@pytest.fixture
async def draft(rooms: Rooms) -> UUID:
    """Of March, with two leads of $85.00 ex GST."""
    rooms.clock.instant = NOW
    installer_id = await rooms.books.priced_installer(name="Sunny Roofs <b>Pty</b> Ltd")
    return await rooms.books.draft_of(installer_id, sent(installer_id, march(10)), sent(installer_id, march(11)))


async def do(page: Page, name: str, **filled: str) -> None:
    """Opens an action, writes into its fields by their labels, and presses its button."""
    action = page.locator("details.action", has=page.locator("summary", has_text=name))
    await action.locator("summary").click()
    for label, text in filled.items():
        field = action.get_by_label(label.replace("_", " "))
        if await field.evaluate("field => field.tagName") == "SELECT":
            await field.select_option(text)
        else:
            await field.fill(text)
    await action.get_by_role("button", name=name).click()


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_an_invoice_goes_from_draft_to_paid_by_clicks_alone(
    rooms: Rooms, visit: Visits, draft: UUID, has_scripts: bool
) -> None:
    here = await visit(java_script_enabled=has_scripts)
    page = here.page
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}/console/invoices?status=draft")
    await page.get_by_role("rowheader", name="Draft").get_by_role("link").click()
    await do(page, "Mark issued", Stripe_invoice="in_1Nxe8TLkdIwHu7ix")
    await expect(page.get_by_role("heading", level=1)).to_have_text("WB-000001")
    await do(page, "Give a credit", Reason="invalid_contact", Line="1", Notes=PLANTED)
    await expect(page.locator(".figure")).to_have_text("$93.50")
    await expect(page.get_by_text(PLANTED)).to_have_count(1)
    await do(page, "Record a payment", Reference="Bank 4711", Amount="40")
    await expect(page.locator(".figure")).to_have_text("$53.50")
    await expect(page.locator(".document-head .title")).to_contain_text("Partially paid")
    await do(page, "Record a payment", Reference="Bank 4712")
    await expect(page.locator(".document-head .title .chip")).to_have_text("Paid")
    await expect(page.locator(".action.impossible", has_text="Void")).to_contain_text("money came in for it")
    assert "planted" not in await page.title()
    assert (await rooms.books.invoice(draft)).balance_cents == 0


async def test_without_its_stripe_reference_it_is_not_issued_and_the_field_says_so(
    rooms: Rooms, visit: Visits, draft: UUID
) -> None:
    here = await visit()
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}/console/invoices/{draft}")
    await here.page.locator("summary", has_text="Mark issued").click()
    field = here.page.locator("#do-mark_issued").get_by_label("Stripe invoice")
    assert await field.evaluate("field => field.validity.valueMissing")
    await field.evaluate("field => field.required = false")
    await here.page.get_by_role("button", name="Mark issued").click()
    await expect(
        here.page.get_by_text("create the invoice in Stripe from the export and give its id").first
    ).to_be_visible()
    assert (await rooms.books.invoice(draft)).number is None


async def test_a_credit_over_the_limit_waits_for_a_second_operator(rooms: Rooms, visit: Visits) -> None:
    rooms.clock.instant = NOW
    installer_id = await rooms.books.priced_installer(exclusive_cents=50_000)
    invoice = await rooms.books.issued_invoice(sent(installer_id, march(10)))
    here = await visit()
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}/console/invoices/{invoice.id}")
    await do(here.page, "Give a credit", Reason="system_fault")
    await expect(here.page.get_by_text("1 adjustment waits for a second operator")).to_be_visible()
    await expect(here.page.locator(".figure")).to_have_text("$550.00")


async def test_what_somebody_changed_meanwhile_is_not_overwritten(rooms: Rooms, visit: Visits, draft: UUID) -> None:
    address = f"{rooms.address('billing')}/console/invoices/{draft}"
    one, other = await visit(), await visit()
    await one.enter(await rooms.person(name="Alex Stone"), address)
    await other.enter(await rooms.person(name="Robin Field"), address)
    await do(other.page, "Void", Reason="duplicate")
    await expect(other.page.locator(".document-head .title .chip")).to_have_text("Void")
    await do(one.page, "Mark issued", Stripe_invoice="in_1Nxe8TLkdIwHu7ix")
    await expect(one.page.get_by_text("Robin Field changed it meanwhile").first).to_be_visible()


async def test_of_many_each_that_cannot_be_issued_says_why(rooms: Rooms, visit: Visits, draft: UUID) -> None:
    other = await rooms.books.priced_installer(name="North Coast Solar")
    await rooms.books.draft_of(other)
    here = await visit()
    page = here.page
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}/console/invoices/{draft}")
    await do(page, "Keep its Stripe reference", Stripe_invoice="in_1Nxe8TLkdIwHu7ix")
    await expect(page.get_by_text("Kept: it can be issued with the others")).to_be_visible()
    await page.goto(f"{rooms.address('billing')}/console/invoices?status=draft")
    await page.get_by_label("Select all rows of this page").check()
    await page.get_by_role("button", name="Mark issued").click()
    row = page.get_by_role("row", name="Draft, North Coast Solar, March 2026")
    await expect(row).to_contain_text("Create the invoice in Stripe from the export and give its id")
    await expect(
        page.get_by_text("Issues 1 invoice, each under the Stripe reference that is kept with it")
    ).to_be_visible()
    await page.get_by_role("button", name="Mark issued").click()
    await expect(page.get_by_text("It is done")).to_be_visible()
    assert (await rooms.books.invoice(draft)).number == "WB-000001"


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_clients_lines_are_written_sent_and_paid(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    rooms.clock.instant = NOW
    draft = await rooms.books.board_draft(100_000)
    here = await visit(java_script_enabled=has_scripts)
    page = here.page
    await here.enter(Role.ADMIN, f"{rooms.address('billing')}/console/client-invoices?status=draft")
    await page.get_by_role("rowheader", name="Draft").get_by_role("link").click()
    await page.get_by_label("Description of line 2").fill("Travel, <b>Sydney</b>")
    await page.get_by_label("Price of line 2").fill("a lot")
    await page.get_by_role("button", name="Save lines").click()
    await expect(page.get_by_text("an amount in dollars").first).to_be_visible()
    await page.goto(f"{rooms.address('billing')}/console/client-invoices/{draft}")
    await page.get_by_label("Description of line 2").fill("Travel, <b>Sydney</b>")
    await page.get_by_label("Price of line 2").fill("-250.50")
    await page.get_by_role("button", name="Save lines").click()
    await expect(page.locator(".figure")).to_have_text("$824.45")
    await do(page, "Send invoice")
    await expect(page.get_by_role("heading", level=1)).to_have_text("WB-000001")
    await do(page, "Mark paid")
    await expect(page.locator(".document-head .title .chip")).to_have_text("Paid")
    assert (await rooms.books.invoice(draft)).paid_cents == 82_445


async def test_the_rooms_of_invoices_are_accessible(rooms: Rooms, visit: Visits, draft: UUID) -> None:
    board = await rooms.books.board_draft()
    issued = await rooms.books.issue(await rooms.books.board_draft(), kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
    installers = await rooms.books.issue(draft)
    here = await visit()
    billing = rooms.address("billing")
    await here.enter(Role.SUPER_ADMIN, f"{billing}/console/invoices")
    for path in (
        "/console/invoices",
        "/console/invoices?month=2020-01",
        f"/console/invoices/{installers.id}",
        "/console/client-invoices",
        f"/console/client-invoices/{board}",
        f"/console/client-invoices/{issued.id}",
    ):
        await check_everywhere(here, billing + path)


async def test_who_may_not_move_money_is_told_who_may(rooms: Rooms, visit: Visits, draft: UUID) -> None:
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.address('billing')}/console/invoices/{draft}")
    impossible = here.page.locator(".action.impossible", has_text="Mark issued")
    await expect(impossible).to_contain_text("Super admins and admins can do it")
