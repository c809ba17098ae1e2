"""Credits that are asked for from elsewhere: each goes the road that its delivery is on, and is answered."""

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.values import AdjustmentType, CreditReason
from services.billing.commands.late_deliveries import VoidDelivery, void_delivery
from services.billing.commands.voids import VoidInvoice, void_invoice
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.credit_requests import Why
from services.billing.domain.voids import VoidReason
from tests.billing.arrangements import LONG_AGO, MAKER, NOW, Books, march, sent
from tests.billing.arrangements_settlement import approve, reject
from tests.billing.credits import (
    DEAR_CENTS,
    answers,
    ask,
    asked,
    delivered,
    drafted,
    issued,
    last_answer,
    proposed,
    versions,
)


async def status(books: Books) -> str:
    return str(await books.value("SELECT event_status FROM delivery_events"))


async def void_whole(books: Books) -> None:
    invoice_id = await books.value("SELECT id FROM invoices")
    async with books.unit() as session:
        await void_invoice(session, VoidInvoice(invoice_id, VoidReason.ISSUED_IN_ERROR, "Robin Field"), NOW)


class TestUnbilled:
    async def test_is_voided_and_never_drafted(self, books: Books) -> None:
        assignment = await delivered(books)
        request = asked(assignment)
        await ask(books, request)
        answer = await last_answer(books, request)
        assert (answer["result"], answer["amount_cents"], answer["reason_code"]) == (
            "voided",
            8_500,
            "duplicate_dispatch",
        )
        assert await status(books) == "void"
        assert await books.drafts() == []
        assert await versions(books, assignment) == [1, 2, 3]

    async def test_is_in_the_audit_under_who_asked(self, books: Books) -> None:
        await ask(books, asked(await delivered(books)))
        (entry,) = await books.rows("SELECT * FROM audit_entries WHERE action = 'void_delivery'")
        assert (entry.actor_id, entry.actor_name, entry.reason_code) == (MAKER.id, MAKER.name, "duplicate_dispatch")

    async def test_over_the_limit_waits_for_its_invoice_and_then_for_a_second_operator(self, books: Books) -> None:
        assignment = await delivered(books, cents=DEAR_CENTS)
        request = asked(assignment)
        await ask(books, request)
        assert (await last_answer(books, request))["detail"] == Why.OVER_THE_LIMIT
        (draft,) = await books.drafts()
        assert draft.invoice_id is not None
        await books.issue(draft.invoice_id)
        answer = await last_answer(books, request)
        assert (answer["result"], answer["invoice_id"]) == ("pending_approval", str(draft.invoice_id))
        assert answer["adjustment_id"] == str(request.request_id)
        assert (await books.invoice(draft.invoice_id)).credits_cents == 0

    async def test_that_costs_nothing_is_not_charged(self, books: Books) -> None:
        request = asked(await delivered(books, cents=0))
        await ask(books, request)
        assert (await last_answer(books, request))["detail"] == Why.COSTS_NOTHING


class TestNotInTheLedger:
    async def test_waits_for_the_delivery_and_is_settled_with_it(self, books: Books) -> None:
        assignment = sent(await books.priced_installer(), march(3))
        request = asked(assignment)
        await ask(books, request)
        assert await answers(books) == []
        await books.deliver(assignment)
        assert await answers(books, request) == ["voided"]
        assert await versions(books, assignment) == [1, 2, 3]

    async def test_that_comes_without_a_price_is_refused(self, books: Books) -> None:
        installer_id = await books.installer()
        assignment = sent(installer_id, march(3))
        request = asked(assignment)
        await ask(books, request)
        await books.deliver(assignment)
        assert (await last_answer(books, request))["detail"] == Why.NO_PRICE
        await books.plan(installer_id, LONG_AGO, 8_500, 3_850)
        assert await status(books) == "billable"
        assert await versions(books, assignment) == [1, 2, 3]

    async def test_a_proposal_waits_for_its_price(self, books: Books) -> None:
        installer_id = await books.installer()
        await books.deliver(assignment := sent(installer_id, march(3)))
        request = proposed(assignment)
        await ask(books, request)
        await books.plan(installer_id, LONG_AGO, 8_500, 3_850)
        assert await answers(books) == ["proposed"]
        assert await versions(books, assignment) == [1, 2, 3]


