"""Statements of account: their balances are the ledger's, their PDF says what they say, and they are mailed once."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.domain.journal import PostingKind
from services.billing.domain.statements import AccountStatement, StatementLine, description_of
from tests.billing.arrangements import NOW, Books, client_state, words
from tests.billing.arrangements_settlement import apply_credit
from tests.billing.arrangements_stripe import pay_at_stripe
from tests.billing.desk import Desk, code_of, faults
from tests.billing.windows import Window

APRIL, MARCH = {"from": "2026-04-01", "to": "2026-04-02"}, {"from": "2026-03-01", "to": "2026-03-31"}


async def busy_account(books: Books) -> UUID:
    """A client: billed 110.00 in February; in March paid in part, and billed 220.00; in April credited and overpaid."""
    client = client_state(new_id(), abn="33102417032")
    issued = []
    for at, cents in ((datetime(2026, 2, 10, 2, tzinfo=UTC), 10_000), (datetime(2026, 3, 10, 2, tzinfo=UTC), 20_000)):
        books.clock.instant = at
        draft = await books.board_draft(cents, client=client)
        issued.append((await books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)).id)
    await books.pay(issued[0], 1_000, "bank 7")
    books.clock.instant = NOW - timedelta(hours=1)
    await books.credit(issued[1], 5_000)
    await pay_at_stripe(books, issued[0], 15_000)
    await apply_credit(books, issued[1], 2_000)
    books.clock.instant = NOW
    return client.id


async def ledger(books: Books, account_id: UUID, until: str) -> int:
    """What the account's invoices and the account itself say in the journal, less what is its own."""
    cents: int = await books.value(
        """
        SELECT coalesce(sum(e.amount_cents), 0)::bigint FROM journal_entries e JOIN journal_postings p
            ON p.id = e.posting_id
        WHERE e.account IN ('receivable', 'customer_credit') AND p.party_id = :id
            AND p.posted_at < CAST(:until AS text)::timestamptz
        """,
        id=account_id,
        until=until,
    )  # fmt: skip
    return cents


def line(kind: PostingKind, cents: int, note: str | None = None) -> StatementLine:
    return StatementLine(UUID(int=1), NOW, kind, cents, "WB-000001", note)


class TestTheStatement:
    def test_carries_its_balance_from_line_to_line(self) -> None:
        lines = [line(PostingKind.INVOICE_ISSUED, 500), line(PostingKind.PAYMENT_RECEIVED, -700, "bank 1")]
        it = AccountStatement(NOW.date(), NOW.date(), 100, -100, lines, ())
        assert [balance for _, balance in it.balances()] == [600, -100]
        assert (it.charged_cents, it.credited_cents, it.overdue_cents) == (500, 700, 0)

    @pytest.mark.parametrize("kind", [kind for kind in PostingKind if not kind.startswith(("payout", "stripe"))])
    def test_says_each_kind_of_posting_in_words(self, kind: PostingKind) -> None:
        told = description_of(line(kind, 1, "bank 1"))
        assert "_" not in told
        assert told.endswith(", bank 1")

    async def test_opens_and_closes_as_the_ledger_does(self, books: Books, desk: Desk) -> None:
        account_id = await busy_account(books)
        path = f"/admin/accounts/{account_id}/statement"
        march, april = await desk.get(path, **MARCH), await desk.get(path, **APRIL)
        assert march["opening_cents"] == await ledger(books, account_id, "2026-02-28T13:00:00Z") == 11_000
        assert march["closing_cents"] == april["opening_cents"] == 32_000
        assert april["closing_cents"] == await ledger(books, account_id, "2026-04-02T13:00:00Z") == 11_500
        credit, paid = april["lines"]
        assert (credit["description"], credit["balance_cents"]) == ("Credit on WB-000002, WB-A-000001", 26_500)
        assert paid["description"].startswith("Payment for WB-000001, pi_")
        assert (paid["amount_cents"], paid["balance_cents"]) == (-15_000, 11_500)
        assert [(each["number"], each["owed_cents"]) for each in april["open_invoices"]] == [("WB-000002", 14_500)]
        owed = await desk.get("/admin/billing/receivables/invoices", as_of="2026-03-31", account_id=str(account_id))
        assert sum(each["owed_cents"] for each in march["open_invoices"]) == owed["owed_cents"]

    @pytest.mark.parametrize(
        ("days", "fault"),
        [
            ({"from": "2026-04-02", "to": "2026-04-03"}, {"to_day": "still_to_come"}),
            ({"from": "2026-04-02", "to": "2026-04-01"}, {"from_day": "after_its_end"}),
            ({"from": "2024-01-01", "to": "2026-04-01"}, {"from_day": "too_long"}),
        ],
        ids=["of tomorrow", "backwards", "of three years"],
    )
    async def test_refuses_days_that_it_cannot_be_of(
        self, books: Books, desk: Desk, days: Any, fault: dict[str, str]
    ) -> None:
        account_id = await books.installer()
        refused = await desk.ask("GET", f"/admin/accounts/{account_id}/statement", params=days)
        assert (refused.status_code, code_of(refused), faults(refused)) == (422, "statement_days_invalid", fault)


