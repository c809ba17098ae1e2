"""What stands with accounts, as it is told: at once by the hold, by the loop for all that changes without a deed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.identity import Role
from services.billing.commands.account_news import TellingRule, tell_accounts, wait_for_who_tells
from services.billing.commands.accounts import SetAccount, set_account
from services.billing.commands.holds import SetCreditHold, set_credit_hold
from services.billing.domain.holds import HoldAction, HoldObstacle, obstacle_to
from services.billing.telling import AT_ONCE, AccountTeller
from tests.billing.arrangements import SYDNEY, Books, client_state
from tests.billing.desk import Desk
from tests.billing.test_races import together
from tests.billing.windows import Window

RULE = TellingRule(SYDNEY, has_payment_details=True)


async def tell(books: Books, rule: TellingRule = RULE) -> int:
    async with books.unit() as session:
        await wait_for_who_tells(session)
        return await tell_accounts(session, rule, books.clock.now(), AT_ONCE)


async def hold(books: Books, account_id: UUID, reason: str | None) -> None:
    async with books.unit() as session:
        await set_credit_hold(session, SetCreditHold(account_id, reason), RULE, books.clock.now())


async def told(books: Books) -> list[dict[str, Any]]:
    return await books.published("account.changed")


class TestTelling:
    async def test_an_account_that_is_new_is_told_once(self, books: Books) -> None:
        installer_id = await books.installer()
        assert (await tell(books), await tell(books)) == (1, 0)
        [event] = await told(books)
        assert (event["account_id"], event["version"], event["has_prices"]) == (str(installer_id), 1, False)
        assert event["is_collectable"] is True

    async def test_prices_that_begin_and_end_by_themselves_are_told(self, books: Books) -> None:
        installer_id, begin = await books.installer(), books.clock.now()
        await books.plan(installer_id, begin + timedelta(days=1), 8_500, 3_850)
        await books.close_plan(installer_id, begin + timedelta(days=2))
        found = []
        for _ in range(3):
            await tell(books)
            found.append((await told(books))[-1]["has_prices"])
            books.clock.instant += timedelta(days=1)
        assert found == [False, True, False]

    async def test_what_is_owed_and_falls_due_is_told_by_the_businesss_day(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await tell(books)
        books.clock.instant += timedelta(days=7)
        assert await tell(books) == 0
        books.clock.instant += timedelta(days=1)
        await tell(books)
        await books.pay(invoice.id, 9_350, "bank 1")
        await tell(books)
        assert [(it["outstanding_cents"], it["overdue_cents"]) for it in await told(books)] == [
            (9_350, 0),
            (9_350, 9_350),
            (0, 0),
        ]

    async def test_without_instructions_only_who_is_at_stripe_can_pay(self, books: Books) -> None:
        await books.installer()
        await tell(books, TellingRule(SYDNEY, has_payment_details=False))
        assert [it["is_collectable"] for it in await told(books)] == [False]
        await tell(books)
        assert [it["is_collectable"] for it in await told(books)] == [False, True]

    async def test_terms_and_stripe_customer_are_told_as_finance_sets_them(self, books: Books) -> None:
        installer_id = await books.installer()
        for terms, customer in ((21, None), (21, "cus_sunnyroofs01"), (None, None)):
            async with books.unit() as session:
                await set_account(session, SetAccount(installer_id, terms, customer), books.clock.now())
            assert (await tell(books), await tell(books)) == (1, 0)
        assert [(it.get("terms_override_days"), it.get("stripe_customer_id")) for it in await told(books)] == [
            (21, None),
            (21, "cus_sunnyroofs01"),
            (None, None),
        ]

    async def test_clients_are_told_too(self, books: Books) -> None:
        await books.board_draft(client=client_state(new_id()))
        await tell(books)
        assert [it["kind"] for it in await told(books)] == ["client"]

    async def test_in_portions_until_all_are_told(self, books: Books) -> None:
        for _ in range(3):
            await books.installer()
        async with books.unit() as session:
            await wait_for_who_tells(session)
            assert await tell_accounts(session, RULE, books.clock.now(), 2) == 2
        assert await tell(books) == 1
        assert len({it["account_id"] for it in await told(books)}) == 3

    async def test_the_loop_rests_between_two_looks(self, shared_books: Books) -> None:
        await shared_books.installer()
        teller = AccountTeller(shared_books.database, shared_books.clock, RULE, 3_600)
        await teller.step()
        await shared_books.installer()
        await teller.step()
        assert len(await told(shared_books)) == 1

    async def test_two_at_once_tell_it_once(self, shared_books: Books) -> None:
        for _ in range(5):
            await shared_books.installer()
        numbers, faults = await together(*(tell(shared_books) for _ in range(4)))
        assert faults == []
        assert (sum(numbers), len(await told(shared_books))) == (5, 5)


class TestHold:
    def test_is_set_where_there_is_none_and_lifted_where_there_is_one(self) -> None:
        assert obstacle_to(HoldAction.SET, is_held=False) is None
        assert obstacle_to(HoldAction.SET, is_held=True) is HoldObstacle.HELD
        assert obstacle_to(HoldAction.LIFT, is_held=True) is None
        assert obstacle_to(HoldAction.LIFT, is_held=False) is HoldObstacle.NOT_HELD

    async def test_is_told_at_once_with_its_reason(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        await hold(books, installer_id, "Two invoices overdue")
        await hold(books, installer_id, "Another reason")
        await hold(books, installer_id, None)
        await hold(books, installer_id, None)
        assert [(it["version"], it["credit_hold"], it.get("credit_hold_reason")) for it in await told(books)] == [
            (1, True, "Two invoices overdue"),
            (2, False, None),
        ]

    async def test_set_and_lifted_while_the_loop_tells_the_last_word_is_what_stands(self, shared_books: Books) -> None:
        installer_id = await shared_books.installer()
        for n in range(6):
            work = [hold(shared_books, installer_id, f"Reason {n}" if n % 2 == 0 else None), tell(shared_books)]
            _, faults = await together(*work)
            assert faults == []
            assert (await told(shared_books))[-1]["credit_hold"] is (n % 2 == 0)
        versions = [it["version"] for it in await told(shared_books)]
        assert versions == list(range(1, len(versions) + 1))


class TestOverHttp:
    async def test_is_put_with_a_reason_and_audited(self, desk: Desk, books: Books) -> None:
        installer_id = await books.priced_installer()
        path = f"/admin/accounts/{installer_id}/credit-hold"
        body = {"credit_hold": True, "reason": "Two invoices overdue"}
        for _ in range(2):
            answer = await desk.do("PUT", path, body)
            assert (answer["credit_hold"], answer["credit_hold_reason"]) == (True, "Two invoices overdue")
        lifted = await desk.do("PUT", path, {"credit_hold": False, "reason": "Paid"})
        assert (lifted["credit_hold"], lifted["credit_hold_since"]) == (False, None)
        entries = await books.rows("SELECT action, reason_text FROM audit_entries ORDER BY occurred_at")
        assert [tuple(entry) for entry in entries] == [
            ("set_credit_hold", "Two invoices overdue"),
            ("lift_credit_hold", "Paid"),
        ]

    @pytest.mark.parametrize("reason", ["", "   ", None])
    async def test_without_a_reason_is_refused(self, desk: Desk, books: Books, reason: str | None) -> None:
        installer_id = await books.installer()
        path = f"/admin/accounts/{installer_id}/credit-hold"
        await desk.do("PUT", path, {"credit_hold": True, "reason": reason}, status=422)

    async def test_is_not_everybodys_to_set(self, desk: Desk, books: Books) -> None:
        path = f"/admin/accounts/{await books.installer()}/credit-hold"
        await desk.do("PUT", path, {"credit_hold": True, "reason": "No"}, role=Role.EDITOR, status=403)

    async def test_of_something_unknown(self, desk: Desk) -> None:
        path = f"/admin/accounts/{new_id()}/credit-hold"
        await desk.do("PUT", path, {"credit_hold": True, "reason": "No"}, status=404)


class TestOnThePage:
    async def test_is_set_and_lifted_by_forms(self, books: Books, window: Window) -> None:
        installer_id = await books.priced_installer()
        path = f"/console/accounts/{installer_id}"
        assert "It gets no lead until it is lifted" in await window.open(path)
        await window.send(f"{path}/hold", reason="Two invoices <b>overdue</b>")
        page = await window.open(f"{path}?done=hold")
        assert "On credit hold: it gets no leads" in page
        assert "Two invoices &lt;b&gt;overdue" in page
        assert "Sunny Roofs" in await window.open("/console/accounts?on_hold=true")
        seen = await books.value("SELECT id FROM audit_entries ORDER BY occurred_at DESC LIMIT 1")
        await window.send(f"{path}/lift-hold", status=409, reason="Paid by card")
        await window.send(f"{path}/lift-hold", reason="Paid by card", seen=str(seen))
        assert "On credit hold: it gets no leads" not in (page := await window.open(path))
        assert "Paid by card" in page

    async def test_tells_who_can_to_whom_it_is_not_given(self, books: Books, window: Window) -> None:
        page = await window.open(f"/console/accounts/{await books.priced_installer()}", Role.EDITOR)
        assert "<strong>Put on credit hold</strong>" in page
