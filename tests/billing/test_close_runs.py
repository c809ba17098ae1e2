"""Runs over a month: portions, outcomes by installer, dry ones, and what a crash or a second run leaves."""

import csv
import io
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from contracts.identity import Role
from services.billing import closing
from services.billing.commands.drafts import DraftResult, GenerateDrafts, generate_drafts
from services.billing.commands.references import KeepReference, keep_reference
from services.billing.domain.close_runs import CURES, OTHERWISE, RunKind, reason_of
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Account
from services.billing.stripe_gateway import StripeLine
from tests.billing.arrangements import Books, march, sent
from tests.billing.arrangements_close_runs import ready_drafts, run_of, runner, start
from tests.billing.desk import Desk, answering, code_of
from tests.billing.fake_stripe import FakeStripe
from tests.billing.windows import Window
from tests.kit.identity import TestIdentity

MONTH: dict[str, Any] = {"period": "2026-03"}
RUNS, MONTHS = "/console/close-runs", "/console/month-close"
CHEAPER = [StripeLine("Exclusive leads delivered", 1, 8_400, 8_400, 840)]
GENERATE, ISSUE = "/admin/billing/generate-invoice-drafts", "/admin/billing/issue-invoices"


class TestDrafting:
    async def test_goes_on_in_portions_and_tells_its_end_once(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(closing, "MOST_INSTALLERS", 2)
        await books.deliver(*[sent(await books.priced_installer(), march(3)) for _ in range(5)])
        run_id, working = await start(books, RunKind.DRAFT), runner(books)
        counts = []
        while await working.step():
            counts.append((await run_of(books, run_id)).drafted_count)
        assert counts == [2, 4, 5]
        (told,) = await books.published("month.drafted")
        assert (told["subject_id"], told["drafted_count"], told["failed_count"]) == (str(run_id), 5, 0)
        assert told["total_cents"] == 5 * 9_350 == (await run_of(books, run_id)).total_cents

    async def test_cuts_portions_by_lines_and_lets_one_installer_have_more(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(closing, "MOST_LINES", 3)
        for lines in (5, 2, 2):
            installer_id = await books.priced_installer()
            await books.deliver(*(sent(installer_id, march(3)) for _ in range(lines)))
        run_id, working = await start(books, RunKind.DRAFT), runner(books)
        counts = []
        while await working.step():
            counts.append((await run_of(books, run_id)).done_count)
        assert counts == [1, 3]

    async def test_a_second_run_drafts_anew_only_what_changed(self, desk: Desk, books: Books) -> None:
        first, second = await books.priced_installer(), await books.priced_installer()
        await books.deliver(sent(first, march(3)), sent(second, march(3)))
        await desk.do("POST", GENERATE, MONTH)
        await books.deliver(sent(second, march(9)))
        run = await desk.do("POST", GENERATE, MONTH)
        assert (run["unchanged_count"], run["redrafted_count"], run["drafted_count"]) == (1, 1, 0)
        assert {one["installer_id"]: one["outcome"] for one in run["results"]} == {
            str(first): "unchanged",
            str(second): "redrafted",
        }

    async def test_whose_deliveries_are_held_since_it_began_fails_alone(self, books: Books) -> None:
        priced, unpriced = await books.priced_installer(), await books.priced_installer()
        await books.deliver(sent(priced, march(3)), sent(unpriced, march(4)))
        await books.close_plan(unpriced, march(5))
        run_id = await start(books, RunKind.DRAFT)
        await books.deliver(sent(unpriced, march(6)))
        assert await runner(books).step()
        rows = await books.rows("SELECT installer_id, outcome, reasons FROM close_results")
        told = {row.installer_id: (row.outcome, [each["code"] for each in row.reasons]) for row in rows}
        assert told == {priced: ("drafted", []), unpriced: ("failed", ["held_deliveries"])}
        assert (await run_of(books, run_id)).failed_count == 1

    @pytest.mark.parametrize("fault", ["SELECT 1 / 0", "SET LOCAL statement_timeout = 1; SELECT pg_sleep(60)"])
    async def test_a_fault_of_ours_or_what_takes_too_long_is_found_by_halves_and_told_of_one(
        self, books: Books, monkeypatch: pytest.MonkeyPatch, fault: str
    ) -> None:
        installers = [await books.priced_installer() for _ in range(5)]
        await books.deliver(*(sent(installer_id, march(3)) for installer_id in installers))
        cursed = installers[3]

        async def generate(session: AsyncSession, command: GenerateDrafts, now: datetime) -> list[DraftResult]:
            if cursed in (command.installer_ids or ()):
                for statement in fault.split("; "):
                    await session.execute(text(statement))
            return await generate_drafts(session, command, now)

        monkeypatch.setattr("services.billing.closing.generate_drafts", generate)
        await start(books, RunKind.DRAFT)
        await runner(books).step()
        rows = await books.rows("SELECT installer_id, reasons FROM close_results WHERE outcome = 'failed'")
        assert [(row.installer_id, row.reasons[0]["code"]) for row in rows] == [(cursed, "fault")]
        assert await books.value("SELECT count(*) FROM invoices") == 4

    async def test_of_a_month_without_anything_is_finished_at_once(self, desk: Desk) -> None:
        run = await desk.do("POST", GENERATE, MONTH)
        assert (run["state"], run["planned_count"], run["results"]) == ("finished", 0, [])


class TestDryRuns:
    async def test_of_drafts_give_the_runs_answer_and_change_nothing(self, desk: Desk, books: Books) -> None:
        late = await books.issued_invoice()
        await books.deliver(sent(late.account_id, march(20)), sent(await books.priced_installer(), march(3)))
        before = await books.rows("SELECT * FROM invoices")
        dry = await desk.do("POST", GENERATE, MONTH | {"dry_run": True})
        assert await books.rows("SELECT * FROM invoices") == before
        assert await books.published("month.drafted") == []
        assert await books.rows("SELECT * FROM audit_entries") == []
        real = await desk.do("POST", GENERATE, MONTH)
        assert _told(dry) == _told(real)
        assert (dry["dry_run"], dry["drafted_count"], dry["failed_count"]) == (True, 1, 1)

    async def test_of_an_issue_give_the_runs_answer_and_change_nothing(self, desk: Desk, books: Books) -> None:
        drafts = await ready_drafts(books, 3)
        async with books.unit() as session:
            account = await session.get_one(Account, (await books.invoice(drafts[0])).account_id)
            account.billing_email = ""
        before = await books.rows("SELECT * FROM invoices ORDER BY id")
        dry = await desk.do("POST", ISSUE, MONTH | {"dry_run": True})
        assert (dry["issued_count"], dry["blocked_count"], dry["total_cents"]) == (2, 1, 2 * 9_350)
        assert await books.rows("SELECT * FROM invoices ORDER BY id") == before
        assert await books.value("SELECT count(*) FROM number_series") == 0
        assert await books.published("invoice.issued") == await books.published("month.issued") == []
        assert _told(await desk.do("POST", ISSUE, MONTH)) == _told(dry)


class TestIssuing:
    async def test_issues_what_is_ready_without_gaps_and_names_what_blocks_the_rest(
        self, desk: Desk, books: Books
    ) -> None:
        ready = await ready_drafts(books, 3)
        blocked = await books.draft_of(await books.priced_installer(billing_email=""))
        run = await desk.do("POST", ISSUE, MONTH)
        assert (run["issued_count"], run["blocked_count"], run["failed_count"]) == (3, 1, 0)
        told = run["results"][0]
        assert told["invoice_id"] == str(blocked)
        assert {reason["code"]: reason["owner"] for reason in told["reasons"]} == {
            "buyer_email_missing": "installer_care",
            "stripe_reference_missing": "finance",
        }
        numbers = await books.rows("SELECT number FROM invoices WHERE id = ANY(:ids) ORDER BY number", ids=ready)
        assert [row.number for row in numbers] == ["WB-000001", "WB-000002", "WB-000003"]
        assert len(await books.published("invoice.deliveries_listed")) == 3
        assert (await books.trial_balance())["receivable"] == 3 * 9_350
        (told,) = await books.published("month.issued")
        assert (told["issued_count"], told["blocked_count"], told["total_cents"]) == (3, 1, 3 * 9_350)
        rows = await books.rows("SELECT after, request_id FROM audit_entries WHERE action = 'issue_invoice'")
        assert {row.after["number"] for row in rows} == {row.number for row in numbers}
        assert all(row.request_id and row.after["run_id"] == run["run_id"] for row in rows)

    async def test_leaves_an_invoice_as_a_single_issue_does(self, desk: Desk, books: Books) -> None:
        one, other = await ready_drafts(books, 2)
        await desk.do("POST", f"/admin/billing/invoices/{one}/mark-issued", {})
        await desk.do("POST", ISSUE, MONTH)
        differs = {"id", "account_id", "number", "stripe_invoice_id"}
        first, second = [(await desk.get(f"/admin/billing/invoices/{id_}")) for id_ in (one, other)]
        assert {key for key in first if first[key] != second[key]} <= differs | {"lines"}
        kinds = [event["type"] for event in await books.published() if event["key"] == str(one)]
        assert [event["type"] for event in await books.published() if event["key"] == str(other)] == kinds
        versions = [event["version"] for event in await books.published() if event["key"] == str(other)]
        assert versions == [1, 2, 3]

    async def test_takes_the_chosen_installers_and_the_day_that_is_given(self, desk: Desk, books: Books) -> None:
        one, other = await ready_drafts(books, 2)
        chosen = str((await books.invoice(one)).account_id)
        body = MONTH | {"installer_ids": [chosen], "due_at": "2026-05-01T00:00:00Z"}
        run = await desk.do("POST", ISSUE, body)
        assert (run["planned_count"], run["issued_count"], run["installer_ids"]) == (1, 1, [chosen])
        assert (await desk.get(f"/admin/billing/invoices/{one}"))["due_at"] == "2026-05-01T13:59:59Z"
        assert (await books.invoice(other)).document_status is DocumentStatus.DRAFT

    async def test_looks_each_reference_up_where_a_key_is_set(self, books: Books, identity: TestIdentity) -> None:
        drafts, stripe = await ready_drafts(books, 2), FakeStripe()
        async with books.unit() as session:
            for draft, cents in zip(drafts, (9_350, 9_240), strict=True):
                await keep_reference(session, KeepReference(draft, stripe.add_invoice(cents, lines=CHEAPER)))
        stripe.silent = 2
        async with answering(books.database, identity, books.clock, stripe) as desk:
            away = await desk.do("POST", ISSUE, MONTH)
            run = await desk.do("POST", ISSUE, MONTH)
            exported = await desk.ask("GET", f"/admin/billing/close-runs/{run['run_id']}/results.csv")
            window = Window(desk.client, desk.identity)
            pages = [await window.open(path) for path in (f"{RUNS}/{run['run_id']}", f"{MONTHS}/2026-03/issue")]
        assert [one["code"] for one in away["results"]] == ["stripe_unavailable"] * 2
        assert away["failed_count"] == 2
        outcomes = {one["invoice_id"]: (one["outcome"], one["code"]) for one in run["results"]}
        assert outcomes == {
            str(drafts[0]): ("issued", None),
            str(drafts[1]): ("blocked", "stripe_total_mismatch"),
        }
        (blocked,) = [one["reasons"] for one in run["results"] if one["outcome"] == "blocked"]
        assert [each["code"] for each in blocked] == ["stripe_total_mismatch", "stripe_line_differs"]
        (row,) = [row for row in csv.DictReader(io.StringIO(exported.text)) if row["outcome"] == "blocked"]
        assert row["detail"] == "; ".join(each["detail"] for each in blocked)
        told = "ours is 1 at $85.00, $85.00, GST $8.50; Stripe&#39;s is 1 at $84.00, $84.00, GST $8.40"
        door = f'href="/console/invoices/{drafts[1]}/stripe-comparison"'
        assert [(told in page, page.count(door)) for page in pages] == [(True, 1)] * 2

    async def test_what_somebody_issued_meanwhile_is_unchanged(self, books: Books) -> None:
        one, other = await ready_drafts(books, 2)
        run_id = await start(books, RunKind.ISSUE)
        await books.issue(one)
        await runner(books).step()
        run = await run_of(books, run_id)
        assert (run.issued_count, run.unchanged_count) == (1, 1)
        assert (await books.invoice(other)).number == "WB-000002"

    async def test_needs_a_fresh_second_factor(self, desk: Desk) -> None:
        answer = await desk.ask("POST", ISSUE, MONTH, headers=desk.identity.stale_headers(Role.ADMIN))
        assert (answer.status_code, code_of(answer)) == (403, "step_up_required")


class TestRuns:
    async def test_one_id_is_one_run(self, desk: Desk, books: Books) -> None:
        await books.deliver(sent(await books.priced_installer(), march(3)))
        body = MONTH | {"run_id": str(new_id())}
        first = await desk.do("POST", GENERATE, body)
        assert await desk.do("POST", GENERATE, body) == first
        answer = await desk.ask("POST", GENERATE, body | {"dry_run": True})
        assert (answer.status_code, code_of(answer)) == (409, "close_run_id_taken")

    async def test_are_listed_looked_at_and_exported(self, desk: Desk, books: Books) -> None:
        await ready_drafts(books, 2)
        await desk.do("POST", ISSUE, MONTH | {"dry_run": True})
        run = await desk.do("POST", ISSUE, MONTH)
        listed = await desk.items("/admin/billing/close-runs", period="2026-03", kind="issue", dry_run=False)
        assert [one["run_id"] for one in listed] == [run["run_id"]]
        assert len(await desk.items("/admin/billing/close-runs")) == 2
        path = f"/admin/billing/close-runs/{run['run_id']}"
        assert await desk.get(path) == run
        page = await desk.get(f"{path}/results", limit=1, outcome="issued")
        rest = await desk.items(f"{path}/results", limit=1, outcome="issued", cursor=page["next"])
        assert page["items"] + rest == run["results"]
        answer = await desk.ask("GET", f"{path}/results.csv")
        assert 'filename="issues-2026-03.csv"' in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(row["outcome"], row["number"], row["total"]) for row in rows] == [
            ("issued", one["number"], "93.50") for one in run["results"]
        ]
        [taken] = await books.rows("SELECT subject_id FROM audit_entries WHERE action = 'export_close_run'")
        assert taken.subject_id == run["run_id"]
        unknown = await desk.ask("GET", f"/admin/billing/close-runs/{new_id()}")
        assert (unknown.status_code, code_of(unknown)) == (404, "close_run_not_found")


def test_every_reason_has_its_cure() -> None:
    assert reason_of("held_deliveries", "").cure == CURES["held_deliveries"]
    assert reason_of("total_wrong", "").cure == OTHERWISE


def _told(run: dict[str, Any]) -> Any:
    """What a run says of its installers, but for what is there only once it is done."""
    kept = ("installer_id", "outcome", "total_cents", "line_count", "reasons")
    counts = {key: value for key, value in run.items() if key.endswith(("_count", "_cents"))}
    return counts, [{key: one[key] for key in kept} for one in run["results"]]
