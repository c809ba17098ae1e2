"""A month from its issue to the certificate that its books tie, on the running system, by pages alone."""

import asyncio
import re
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import pytest
import stripe
from playwright.async_api import expect

from deploy.local.demo.invoices import at_stripe
from deploy.local.demo.stage import ZONE, at, first_of_next_month
from tests.flows.clicks import Clicks
from tests.flows.people import Person, marked, new_service
from tests.flows.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

RECORDED = "SELECT count(*) FROM delivery_events WHERE installer_id = $1"
DRAFTS = "SELECT id FROM invoices WHERE account_id = $1 AND document_status = 'draft'"
HEAD_CHIP = ".document-head .title .chip"


@dataclass(frozen=True, slots=True)
class Month:
    """Of two installers: one who pays in parts, and one whose invoice went to the wrong address."""

    first_day: date
    paying: str
    moved: str
    moved_id: str

    @property
    def title(self) -> str:
        return f"{self.first_day:%B %Y}"


@pytest.fixture
def sdk(running: Running) -> stripe.StripeClient:
    ours = running.system.addresses.stripe
    assert ours is not None
    return stripe.StripeClient(ours.api_key, base_addresses={"api": ours.api_base})


@pytest.fixture
async def month(running: Running, sdk: stripe.StripeClient) -> Month:
    """Over, and about these two alone; their drafts keep the references of what was made at Stripe."""
    services = [new_service() for _ in range(2)]
    installers = [await running.add_installer(service) for service in services]
    for service in (services[0], *services):
        await running.take_lead(Person(), service)
    for installer, leads in zip(installers, (2, 1), strict=True):
        await _until_recorded(running, installer.id, leads)
    day = running.system.clock.now().astimezone(ZONE).date()
    running.system.clock.move_to(at(first_of_next_month(day), 8))
    ids = [installer.id for installer in installers]
    path = f"/admin/billing/months/{day:%Y-%m}/scope"
    await running.told("PUT", "billing", path, json={"installer_ids": ids})
    body = {"period": f"{day:%Y-%m}", "installer_ids": ids}
    await running.told("POST", "billing", "/admin/billing/generate-invoice-drafts", json=body)
    for id_ in ids:
        await _refer(running, sdk, id_)
    paying, moved = [(await running.told("GET", "routing", f"/admin/installers/{id_}"))["name"] for id_ in ids]
    return Month(day, paying, moved, ids[1])


async def _until_recorded(running: Running, installer_id: str, leads: int) -> None:
    async def recorded() -> bool:
        return await running.number("billing", RECORDED, UUID(installer_id)) == leads

    await running.until(recorded)


async def _made_at_stripe(running: Running, sdk: stripe.StripeClient, account_id: str) -> tuple[str, str]:
    """The account's draft, and the invoice that finance typed into Stripe from its export."""
    draft = str((await running.row("billing", DRAFTS, UUID(account_id)))["id"])
    export = await running.told("GET", "billing", f"/admin/billing/invoices/{draft}/export")
    return draft, await asyncio.to_thread(at_stripe, sdk, export)


async def _refer(running: Running, sdk: stripe.StripeClient, account_id: str) -> None:
    draft, reference = await _made_at_stripe(running, sdk, account_id)
    path = f"/admin/billing/invoices/{draft}/stripe-reference"
    await running.told("PUT", "billing", path, json={"stripe_invoice_id": reference})


@pytest.mark.parametrize("signed_in", [False], indirect=True, ids=["without scripts"])
async def test_a_month_is_issued_settled_reconciled_and_certified(
    running: Running, here: Clicks, sdk: stripe.StripeClient, month: Month
) -> None:
    await _issue_all(here, month)
    await _keep_what_is_owed(here)
    number = await _credit_a_lead(here, month)
    await _void_and_issue_again(running, here, sdk, month)
    await _promise_and_pay_in_parts(running, here, month)
    await _work_off_what_differs(here, month, number)
    await _certify(here, month)


async def _step(here: Clicks, month: Month, name: str) -> None:
    """Of the month's close, by its own list of steps."""
    await here.go_to("Month close")
    await here.follow(month.title)
    steps = here.page.get_by_role("navigation", name="Steps").get_by_role("link")
    await here.leave_by(steps.filter(has_text=re.compile(rf"^\s*{name}(?![a-z])")))


async def _issue_all(here: Clicks, month: Month) -> None:
    await _step(here, month, "Issue")
    await expect(here.page.get_by_text("Issues 2 invoices, $313.50 inc. GST").first).to_be_visible()
    await here.do("Issue all that are ready")
    await here.until_shown(here.page.get_by_text("2 invoices issued"))
    await here.follow("Next: issued")
    for installer, total in ((month.paying, "$209.00"), (month.moved, "$104.50")):
        await expect(here.page.get_by_role("row", name=installer)).to_contain_text(total)


