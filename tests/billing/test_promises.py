"""Promises to pay: made, kept, broken and withdrawn; who sees to an invoice; and the queue that shows both."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.collecting import PromiseJudge
from services.billing.commands.operators import OperatorAsTold, keep_operators
from services.billing.commands.promises import MakePromise, judge_promises, make_promise, withdraw_open_promise
from services.billing.domain.promises import NextStep, Promised, PromiseState, judged, next_step
from services.billing.errors import (
    NothingOwed,
    PromisedForThePast,
    PromisedTooLate,
    PromiseExceedsBalance,
    PromiseIdTaken,
    PromiseOpen,
)
from services.billing.models import Promise
from services.billing.queries import invoices
from tests.billing.arrangements import MAKER, NOW, SYDNEY, Books
from tests.billing.arrangements_settlement import ask_to_write_off, client_invoices, void_whole
from tests.billing.desk import Desk, code_of
from tests.billing.test_pages_receivables import owing
from tests.billing.windows import Window

TODAY = date(2026, 4, 2)
DAY = timedelta(days=1)
OVERDUE = "/console/overdue"
OPEN, KEPT, BROKEN, WITHDRAWN = PromiseState


async def promised(books: Books, invoice_id: UUID, **changed: Any) -> Promise:
    command = MakePromise(
        **{"promise_id": new_id(), "invoice_id": invoice_id, "promised_for": TODAY, "by": MAKER, **changed}
    )
    async with books.unit() as session:
        return (await make_promise(session, command, SYDNEY, books.clock.now())).promise


async def judge(books: Books, today: date) -> int:
    async with books.unit() as session:
        return await judge_promises(session, today, books.clock.now())


async def states(books: Books) -> list[str]:
    return [row.state for row in await books.rows("SELECT state FROM promises ORDER BY made_at, id")]


class TestTheRules:
    @pytest.mark.parametrize(
        ("owed", "settled", "today", "becomes"),
        [
            (11_000, 1_000, TODAY, OPEN),
            (11_000, 1_000, TODAY + DAY, BROKEN),
            (7_001, 4_999, TODAY + DAY, BROKEN),
            (7_000, 5_000, TODAY + DAY, KEPT),
            (7_000, 5_000, TODAY - DAY, KEPT),
            (0, 1_500, TODAY, KEPT),
            (0, 1_000, TODAY, WITHDRAWN),
        ],
    )
    def test_what_came_in_since_keeps_it(self, owed: int, settled: int, today: date, becomes: PromiseState) -> None:
        promise = Promised(4_000, TODAY, settled_before_cents=1_000)
        assert judged(promise, owed, settled, today, is_issued=True) is becomes

    def test_of_a_void_invoice_nothing_is_left_to_keep(self) -> None:
        assert judged(Promised(4_000, TODAY, 0), 0, 4_000, TODAY, is_issued=False) is WITHDRAWN

    @pytest.mark.parametrize(
        ("days", "promise", "step"),
        [
            (0, None, NextStep.WAIT),
            (1, None, NextStep.REMIND),
            (7, KEPT, NextStep.REMIND),
            (8, WITHDRAWN, NextStep.CALL),
            (31, None, NextStep.CREDIT_HOLD),
            (61, None, NextStep.DECIDE_WRITE_OFF),
            (61, OPEN, NextStep.AWAIT_PROMISE),
            (3, BROKEN, NextStep.CHASE_BROKEN_PROMISE),
        ],
    )
    def test_the_next_step_gets_harder(self, days: int, promise: PromiseState | None, step: NextStep) -> None:
        assert next_step(InvoiceKind.INSTALLER, days, promise) is step

    def test_a_client_is_given_a_last_notice_and_no_credit_hold(self) -> None:
        steps = [next_step(InvoiceKind.CLIENT, days, None) for days in (8, 31, 60, 61)]
        assert steps == [NextStep.CALL, *[NextStep.LAST_NOTICE] * 2, NextStep.DECIDE_WRITE_OFF]

    def test_nobody_is_put_on_hold_twice(self) -> None:
        steps = [next_step(InvoiceKind.INSTALLER, days, None, is_held=True) for days in (8, 31, 61)]
        assert steps == [NextStep.CALL, NextStep.LAST_NOTICE, NextStep.DECIDE_WRITE_OFF]


class TestMakePromise:
    async def test_is_of_all_that_is_owed_unless_a_part_is_named(self, books: Books) -> None:
        first, second = await client_invoices(books, 10_000, 20_000)
        assert (await promised(books, first)).amount_cents == 11_000
        assert (await promised(books, second, amount_cents=5_000)).amount_cents == 5_000
        told = await books.published("invoice.promised")
        assert [(each["state"], each["amount_cents"], each["promised_for"]) for each in told] == [
            ("open", 11_000, "2026-04-02"),
            ("open", 5_000, "2026-04-02"),
        ]

    async def test_sent_twice_is_one_and_another_under_its_id_is_refused(self, books: Books) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        promise_id = new_id()
        await promised(books, invoice_id, promise_id=promise_id)
        await promised(books, invoice_id, promise_id=promise_id)
        with pytest.raises(PromiseIdTaken):
            await promised(books, invoice_id, promise_id=promise_id, amount_cents=1)
        assert len(await books.published("invoice.promised")) == 1

    @pytest.mark.parametrize(
        ("changed", "refusal"),
        [
            ({"amount_cents": 11_001}, PromiseExceedsBalance),
            ({"promised_for": TODAY - DAY}, PromisedForThePast),
            ({"promised_for": TODAY + 366 * DAY}, PromisedTooLate),
        ],
        ids=["more than is owed", "yesterday", "in more than a year"],
    )
    async def test_refuses_what_cannot_be(self, books: Books, changed: Any, refusal: type[Exception]) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        with pytest.raises(refusal):
            await promised(books, invoice_id, **changed)

    async def test_refuses_a_second_one_and_one_of_what_is_not_owed(self, books: Books) -> None:
        first, second = await client_invoices(books, 10_000, 20_000)
        await promised(books, first, amount_cents=1)
        with pytest.raises(PromiseOpen):
            await promised(books, first, amount_cents=1)
        await books.pay(second, 22_000, "bank 1")
        with pytest.raises(NothingOwed):
            await promised(books, second)


class TestTheEndOfTheDay:
    async def test_keeps_and_breaks_many_at_once(self, books: Books) -> None:
        kept, part, broken, open_ = await client_invoices(books, 10_000, 20_000, 30_000, 40_000)
        await promised(books, kept)
        await promised(books, part, amount_cents=5_000)
        await promised(books, broken)
        await promised(books, open_, promised_for=TODAY + DAY)
        await books.pay(kept, 11_000, "bank 1")
        await books.pay(part, 5_000, "bank 2")
        await books.pay(broken, 1, "bank 3")
        judge_of_all = PromiseJudge(books.database, books.clock, SYDNEY)
        midnight = NOW + timedelta(hours=14)
        await judge_of_all.run(midnight)
        await judge_of_all.run(midnight)
        found = await books.rows("SELECT invoice_id, state FROM promises")
        assert {row.invoice_id: row.state for row in found} == {kept: KEPT, part: KEPT, broken: BROKEN, open_: OPEN}
        told = [(each["key"], each["state"], each["version"]) for each in await books.published("invoice.promised")]
        assert {(key, state) for key, state, _ in told[4:]} == {
            (str(kept), "kept"),
            (str(part), "kept"),
            (str(broken), "broken"),
        }
        versions = {row.id: row.version for row in await books.rows("SELECT id, version FROM invoices")}
        assert all(versions[UUID(key)] == version for key, _, version in told[4:])
        audited = await books.rows("SELECT after FROM audit_entries WHERE action = 'judge_promise'")
        assert len(audited) == 3

    async def test_the_day_itself_is_the_customers(self, books: Books) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        await promised(books, invoice_id)
        assert await judge(books, TODAY) == 0
        assert await judge(books, TODAY + DAY) == 1
        assert await states(books) == [BROKEN]

    async def test_of_a_void_invoice_it_is_withdrawn(self, books: Books) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        await promised(books, invoice_id)
        await void_whole(books, invoice_id)
        assert await judge(books, TODAY) == 1
        assert await states(books) == [WITHDRAWN]

    async def test_what_ends_the_waiting_ends_it_too(self, books: Books) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        await promised(books, invoice_id)
        async with books.unit() as session:
            invoice = await invoices.lock(session, invoice_id)
            assert await withdraw_open_promise(session, invoice, "Chris Checker", "Written off", NOW) is not None
            assert await withdraw_open_promise(session, invoice, "Chris Checker", "Written off", NOW) is None
        assert await states(books) == [WITHDRAWN]


async def known_operator(books: Books, **changed: Any) -> UUID:
    operator_id = new_id()
    told: dict[str, Any] = {"name": "Ola Owner", "email": "ola@waybill.example", "is_active": True, "version": 1}
    told |= {"capabilities": [Capability.MANAGE_BILLING_OPS], **changed}
    async with books.unit() as session:
        await keep_operators(session, [OperatorAsTold(operator_id=operator_id, **told)])
    return operator_id


class TestOverHttp:
    async def test_is_made_listed_and_withdrawn_with_its_audit(self, books: Books, desk: Desk) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        path = f"/admin/billing/invoices/{invoice_id}/promises"
        made = await desk.do("POST", path, {"promised_for": "2026-04-09", "amount_cents": 4_000, "promised_by": "Kim"})
        assert (made["state"], made["amount_cents"]) == ("open", 4_000)
        assert [each["id"] for each in await desk.items("/admin/billing/promises", state="open")] == [made["id"]]
        refused = await desk.ask("POST", path, {"promised_for": "2026-04-10"})
        assert (refused.status_code, code_of(refused)) == (409, "promise_open")
        withdraw = f"/admin/billing/promises/{made['id']}/withdraw"
        assert (await desk.do("POST", withdraw, {"reason": "They asked for a credit"}))["state"] == "withdrawn"
        rows = await books.rows("SELECT action, request_id FROM audit_entries WHERE subject_id = :id ORDER BY id",
                                id=str(invoice_id))  # fmt: skip
        assert [row.action for row in rows] == ["make_promise", "withdraw_promise"]
        assert all(row.request_id for row in rows)

    async def test_an_owner_is_somebody_who_sees_to_invoices(self, books: Books, desk: Desk) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        path = f"/admin/billing/invoices/{invoice_id}/owner"
        owner_id, reader = await known_operator(books), await known_operator(books, capabilities=["read_ops"])
        given = {"owner_id": str(owner_id), "reason": "Knows them"}
        assert (await desk.do("PUT", path, given))["owner_name"] == "Ola Owner"
        refused = await desk.ask("PUT", path, {"owner_id": str(reader)})
        assert (refused.status_code, code_of(refused)) == (422, "owner_unknown")
        assert (await desk.do("PUT", path, {"owner_id": None}))["owner_name"] is None
        rows = await books.rows("SELECT * FROM audit_entries WHERE action = 'give_invoice' ORDER BY id")
        assert [(row.before["owner"], row.after["owner"], row.reason_text) for row in rows] == [
            (None, "Ola Owner", "Knows them"),
            ("Ola Owner", None, None),
        ]


class TestTheQueue:
    async def test_shows_promise_next_step_and_owner(self, books: Books, window: Window) -> None:
        await owing(books, 3, 40, 70)
        third, second, first = [row.id for row in await books.rows("SELECT id FROM invoices ORDER BY due_at")]
        await promised(books, first)
        await promised(books, second, promised_for=TODAY)
        await judge(books, TODAY + DAY)
        await promised(books, first, promised_for=TODAY + DAY)
        owner_id = await known_operator(books)
        await window.send(f"/console/invoices/{third}/give-invoice", owner_id=str(owner_id))
        page = await window.open(f"{OVERDUE}?state=overdue")
        for told in ("Wait for what was promised", "Chase the broken promise", "Decide whether to write it off"):
            assert told in page
        assert "Open, by 3 Apr 2026" in page
        assert "1 invoice<" in await window.open(f"{OVERDUE}?promise=broken")
        assert "1 invoice<" in await window.open(f"{OVERDUE}?owner_id={owner_id}")
        assert "2 invoices" in await window.open(f"{OVERDUE}?owner=nobody")
        for step in ("await_promise", "chase_broken_promise", "decide_write_off"):
            assert "1 invoice<" in await window.open(f"{OVERDUE}?step={step}")

    async def test_is_told_over_http_with_promise_owner_and_next_step(self, books: Books, desk: Desk) -> None:
        await owing(books, -3, 0, 3, 40, 70)
        oldest, middle, newest = [row.id for row in await books.rows("SELECT id FROM invoices ORDER BY due_at LIMIT 3")]
        await promised(books, middle, promised_for=TODAY, amount_cents=5_000, promised_by="Kim")
        await judge(books, TODAY + DAY)
        await promised(books, newest, promised_for=TODAY + DAY)
        owner_id = str(await known_operator(books))
        await desk.do("PUT", f"/admin/billing/invoices/{oldest}/owner", {"owner_id": owner_id})
        first = await desk.get("/admin/billing/overdue", limit=2)
        rest = await desk.get("/admin/billing/overdue", limit=2, cursor=first["next"])
        told = [*first["items"], *rest["items"]]
        assert rest["next"] is None
        assert [(UUID(each["invoice_id"]), each["days_overdue"], each["next_step"]) for each in told] == [
            (oldest, 70, NextStep.DECIDE_WRITE_OFF),
            (middle, 40, NextStep.CHASE_BROKEN_PROMISE),
            (newest, 3, NextStep.AWAIT_PROMISE),
        ]
        assert [each["promise"] and each["promise"]["state"] for each in told] == [None, BROKEN, OPEN]
        assert (told[1]["promise"]["amount_cents"], told[1]["promise"]["promised_by"]) == (5_000, "Kim")
        assert [each["owner_name"] for each in told] == ["Ola Owner", None, None]
        assert {each["owed_cents"] for each in told} == {11_000}
        mine = await desk.items("/admin/billing/overdue", owner_id=owner_id)
        assert [each["invoice_id"] for each in mine] == [str(oldest)]
        of_one = await desk.items("/admin/billing/overdue", account_id=told[1]["account_id"])
        assert [each["invoice_id"] for each in of_one] == [str(middle)]

    async def test_of_who_is_on_hold_already_asks_for_the_last_notice(
        self, books: Books, window: Window, desk: Desk
    ) -> None:
        installers = await books.issued_invoice()
        books.clock.instant += timedelta(days=55)
        hold = {"credit_hold": True, "reason": "Owes for two months"}
        await desk.do("PUT", f"/admin/accounts/{installers.account_id}/credit-hold", hold)
        (told,) = await desk.items("/admin/billing/overdue")
        assert told["next_step"] == NextStep.LAST_NOTICE
        assert "1 invoice<" in await window.open(f"{OVERDUE}?step=last_notice")
        assert "1 invoice<" not in await window.open(f"{OVERDUE}?step=credit_hold")

    @pytest.mark.parametrize("days", [0, 1, 8, 31, 61])
    async def test_its_steps_are_the_rules(self, books: Books, window: Window, days: int) -> None:
        await owing(books, days)
        assert "1 invoice<" in await window.open(f"{OVERDUE}?step={next_step(InvoiceKind.CLIENT, days, None)}")

    async def test_a_step_leads_to_where_it_is_taken(self, books: Books, window: Window) -> None:
        await owing(books, 40)
        installers = await books.issued_invoice()
        clients = await books.value("SELECT id FROM accounts WHERE kind = 'client'")
        books.clock.instant += timedelta(days=40)
        page = await window.open(f"{OVERDUE}?step=credit_hold")
        assert f'href="/console/accounts/{installers.account_id}#hold-reason">Put on credit hold</a>' in page
        assert "1 invoice<" in page
        books.clock.instant -= timedelta(days=40)
        page = await window.open(f"{OVERDUE}?step=last_notice")
        assert f'href="/console/accounts/{clients}/statement">Mail its statement as a last notice</a>' in page

    async def test_a_promise_is_noted_and_withdrawn_on_the_invoices_page(self, books: Books, window: Window) -> None:
        (invoice_id,) = await client_invoices(books, 10_000)
        page = f"/console/client-invoices/{invoice_id}"
        deed = f"/console/invoices/{invoice_id}"
        promise: dict[str, Any] = {
            "promise_id": str(new_id()),
            "amount": "40.00",
            "promised_for": "2026-04-09",
            "note": "<b>Kim</b>",
        }
        late = await window.send(f"{deed}/promise", status=422, **(promise | {"promised_for": "2026-04-01"}))
        assert "a promise is for today" in late.text.lower()
        await window.send(f"{deed}/promise", **promise)
        shown = await window.open(page)
        assert "Promised: $40.00 by 9 Apr 2026" in shown
        assert "<b>Kim" not in shown
        await window.send(f"{deed}/withdraw-promise", promise_id=promise["promise_id"], reason="A credit is due")
        assert "Promised: $40.00" not in await window.open(page)
        assert await states(books) == [WITHDRAWN]


class TestAnInvoiceThatIsWrittenOff:
    async def test_ends_the_promise_with_it(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await promised(books, invoice.id)
        await ask_to_write_off(books, invoice.id)
        assert await states(books) == ["withdrawn"]
        told = [event["state"] for event in await books.published("invoice.promised")]
        assert told == ["open", "withdrawn"]
        assert await judge(books, TODAY + DAY) == 0
