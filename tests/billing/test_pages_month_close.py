"""Closing a month by its steps: each tells where it stands by the books alone, and nothing is lost by leaving."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

import pytest

from contracts.identity import Role
from contracts.values import ProductType
from services.billing.domain.month_close import (
    CloseStep,
    DraftingObstacle,
    DraftState,
    Outlier,
    draft_state,
    obstacle_to_drafting,
    outlier_of,
    usual_of,
)
from services.billing.domain.periods import Period
from services.billing.domain.statuses import DocumentStatus
from tests.billing.arrangements import LONG_AGO, SYDNEY, Books, march, sent
from tests.billing.desk import Desk
from tests.billing.windows import Window

PATH = "/console/month-close"
MARCH_PATH = f"{PATH}/2026-03"
STEPS = ("", *(f"/{step}" for step in CloseStep if step is not CloseStep.MONTH))


@pytest.mark.parametrize(
    ("unbilled", "document", "state"),
    [
        (1, None, DraftState.TO_DRAFT),
        (0, DocumentStatus.DRAFT, DraftState.DRAFTED),
        (1, DocumentStatus.DRAFT, DraftState.STALE),
        (0, DocumentStatus.ISSUED, DraftState.ISSUED),
        (1, DocumentStatus.ISSUED, DraftState.LATE),
    ],
)
def test_where_an_installer_stands(unbilled: int, document: DocumentStatus | None, state: DraftState) -> None:
    assert draft_state(unbilled, document) is state


@pytest.mark.parametrize(
    ("cents", "former", "outlier"),
    [
        (100, [], Outlier.FIRST_MONTH),
        (0, [], None),
        (0, [100], Outlier.NOTHING_NOW),
        (199, [100, 100, 900], None),
        (200, [100, 100, 900], Outlier.FAR_MORE),
        (51, [100], None),
        (50, [100], Outlier.FAR_LESS),
    ],
)
def test_what_is_unlike_former_months(cents: int, former: list[int], outlier: Outlier | None) -> None:
    assert outlier_of(cents, former) is outlier


def test_the_usual_month_is_the_median() -> None:
    assert usual_of([100, 900, 200, 300]) == 250


def test_what_is_in_the_way_of_drafting() -> None:
    assert obstacle_to_drafting(has_ended=False, held_count=1) is DraftingObstacle.NOT_ENDED
    assert obstacle_to_drafting(has_ended=True, held_count=1) is DraftingObstacle.HELD
    assert obstacle_to_drafting(has_ended=True, held_count=0) is None


async def test_a_month_is_chosen_from_the_latest(books: Books, window: Window) -> None:
    await books.deliver(sent(await books.priced_installer(), march(10)))
    page = await window.open(PATH)
    assert f'href="{MARCH_PATH}"' in page
    assert "Still open" in page
    assert "To draft" in page
    assert "October 2025" in page
    assert "September 2025" not in page
    answer = await window.client.get(f"{PATH}?month=2025-01", headers=window.headers())
    assert answer.headers["location"] == f"{PATH}/2025-01"
    await window.open(f"{PATH}?month=2025-13", status=422)
    await window.open(f"{PATH}/2025-00", status=422)


async def test_the_boundaries_are_told_in_both_zones(window: Window) -> None:
    page = await window.open(MARCH_PATH)
    assert "1 Mar 2026, 12:00 am" in page
    assert "2026-02-28 13:00 UTC" in page
    assert "2026-03-31 13:00 UTC" in page


async def test_every_step_stands_on_an_empty_month(window: Window) -> None:
    for step in STEPS:
        await window.open(MARCH_PATH + step)
        await window.open(f"{PATH}/2099-12{step}")


class TestHeldDeliveries:
    async def test_hold_the_month_up(self, books: Books, window: Window) -> None:
        installer_id = await books.installer(name="<b>Sunny</b> Roofs")
        await books.deliver(sent(installer_id, march(10)), sent(installer_id, march(11)))
        page = await window.open(f"{MARCH_PATH}/held")
        assert "2 deliveries have no price" in page
        assert "<b>Sunny</b>" not in page
        assert "/console/held-deliveries?state=waits&amp;month=2026-03" in page
        assert page.count(f'<a href="/console/accounts/{installer_id}#set_prices-effective_day">Set prices</a>') == 2
        page = await window.open(f"{MARCH_PATH}/drafts")
        assert "<strong>Generate drafts</strong>: deliveries of it have no price" in page
        await window.send(f"{MARCH_PATH}/drafts", status=409)

    async def test_that_got_their_price_do_not(self, books: Books, window: Window) -> None:
        installer_id = await books.installer()
        await books.deliver(sent(installer_id, march(10)))
        await books.plan(installer_id, LONG_AGO, 8_500, 3_850)
        assert "Every delivery of the month has its price" in await window.open(f"{MARCH_PATH}/held")


class TestThePreview:
    async def test_sums_what_the_month_comes_to(self, books: Books, window: Window) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(sent(installer_id, march(10)), sent(installer_id, march(11), ProductType.SHARED))
        page = await window.open(f"{MARCH_PATH}/preview")
        assert page.count("$123.50") == 2
        assert page.count("$135.85") == 2
        assert "First month" in page
        doors = {
            unescape(path) for path in re.findall(r'href="(/console/delivery-events\?month=[^"]*status=[^"]*)"', page)
        }
        month = "/console/delivery-events?month=2026-03"
        assert doors == {
            f"{month}{whose}&status=billable{product}"
            for whose in ("", f"&installer_id={installer_id}")
            for product in ("", "&product=exclusive", "&product=shared")
        }

    async def test_marks_who_is_unlike_former_months(self, books: Books, window: Window, desk: Desk) -> None:
        steady, gone = await books.priced_installer(name="Steady"), await books.priced_installer(name="Gone")
        february = Period.of_month("2026-02", SYDNEY)
        in_february = datetime(2026, 2, 10, tzinfo=UTC)
        await books.deliver(sent(steady, in_february), sent(gone, in_february))
        await books.drafts(february)
        await books.deliver(sent(steady, march(10)))
        page = await window.open(f"{MARCH_PATH}/preview")
        assert "1 installer is unlike former months" in page
        assert page.index(">Gone<") < page.index("Nothing this month") < page.index(">Steady<")
        told = await desk.get("/admin/billing/preview-invoice-period", period="2026-03")
        (here,), (former,) = told["installers"], told["gone"]
        assert (here["installer_name"], here["usual_subtotal_cents"], here["outlier"]) == ("Steady", 8_500, None)
        assert (former["installer_name"], former["usual_subtotal_cents"], former["outlier"]) == (
            "Gone",
            8_500,
            "nothing_now",
        )
        of_one = await desk.get("/admin/billing/preview-invoice-period", period="2026-02", installer_id=str(gone))
        assert ([each["outlier"] for each in of_one["installers"]], of_one["gone"]) == (["first_month"], [])

    async def test_is_possible_before_the_end(self, books: Books, window: Window) -> None:
        await books.deliver(sent(await books.priced_installer(), books.clock.now()))
        assert "$93.50" in await window.open(f"{PATH}/2026-04/preview")
        page = await window.open(f"{PATH}/2026-04/drafts")
        assert "<strong>Generate drafts</strong>: the month has not ended" in page
        await window.send(f"{PATH}/2026-04/drafts", status=409)


class TestDrafts:
    async def test_are_generated_and_told_by_installer(self, books: Books, window: Window) -> None:
        await books.deliver(sent(await books.priced_installer(), march(10)))
        assert "Drafts 1 invoice and drafts 0 again" in await window.open(f"{MARCH_PATH}/drafts")
        answer = await window.send(f"{MARCH_PATH}/drafts")
        page = await window.open(answer.headers["location"])
        assert "1 invoice drafted, $93.50 inc. GST" in page
        assert "Drafted by the last run" in page
        assert "1 draft waits" in page

    async def test_are_generated_again_at_will(self, books: Books, window: Window) -> None:
        await books.deliver(sent(await books.priced_installer(), march(10)))
        await window.send(f"{MARCH_PATH}/drafts")
        await books.deliver(sent(await books.priced_installer(name="Later Solar"), march(11)))
        await window.send(f"{MARCH_PATH}/drafts")
        await window.send(f"{MARCH_PATH}/drafts")
        page = await window.open(f"{MARCH_PATH}/drafts")
        assert (page.count("Drafted by the last run"), page.count("Was there already")) == (1, 1)

    async def test_leave_out_what_came_late_and_draft_the_others(self, books: Books, window: Window) -> None:
        invoice = await books.issued_invoice()
        await books.deliver(sent(invoice.account_id, march(20)))
        await books.deliver(sent(await books.priced_installer(name="Another Solar"), march(11)))
        await window.send(f"{MARCH_PATH}/drafts")
        page = await window.open(f"{MARCH_PATH}/drafts")
        assert "1 installer is left out" in page
        assert "Charge them by a debit on the invoice, or void them (finance)" in page
        assert "Late deliveries" in page
        assert "Drafted by the last run" in page
        assert "1 late" in page

    async def test_are_tried_first_and_nothing_is_changed(self, books: Books, window: Window) -> None:
        await books.deliver(sent(await books.priced_installer(), march(10)))
        await window.send(f"{MARCH_PATH}/drafts", dry_run="true")
        page = await window.open(f"{MARCH_PATH}/drafts")
        assert "Dry run: 1 invoice drafted, $93.50 inc. GST" in page
        assert "Nothing was changed" in page
        assert "Would be drafted" in page
        assert await books.value("SELECT count(*) FROM invoices") == 0

    async def test_sent_twice_are_one_run(self, books: Books, window: Window) -> None:
        await books.deliver(sent(await books.priced_installer(), march(10)))
        for _ in range(2):
            await window.send(f"{MARCH_PATH}/drafts", run_id=str(UUID(int=4)))
        assert await books.value("SELECT count(*) FROM close_runs") == 1
        page = await window.open(f"/console/close-runs/{UUID(int=4)}")
        assert "Drafts of March 2026" in page
        answer = await window.client.get(f"/console/close-runs/{UUID(int=4)}/results.csv", headers=window.headers())
        assert ",drafted," in answer.text

    async def test_are_not_an_editors_to_generate(self, window: Window) -> None:
        page = await window.open(f"{MARCH_PATH}/drafts", Role.EDITOR)
        assert "Super admins and admins can do it" in page
        await window.send(f"{MARCH_PATH}/drafts", Role.EDITOR, status=403)


class TestReview:
    async def test_tells_what_each_draft_asks_for(self, books: Books, window: Window) -> None:
        installer_id = await books.priced_installer(name="Two Prices")
        await books.plan(installer_id, march(15), 9_500, 3_850)
        await books.draft_of(installer_id, sent(installer_id, march(10)), sent(installer_id, march(20)))
        page = await window.open(f"{MARCH_PATH}/review")
        assert "1 exclusive leads delivered at $85.00; 1 exclusive leads delivered at $95.00" in page
        assert "2 prices of exclusive leads delivered: its plan changed in the month" in page
        assert page.count("$198.00") == 3


class TestIssue:
    async def test_tells_the_blocked_from_the_ready_and_who_cures_it(self, books: Books, window: Window) -> None:
        ready, blocked = (
            await books.priced_installer(name="Ready"),
            await books.priced_installer(name="Blocked", billing_email=""),
        )
        await books.deliver(sent(ready, march(10)), sent(blocked, march(10)))
        drafts = {each.installer_id: each.invoice_id for each in await books.drafts()}
        await keep(window, drafts[ready], books.stripe_id())
        page = await window.open(f"{MARCH_PATH}/issue")
        assert "Issues 1 invoice, $93.50 inc. GST; 1 is blocked, see why" in page
        assert "Nothing is issued yet" in page
        assert page.index(">Blocked<", page.index("t-1")) < page.index("no billing e-mail") < page.index(">Ready<")
        assert "Installer care: super admins, admins and editors." in page
        assert f"/console/invoices/{drafts[blocked]}#do-keep_reference" in page

    async def test_issues_all_that_are_ready_and_names_the_others(self, books: Books, window: Window) -> None:
        ready, blocked = await books.priced_installer(name="Ready"), await books.priced_installer(name="Blocked")
        await books.deliver(sent(ready, march(10)), sent(blocked, march(10)))
        drafts = {each.installer_id: each.invoice_id for each in await books.drafts()}
        await keep(window, drafts[ready], books.stripe_id())
        await window.send(f"{MARCH_PATH}/issue/dry-run")
        page = await window.open(f"{MARCH_PATH}/issue")
        assert "Dry run: 1 invoice issued, $93.50 inc. GST; 1 blocked, see why" in page
        assert await books.value("SELECT count(*) FROM invoices WHERE number IS NOT NULL") == 0
        await window.send(f"{MARCH_PATH}/issue/all", due_day="2026-04-20")
        page = await window.open(f"{MARCH_PATH}/issue")
        assert "1 invoice issued, $93.50 inc. GST; 1 blocked, see why" in page
        assert "Make the invoice in Stripe from its export and keep its id on the draft (finance)" in page
        invoice = await books.invoice(drafts[ready] or ready)
        assert (invoice.number, invoice.due_at) == ("WB-000001", datetime(2026, 4, 20, 13, 59, 59, tzinfo=UTC))

    async def test_asks_for_a_fresh_second_factor_and_a_later_due_day(self, books: Books, window: Window) -> None:
        draft = await books.draft_of(await books.priced_installer())
        await keep(window, draft, books.stripe_id())
        await window.send(
            f"{MARCH_PATH}/issue/all", status=403, options={"mfa_at": datetime.now(UTC) - timedelta(hours=1)}
        )
        await window.send(f"{MARCH_PATH}/issue/all", status=422, due_day="2026-04-01")
        assert (await books.invoice(draft)).number is None

    async def test_leads_to_what_is_out(self, books: Books, window: Window) -> None:
        invoice = await books.issued_invoice()
        await books.pay(invoice.id, 5_000, "bank 1")
        page = await window.open(f"{MARCH_PATH}/issued")
        assert f'href="/console/invoices/{UUID(str(invoice.id))}"' in page
        assert page.count("$43.50") == 2
        assert "Partially paid" in page
        assert "1 issued, 1 unpaid" in page
        assert "No draft is ready" in await window.open(f"{MARCH_PATH}/issue")


class TestTheSnapshotAfterIt:
    async def test_keeps_what_is_owed_then_once(self, books: Books, window: Window, desk: Desk) -> None:
        await window.send(f"{MARCH_PATH}/snapshot", status=409)
        assert "no invoice of the month is issued yet" in await window.open(f"{MARCH_PATH}/snapshot")
        await books.issued_invoice()
        for _ in range(2):
            await window.send(f"{MARCH_PATH}/snapshot", snapshot_id=str(UUID(int=3)))
        page = await window.open(f"{MARCH_PATH}/snapshot")
        assert "1 snapshot taken" in page
        assert f"/console/receivables/snapshots/{UUID(int=3)}" in page
        told = await desk.do("POST", "/admin/billing/months/2026-03/snapshot", {"snapshot_id": str(UUID(int=3))})
        assert (told["kind"], told["period"], told["ties"]) == ("month_issued", "2026-03", True)
        assert await books.value("SELECT count(*) FROM audit_entries WHERE action LIKE 'take%'") == 1


async def keep(window: Window, invoice_id: UUID | None, reference: str) -> None:
    await window.send(f"/console/invoices/{invoice_id}/keep-reference", stripe_invoice_id=reference)