class TestOnADraft:
    async def test_is_credited_right_after_the_issue(self, books: Books) -> None:
        assignment, invoice_id = await drafted(books)
        request = asked(assignment)
        await ask(books, request)
        assert (await last_answer(books, request))["detail"] == Why.ON_A_DRAFT
        assert (await books.invoice(invoice_id)).total_cents == 9_350
        issued = await books.issue(invoice_id)
        assert (issued.total_cents, issued.balance_cents) == (9_350, 0)
        assert await answers(books, request) == ["waits_for_invoice", "credited"]
        assert (await books.trial_balance()).get("receivable", 0) == 0
        assert await versions(books, assignment) == [1, 2, 3, 4]

    async def test_waits_for_the_next_one_where_the_draft_is_voided(self, books: Books) -> None:
        assignment, _ = await drafted(books)
        request = asked(assignment)
        await ask(books, request)
        await void_whole(books)
        (draft,) = await books.drafts()
        assert draft.invoice_id is not None
        await books.issue(draft.invoice_id)
        assert await answers(books, request) == ["waits_for_invoice", "credited"]


class TestIssued:
    async def test_is_credited_at_once_by_its_line(self, books: Books) -> None:
        assignment, invoice_id = await issued(books)
        request = asked(assignment)
        await ask(books, request)
        answer = await last_answer(books, request)
        assert (answer["result"], answer["amount_cents"]) == ("credited", 8_500)
        invoice = await books.invoice(invoice_id)
        assert (invoice.credits_cents, invoice.balance_cents) == (8_500, 0)
        (credit,) = await books.rows("SELECT * FROM adjustments")
        assert (credit.id, credit.line_no, credit.made_by_name) == (request.request_id, 1, MAKER.name)
        assert await status(books) == "credited"
        assert await versions(books, assignment) == [1, 2, 3]

    async def test_only_what_is_left_of_the_line(self, books: Books) -> None:
        assignment, invoice_id = await issued(books)
        await books.credit(invoice_id, 3_000)
        request = asked(assignment)
        await ask(books, request)
        assert (await last_answer(books, request))["amount_cents"] == 5_500
        assert (await books.invoice(invoice_id)).balance_cents == 0

    async def test_over_the_limit_a_second_operator_agrees(self, books: Books) -> None:
        assignment, invoice_id = await issued(books, cents=DEAR_CENTS)
        request = asked(assignment)
        await ask(books, request)
        await approve(books, request.request_id)
        assert await answers(books, request) == ["pending_approval", "credited"]
        assert (await books.invoice(invoice_id)).balance_cents == 0

    async def test_turned_down_is_refused_and_may_be_asked_again(self, books: Books) -> None:
        assignment, _ = await issued(books, cents=DEAR_CENTS)
        request, again = asked(assignment), asked(assignment)
        await ask(books, request)
        await reject(books, request.request_id)
        assert (await last_answer(books, request))["detail"] == Why.TURNED_DOWN
        await ask(books, again)
        assert await answers(books) == ["pending_approval", "refused", "pending_approval"]

    async def test_pending_on_an_invoice_that_is_voided_is_refused(self, books: Books) -> None:
        assignment, _ = await issued(books, cents=DEAR_CENTS)
        request = asked(assignment)
        await ask(books, request)
        await void_whole(books)
        assert (await last_answer(books, request))["detail"] == Why.INVOICE_VOID

    async def test_charged_by_a_debit_is_refused(self, books: Books) -> None:
        first, invoice_id = await issued(books)
        await books.plan(first.installer_id, march(1), DEAR_CENTS, DEAR_CENTS)
        await books.deliver(late := sent(first.installer_id, march(31)))
        request = asked(late)
        await ask(books, request)
        id_ = await books.value("SELECT id FROM delivery_events WHERE assignment_id = :a", a=late.assignment_id)
        debit = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.LATE_DELIVERY}
        await books.credit(invoice_id, None, delivery_event_ids=frozenset([id_]), **debit)
        after = asked(late)
        await ask(books, after)
        assert await answers(books) == ["waits_for_invoice", "refused", "refused"]
        assert (await last_answer(books, after))["detail"] == Why.BY_A_DEBIT


