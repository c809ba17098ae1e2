"""A month's close, what is owed, the second operator's say and Stripe's events, worked in a browser."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from contracts.identity import Role
from contracts.values import InvoiceKind
from services.billing.domain.month_close import CloseStep
from services.billing.models import Adjustment
from services.billing.snapshotting import SnapshotTaker
from tests.billing.arrangements import NOW, SYDNEY, march, sent
from tests.billing.arrangements_stripe import webhook, work_off
from tests.billing.fake_stripe import FakeStripe
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


@pytest.fixture
def billing(rooms: Rooms) -> Callable[[str], str]:
    """The address of a page of billing, in the first days of April 2026."""
    rooms.clock.instant = NOW
    return lambda path: rooms.address("billing", path)


async def pending(rooms: Rooms) -> Adjustment:
    """A credit of $330.00 with GST that waits for a second operator."""
    installer_id = await rooms.books.priced_installer()
    invoice = await rooms.books.issued_invoice(*(sent(installer_id, march(day)) for day in range(1, 6)))
    return await rooms.books.credit(invoice.id, 30_000, notes=PLANTED)


async def keep_reference(page: Page, draft: UUID) -> None:
    """By a list of one, looked at first."""
    await page.locator("summary", has_text="Look at a list of references").click()
    await page.get_by_label("The list as CSV").fill(f"invoice_id,stripe_invoice_id\n{draft},in_browser0001")
    await page.get_by_role("button", name="Look at a list of references").click()
    await page.locator("summary", has_text="Keep 1 reference").click()
    await page.get_by_role("button", name="Keep 1 reference").click()
    await expect(page.get_by_text("1 reference was kept from the last list")).to_be_visible()


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_month_is_closed_step_by_step(
    rooms: Rooms, visit: Visits, billing: Callable[[str], str], has_scripts: bool
) -> None:
    installer_id = await rooms.books.priced_installer(name=PLANTED)
    await rooms.books.deliver(sent(installer_id, march(10)), sent(installer_id, march(11)))
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.ADMIN, billing("/console/month-close"))
    page = here.page
    await page.get_by_role("link", name="March 2026").click()
    await expect(page.get_by_text("It has ended, and can be closed.")).to_be_visible()
    await page.get_by_role("link", name="Next: held deliveries").click()
    await expect(page.get_by_text("Every delivery of the month has its price")).to_be_visible()
    await page.get_by_role("link", name="Next: deliveries not recorded").click()
    await page.get_by_role("link", name="Next: open returns").click()
    await page.locator("summary", has_text="Tick this step").click()
    await page.get_by_label("Note").fill(PLANTED)
    await page.get_by_role("button", name="Tick this step").click()
    await expect(page.get_by_role("cell", name=PLANTED)).to_be_visible()
    await page.get_by_role("link", name="Next: preview").click()
    await expect(page.get_by_role("link", name=PLANTED)).to_be_visible()
    await page.get_by_role("link", name="Next: drafts").click()
    await page.locator("summary", has_text="Generate drafts").click()
    await expect(page.get_by_text("Drafts 1 invoice and drafts 0 again")).to_be_visible()
    await page.get_by_role("button", name="Generate drafts").click()
    await expect(page.get_by_text("1 invoice drafted, $187.00 inc. GST").first).to_be_visible()
    await expect(page.get_by_text("Drafted by the last run")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Drafted by the last run")).to_be_visible()
    await page.get_by_role("link", name="Next: review").click()
    await expect(page.get_by_text("2 exclusive leads delivered at $85.00")).to_be_visible()
    await page.get_by_role("link", name="Next: export").click()
    await expect(page.get_by_role("link", name="Export 1 invoice, CSV")).to_be_visible()
    draft = await rooms.books.value("SELECT id FROM invoices")
    await page.get_by_role("link", name="Next: stripe references").click()
    await keep_reference(page, draft)
    await page.get_by_role("link", name="Next: issue").click()
    await expect(page.get_by_text("Issues 1 invoice, $187.00 inc. GST").first).to_be_visible()
    assert await rooms.books.value("SELECT count(*) FROM invoices WHERE document_status = 'draft'") == 1


async def test_a_sum_of_the_ageing_leads_to_its_invoices(
    rooms: Rooms, visit: Visits, billing: Callable[[str], str]
) -> None:
    rooms.clock.instant = NOW - timedelta(days=45)
    for cents in (10_000, 20_000):
        draft = await rooms.books.board_draft(cents)
        await rooms.books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None, due_at=NOW - timedelta(days=40))
    rooms.clock.instant = NOW
    here = await visit()
    await here.enter(Role.EDITOR, billing("/console/receivables"))
    await expect(here.page.get_by_text("Ties with the journal")).to_be_visible()
    await here.page.locator("tfoot").get_by_role("link", name="$330.00").first.click()
    await expect(here.page).to_have_url(re.compile(r"/console/overdue\?due_from=.*&due_to="))
    await expect(here.page.locator(".foot").get_by_text("$330.00").first).to_be_visible()
    await expect(here.page.get_by_role("rowheader")).to_have_count(2)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_credit_is_approved_by_another_operator(
    rooms: Rooms, visit: Visits, billing: Callable[[str], str], has_scripts: bool
) -> None:
    credit = await pending(rooms)
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.ADMIN, billing("/console/adjustments?state=pending"))
    await here.page.get_by_role("rowheader").get_by_role("link").click()
    await expect(here.page.get_by_text(PLANTED)).to_be_visible()
    await here.page.locator("summary", has_text="Approve").click()
    await here.page.get_by_role("button", name="Approve").click()
    await expect(here.page.get_by_text("Agreed to: it is in the books")).to_be_visible()
    assert await here.page.title() != "planted"
    assert (await rooms.books.invoice(credit.invoice_id)).balance_cents == 13_750


async def test_an_editor_is_told_who_can(rooms: Rooms, visit: Visits, billing: Callable[[str], str]) -> None:
    credit = await pending(rooms)
    here = await visit()
    await here.enter(Role.EDITOR, billing(f"/console/adjustments/{credit.id}"))
    await expect(here.page.locator(".action.impossible", has_text="admins can do it")).to_have_count(2)
    await here.page.goto(billing("/console/month-close/2026-03/drafts"))
    await expect(here.page.locator(".action.impossible", has_text="admins can do it")).to_have_count(3)


@pytest.mark.parametrize("half", [0, 1])
async def test_every_page_is_accessible(rooms: Rooms, visit: Visits, billing: Callable[[str], str], half: int) -> None:
    credit = await pending(rooms)
    await rooms.books.deliver(sent(await rooms.books.installer(), march(12)))
    await rooms.books.deliver(sent(await rooms.books.priced_installer(name="Later Solar"), march(12)))
    stripe = FakeStripe()
    await webhook(rooms.books, "evt_1NG8Du2eZvKYlo2CUI79vXWy", stripe.add_invoice(100))
    await work_off(rooms.books, stripe)
    rooms.clock.instant += timedelta(days=20)
    event_id = await rooms.books.value("SELECT id FROM stripe_events")
    posting_id = await rooms.books.value("SELECT id FROM journal_postings LIMIT 1")
    rooms.clock.instant += timedelta(days=20)
    await SnapshotTaker(rooms.books.database, rooms.clock, SYDNEY).run(rooms.clock.instant)
    snapshot_id = await rooms.books.value("SELECT id FROM receivables_snapshots LIMIT 1")
    account_id = await rooms.books.value("SELECT account_id FROM invoices WHERE issued_at IS NOT NULL LIMIT 1")
    here = await visit()
    await here.enter(Role.SUPER_ADMIN, billing("/console/journal"))
    month = "/console/month-close/2026-03"
    paths = (
        "/console/month-close",
        *(f"{month}/{step}" for step in CloseStep if step is not CloseStep.MONTH),
        "/console/receivables",
        "/console/receivables?as_of=2026-04-03",
        "/console/receivables/invoices?as_of=2026-04-03",
        "/console/receivables/snapshots",
        f"/console/receivables/snapshots/{snapshot_id}",
        f"/console/receivables/figures?account_id={account_id}",
        f"/console/accounts/{account_id}/statement",
        "/console/overdue?state=overdue",
        "/console/adjustments?state=pending",
        f"/console/adjustments/{credit.id}",
        f"/console/journal/{posting_id}",
        "/console/journal/trial-balance",
        "/console/stripe-events?state=held&state=unmatched",
        f"/console/stripe-events/{event_id}",
        "/console/stripe",
        "/console/differences?state=open",
    )
    for path in paths[half::2]:
        await check_everywhere(here, billing(path))