@pytest.mark.slow
class TestItsDocument:
    async def test_is_the_same_each_time_and_says_what_the_lines_say(self, books: Books, desk: Desk) -> None:
        account_id = await busy_account(books)
        path = f"/admin/accounts/{account_id}/statement.pdf"
        first, second = [await desk.ask("GET", path, params=APRIL) for _ in range(2)]
        assert first.content == second.content
        taken = await books.rows("SELECT subject_id, after FROM audit_entries WHERE action = 'export_statement'")
        assert [each.subject_id for each in taken] == [str(account_id)] * 2
        assert taken[0].after == {"format": "pdf", "from_day": "2026-04-01", "to_day": "2026-04-02"}
        text = words(first.content)
        for told in (
            "Statement of account 1 Apr 2026 to 2 Apr 2026",
            "Harbour Bank Ltd, Accounts Payable ABN 33 102 417 032",
            "1 Apr 2026 Opening balance $320.00",
            "Closing balance, AUD $115.00",
            "Left to pay on 2 Apr 2026",
            "WB-000002",
        ):
            assert told in text, told

    async def test_is_mailed_once_and_kept(self, books: Books, desk: Desk, window: Window) -> None:
        account_id = await busy_account(books)
        path, statement_id = f"/admin/accounts/{account_id}/statements", str(new_id())
        body = {"from_day": "2026-04-01", "to_day": "2026-04-02", "statement_id": statement_id}
        sent = await desk.do("POST", path, body)
        await desk.do("POST", path, body)
        (event,) = await books.published("statement.sent")
        content = base64.b64decode(event["content_base64"])
        assert event["sha256"] == hashlib.sha256(content).hexdigest() == sent["sha256"]
        assert (event["recipient_email"], event["closing_cents"]) == ("ap@harbour-bank.example", 11_500)
        assert [each["id"] for each in await desk.items(path)] == [statement_id]
        kept = await desk.ask("GET", f"{path}/{statement_id}/document")
        assert kept.content == content
        refused = await desk.ask("POST", path, body | {"to_day": "2026-04-01"})
        assert (refused.status_code, code_of(refused)) == (409, "statement_id_taken")
        assert await books.value("SELECT count(*) FROM audit_entries WHERE action = 'send_statement'") == 1
        page = await window.open(f"/console/accounts/{account_id}/statement?from=2026-04-01&to=2026-04-02")
        assert "1 Apr 2026 to 2 Apr 2026" in page
        assert "$115.00" in page
        form: dict[str, Any] = body | {"statement_id": str(new_id())}
        answer = await window.send(f"/console/accounts/{account_id}/statement", **form)
        assert answer.headers["location"].endswith("from=2026-04-01&to=2026-04-02&done=send_statement")
