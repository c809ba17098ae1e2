"""Both flows from their first page to their last, in a browser on the running system, with scripts and without."""

import re
from typing import Any
from uuid import uuid4

import pytest
import stripe
from playwright.async_api import expect

from deploy.local.demo.invoices import at_stripe
from deploy.local.demo.people import abn_of
from deploy.local.demo.stage import ZONE, at, first_of_next_month, next_monday
from tests.flows.clicks import Clicks
from tests.flows.people import Person, marked, new_service, submission
from tests.flows.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

UNCOVERED = {"suburb": "Fitzroy", "state": "VIC", "postcode": "3065"}


@pytest.fixture
def sdk(running: Running) -> stripe.StripeClient:
    ours = running.system.addresses.stripe
    assert ours is not None
    return stripe.StripeClient(ours.api_key, base_addresses={"api": ours.api_base})


async def test_a_lead_becomes_a_paid_invoice(running: Running, here: Clicks, sdk: stripe.StripeClient) -> None:
    service, installer, covered, uncovered = new_service(), f"{marked()} Solar", Person(), Person()
    key = await _add_lead_source(here)
    await _add_installer(here, installer, service)
    await _set_prices(here)
    await _post(running, key, submission(covered, service))
    await _post(running, key, submission(uncovered, service, address={"street": uncovered.street, **UNCOVERED}))
    await _work_off_by_hand(here, uncovered, installer)
    for person in (covered, uncovered):
        await _see_it_billable(here, person, installer)
    month = running.system.clock.now().astimezone(ZONE).date()
    running.system.clock.move_to(at(first_of_next_month(month), 8))
    await _close_the_month(here, f"{month:%B %Y}", installer)
    await _issue(here, sdk)
    await here.do("Record a payment", reference=f"Bank {marked()}")
    await expect(here.page.locator(".document-head .title .chip")).to_have_text("Paid")
    await here.go_to("Invoices")
    await here.find(installer)
    await expect(here.page.get_by_role("row", name=installer)).to_contain_text("Paid")


async def _add_lead_source(here: Clicks) -> str:
    """Its key, as it is shown once."""
    await here.go_to("Lead sources")
    await here.follow("Add lead source")
    await here.page.get_by_label("Name").fill(f"{marked()} Quotes")
    await here.press("Add lead source")
    key = await here.page.locator("#api-key").inner_text()
    here.running.secrets.add(key)
    return key


async def _add_installer(here: Clicks, name: str, service: str) -> None:
    await here.go_to("Installers")
    await here.follow("New installer")
    form = here.page.locator("main form.form")
    host = f"{marked().lower()}.example"
    told = {"name": name, "email": f"leads@{host}", "billing_email": f"accounts@{host}", "services": service}
    await here.fill(form, **told, territory="NSW")
    await form.get_by_label("Registered for GST").check()
    await here.press("Add installer")
    await expect(here.page.get_by_role("heading", name=name)).to_be_visible()


async def _set_prices(here: Clicks) -> None:
    """In billing, which hears of the installer by its event; the second factor is asked for again."""
    await here.follow("Plan and invoices")
    await here.until_shown(here.page.locator("summary", has_text="Set prices from a day"))
    await here.let_second_factor_grow_old()
    await here.page.reload()
    await here.do("Set prices from a day", exclusive="95", shared="42.00")
    await expect(here.page.get_by_text("Re-prices 0 of 0 issued")).to_be_visible()
    await here.do("Set these prices", reason="As agreed")
    await here.confirm()
    await expect(here.page.get_by_text("Set: the table below has their days")).to_be_visible()