class TestTwice:
    async def test_the_same_request_is_one(self, books: Books) -> None:
        assignment, invoice_id = await issued(books)
        request = asked(assignment)
        await ask(books, request, request)
        await ask(books, request)
        assert await answers(books) == ["credited"]
        assert (await books.invoice(invoice_id)).credits_cents == 8_500

    async def test_the_first_content_of_an_id_stands(self, books: Books) -> None:
        request = asked(sent(await books.priced_installer(), march(3)))
        await ask(books, request)
        await ask(books, asked(sent(new_id(), march(3)), request_id=request.request_id))
        assert await books.value("SELECT assignment_id FROM credit_requests") == request.assignment_id

    @pytest.mark.parametrize("state", [delivered, issued])
    async def test_another_request_for_what_is_credited_needs_none(self, books: Books, state: object) -> None:
        found = await state(books)  # type: ignore[operator]
        assignment = found[0] if isinstance(found, tuple) else found
        await ask(books, asked(assignment), asked(assignment))
        await ask(books, asked(assignment))
        assert sorted(await answers(books)) == sorted(
            ["credited" if isinstance(found, tuple) else "voided", "not_charged", "not_charged"]
        )

    async def test_another_request_beside_one_that_is_under_way_is_refused(self, books: Books) -> None:
        assignment, invoice_id = await drafted(books)
        first, second = asked(assignment), asked(assignment)
        await ask(books, first)
        await ask(books, second)
        assert (await last_answer(books, second))["detail"] == Why.ASKED_ALREADY
        await books.issue(invoice_id)
        assert (await last_answer(books, first))["result"] == "credited"


class TestElsewhere:
    """Whoever else credits or voids the delivery: who asked for it hears of it."""

    async def test_an_operators_void(self, books: Books) -> None:
        request = proposed(await delivered(books))
        await ask(books, request)
        id_ = await books.value("SELECT id FROM delivery_events")
        async with books.unit() as session:
            await void_delivery(session, VoidDelivery(id_, CreditReason.SYSTEM_FAULT, 20_000), NOW)
        assert await answers(books) == ["proposed", "not_charged"]

    async def test_an_operators_credit(self, books: Books) -> None:
        assignment, invoice_id = await issued(books)
        request = proposed(assignment)
        await ask(books, request)
        await books.credit(invoice_id, None)
        assert await answers(books) == ["proposed", "not_charged"]
        assert await versions(books, assignment) == [1, 2, 3, 4]

    async def test_what_no_person_asks_for_waits_for_finance(self, books: Books) -> None:
        assignment, _ = await issued(books)
        await ask(books, asked(assignment, asked_by_id=None, asked_by_name="rule"))
        assert await answers(books) == ["proposed"]


class TestGuards:
    async def test_a_final_answer_rests(self, books: Books) -> None:
        await ask(books, asked(await delivered(books)))
        with pytest.raises(Exception, match="written once"):
            async with books.unit() as session:
                await session.execute(text("UPDATE credit_requests SET result = 'refused', amount_cents = NULL"))

    async def test_what_was_asked_rests_and_what_people_wrote_can_be_blanked(self, books: Books) -> None:
        await ask(books, asked(await delivered(books), note="Ring Mia on her mobile"))
        with pytest.raises(Exception, match="permission denied"):
            async with books.unit() as session:
                await session.execute(text("UPDATE credit_requests SET reason_code = 'system_fault'"))
        async with books.unit() as session:
            await session.execute(text("UPDATE credit_requests SET note = NULL, detail = NULL"))

    async def test_the_money_goes_to_whom_the_delivery_was_charged_to(self, books: Books) -> None:
        """Whoever the request names."""
        assignment, invoice_id = await issued(books)
        await ask(books, asked(assignment, installer_id=new_id()))
        assert (await books.invoice(invoice_id)).balance_cents == 0