async def _keep_what_is_owed(here: Clicks) -> None:
    await here.follow("Next: receivables")
    await here.do("Take a snapshot")
    await expect(here.page.get_by_text("Taken: it stands below")).to_be_visible()
    await here.follow("Next: reconcile")
    await expect(here.page.locator("main").get_by_role("link", name="Certify the books")).to_be_visible()


async def _open_invoice(here: Clicks, month: Month, installer: str) -> None:
    await _step(here, month, "Issued")
    await here.leave_by(here.page.get_by_role("row", name=installer).get_by_role("link", name=re.compile("^WB-")))
    await expect(here.page.get_by_role("heading", level=1)).to_have_text(re.compile(r"WB-\d{6}"))


async def _credit_a_lead(here: Clicks, month: Month) -> str:
    """The invoice's number."""
    await _open_invoice(here, month, month.paying)
    await here.do("Give a credit", reason_code="invalid_contact", amount="95.00", notes="Not connected")
    await expect(here.page.get_by_text("Given, or waiting for a second operator")).to_be_visible()
    return await here.page.get_by_role("heading", level=1).inner_text()


async def _void_and_issue_again(running: Running, here: Clicks, sdk: stripe.StripeClient, month: Month) -> None:
    """What it billed is drafted, made at Stripe and issued again, by the month's own steps."""
    await _open_invoice(here, month, month.moved)
    await here.do("Void", reason_code="wrong_details", notes="Their old address")
    await expect(here.page.locator(HEAD_CHIP)).to_have_text("Void")
    await _step(here, month, "Drafts")
    await here.do("Generate drafts")
    await here.until_shown(here.page.get_by_text("1 invoice drafted"))
    draft, reference = await _made_at_stripe(running, sdk, month.moved_id)
    await here.follow("Next: review")
    await here.follow(month.moved)
    await expect(here.page).to_have_url(re.compile(draft))
    await here.do("Keep its Stripe reference", stripe_invoice_id=reference)
    await expect(here.page.get_by_text("Kept: it can be issued with the others")).to_be_visible()
    await _step(here, month, "Issue")
    await here.do("Issue all that are ready")
    await here.until_shown(here.page.get_by_text("1 invoice issued"))
    await _open_invoice(here, month, month.moved)
    await expect(here.page.locator(HEAD_CHIP)).to_have_text("Issued")


async def _promise_and_pay_in_parts(running: Running, here: Clicks, month: Month) -> None:
    """By two sums of the account, the first of which leaves some of what was promised."""
    await _open_invoice(here, month, month.paying)
    until = running.system.clock.now().astimezone(ZONE).date() + timedelta(days=3)
    await here.do("Note a promise to pay", promised_for=until.isoformat(), promised_by="Their bookkeeper")
    await expect(here.page.get_by_text("Noted").first).to_be_visible()
    for amount, status in (("60.00", "Partially paid"), ("44.50", "Paid")):
        await _receive(here, month, amount)
        await _open_invoice(here, month, month.paying)
        await expect(here.page.locator(HEAD_CHIP)).to_have_text(status)
    running.system.clock.move_to(at(until + timedelta(days=1), 9))
    await here.until_shown(here.page.get_by_text("Kept", exact=True))


async def _receive(here: Clicks, month: Month, amount: str) -> None:
    """From the invoice that is shown, by its account."""
    await here.follow(month.paying)
    await here.do("Record a receipt", amount=amount)
    await here.fill(here.page.locator("main form.form").last, reference=f"Bank {marked()}")
    await here.press("Record it")
    await expect(here.page.get_by_role("heading", level=1)).to_be_visible()
    await expect(here.page).to_have_url(re.compile("/console/receipts/"))


async def _work_off_what_differs(here: Clicks, month: Month, number: str) -> None:
    """Credited and paid by transfer here: at Stripe it stays open, and whole."""
    await _step(here, month, "Reconcile")
    await here.follow("Compare with Stripe")
    await here.do("Compare now")
    await here.until_shown(here.page.locator(HEAD_CHIP, has_text="Finished"))
    for kind in ("Another state", "Missing at Stripe"):
        await _step(here, month, "Reconcile")
        await here.follow("What differs from Stripe")
        await here.find(number)
        row = here.page.get_by_role("row").filter(has_text=kind).filter(has_text="Open")
        await here.leave_by(row.get_by_role("rowheader").get_by_role("link"))
        await here.do("Accept", reason_code="settled_elsewhere", reason="By our own note, and by transfer")
        await expect(here.page.locator(HEAD_CHIP)).to_have_text("Accepted")


async def _certify(here: Clicks, month: Month) -> None:
    await _step(here, month, "Reconcile")
    await here.follow("Certify the books")
    await here.do("Certify the books")
    await expect(here.page.get_by_role("heading", level=1)).to_have_text(re.compile("^Certificate of "))
    await expect(here.page.locator(HEAD_CHIP).first).to_have_text(re.compile("tie"))
    await expect(here.page.get_by_text("Does not hold")).to_have_count(0)