async def _post(running: Running, key: str, body: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    answer = await running.client.post(running.url("intake", "/leads"), json=body, headers=headers)
    assert answer.status_code == 202, answer.text


async def _work_off_by_hand(here: Clicks, person: Person, installer: str) -> None:
    """Nobody covers where it is: an operator gives it to somebody all the same."""
    await here.open_lead(person.name)
    await here.open_in_queue()
    await here.page.locator("summary", has_text="Assign by hand").click()
    await here.page.get_by_label(installer).check()
    await here.page.locator("#do-assign").get_by_label("Reason").fill("Agreed to go there")
    await here.press("Assign by hand")
    await expect(here.page.get_by_text("Assigned: the lead is on its way")).to_be_visible()


async def _see_it_billable(here: Clicks, person: Person, installer: str) -> None:
    await here.open_lead(person.name)
    await here.until_shown(here.page.get_by_text("Delivered", exact=True))
    if not here.has_scripts:
        await here.follow("See in Billing")
    billing = here.page.locator("section.elsewhere", has=here.page.get_by_role("heading", name="Billing"))
    delivery = billing.get_by_role("row", name=installer)
    await here.until_shown(delivery)
    await expect(delivery).to_contain_text("Billable")
    await expect(delivery).to_contain_text("$95.00")


async def _close_the_month(here: Clicks, month: str, installer: str) -> None:
    """Ends on the installer's draft."""
    await here.go_to("Month close")
    await here.follow(month)
    await expect(here.page.get_by_text("It has ended, and can be closed.")).to_be_visible()
    for step in ("held deliveries", "deliveries not recorded", "open returns", "preview", "drafts"):
        await here.follow(f"Next: {step}")
    await here.do("Generate drafts")
    await here.until_shown(here.page.get_by_text("Drafted by the last run"))
    await here.follow("Next: review")
    await expect(here.page.get_by_role("row", name=installer)).to_contain_text("$209.00")
    await here.follow(installer)


async def _issue(here: Clicks, sdk: stripe.StripeClient) -> None:
    """Made in Stripe as its export says, then issued with Stripe's id."""
    await expect(here.page).to_have_url(re.compile("/console/invoices/"))
    draft_id = here.page.url.rsplit("/", 1)[1]
    export = await here.running.told("GET", "billing", f"/admin/billing/invoices/{draft_id}/export")
    await here.do("Keep its Stripe reference", stripe_invoice_id=at_stripe(sdk, export))
    await expect(here.page.get_by_text("Kept: it can be issued with the others")).to_be_visible()
    await here.do("Mark issued")
    await expect(here.page.get_by_role("heading", level=1)).to_have_text(re.compile(r"WB-\d{6}"))
    await expect(here.page.locator(".figure")).to_have_text("$209.00")


async def test_a_board_becomes_its_experts_pay(running: Running, here: Clicks, sdk: stripe.StripeClient) -> None:
    title, experts = f"{marked()} board", [f"Dr {marked()}" for _ in range(2)]
    for expert in experts:
        await _add_expert(here, sdk, expert)
    await _open_board(here, title)
    await _share_the_pay(here, title, experts)
    await _close_board(here, title)
    await _invoice_the_client(here)
    await here.go_to("Splits")
    await here.find(title)
    await here.follow(title)
    ready = here.page.get_by_role("row", name=experts[0]).get_by_role("link", name="Ready")
    await here.until_shown(ready)
    await here.leave_by(ready)
    await expect(here.page.get_by_text("due with the next sweep")).to_be_visible()
    await _fund_stripe(running)
    running.system.clock.move_to(at(next_monday(running.system.clock.now().astimezone(ZONE).date()), 9, 1))
    await here.until_shown(here.page.locator(".chip", has_text="Sent to Stripe"))
    await expect(here.page.get_by_text("$100.00").first).to_be_visible()


async def _add_expert(here: Clicks, sdk: stripe.StripeClient, name: str) -> None:
    account = sdk.v1.accounts.create(
        {"type": "express", "country": "AU", "capabilities": {"transfers": {"requested": True}}}
    )
    await here.go_to("Experts")
    await here.follow("New expert")
    told = {"name": name, "email": f"{marked().lower()}@experts.example", "stripe_account_id": account.id}
    await here.fill(here.page.locator("main form.form"), **told)
    await here.press("Add expert")
    await expect(here.page.get_by_role("heading", name=name)).to_be_visible()


async def _open_board(here: Clicks, title: str) -> None:
    """For a new client."""
    await here.go_to("Clients")
    await here.follow("Add client")
    form, host = here.page.locator("main form.form"), f"{marked().lower()}.example"
    abn = abn_of(uuid4().int % 10**9)
    await here.fill(form, name=f"{marked()} Advisory", abn=abn, billing_email=f"accounts@{host}")
    await here.press("Add client")
    await here.follow("Open board")
    await here.fill(form, title=title, contracted_amount_cents="1,000.00")
    await here.press("Open board")
    await expect(here.page.get_by_role("heading", name=title)).to_be_visible()


async def _share_the_pay(here: Clicks, title: str, experts: list[str]) -> None:
    """A fixed fee for the first, the rest of the pool for the second; shown before it is saved."""
    await here.follow("Experts' pay")
    await here.until_shown(here.page.get_by_role("link", name="Change participations"))
    await here.follow("Change participations")
    for row, (expert, rule, value) in enumerate(zip(experts, ("fixed", "share"), ("100", "1"), strict=True), 1):
        await here.page.get_by_label(f"Expert of row {row}").select_option(label=expert)
        await here.page.get_by_label(f"Rule of row {row}").select_option(rule)
        await here.page.get_by_label(f"Value of row {row}").fill(value)
    await here.press("Show the split")
    await expect(here.page.get_by_role("row", name=experts[1]).last).to_contain_text("$600.00")
    await here.press("Save participations")
    await expect(here.page.get_by_role("heading", name=title, exact=True)).to_be_visible()


async def _close_board(here: Clicks, title: str) -> None:
    await here.go_to("Boards")
    await here.find(title)
    await here.follow(title)
    await here.do("Close board")
    await expect(here.page.locator(".action.impossible", has_text="it is closed")).to_have_count(1)


async def _invoice_the_client(here: Clicks) -> None:
    """The draft that came of the close is reviewed, gets another line, goes out and is paid."""
    await here.follow("Client invoices")
    await here.until_shown(here.page.get_by_role("rowheader").get_by_role("link"))
    await here.open_first()
    await here.page.get_by_label("Description of line 2").fill("Travel, at cost")
    await here.page.get_by_label("Price of line 2").fill("250.50")
    await here.press("Save lines")
    await expect(here.page.locator(".figure")).to_have_text("$1,375.55")
    await here.do("Send invoice")
    await expect(here.page.get_by_role("heading", level=1)).to_have_text(re.compile(r"WB-\d{6}"))
    await here.do("Mark paid")
    await expect(here.page.locator(".document-head .title .chip")).to_have_text("Paid")


async def _fund_stripe(running: Running) -> None:
    ours = running.system.addresses.stripe
    assert ours is not None
    answer = await running.client.post(f"{ours.api_base}/_control/balance/top_up", json={"amount": 3_000_000})
    answer.raise_for_status()
