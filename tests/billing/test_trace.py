"""Every row of the money traces to its delivery event, and that to exactly one assignment."""

from uuid import UUID

from chassis.ids import new_id
from contracts.values import AdjustmentType
from services.billing.commands.payouts import PayoutMoved, PayoutStep, post_payouts
from services.billing.domain.adjustments import DebitReason
from tests.billing.arrangements import NOW, Books, march, sent
from tests.billing.arrangements_settlement import client_invoices
from tests.billing.desk import Desk, code_of
from tests.billing.taken_back import record_receipt, reverse_rest
from tests.billing.windows import Window

PATH = "/admin/billing/trace"


async def test_any_id_of_it_leads_along_the_whole_way(books: Books, desk: Desk, window: Window) -> None:
    installer_id = await books.priced_installer()
    first, second = sent(installer_id, march(3)), sent(installer_id, march(4))
    invoice = await books.issued_invoice(first, second)
    paid = await books.pay(invoice.id, 1_000, "bank 1")
    credit = await books.credit(invoice.id, 500, line_no=1)
    posting = await books.value("SELECT id FROM journal_postings WHERE kind = 'payment_received'")
    for id_ in (invoice.id, paid.payment.id, credit.id, posting):
        found = await desk.get(f"{PATH}/{id_}")
        assert {each["assignment_id"] for each in found["deliveries"]} == {
            str(first.assignment_id),
            str(second.assignment_id),
        }
        assert [each["delivery_event_id"] for each in found["lines"]] == [each["id"] for each in found["deliveries"]]
        assert [each["id"] for each in found["invoices"]] == [str(invoice.id)]
        assert [each["id"] for each in found["payments"]] == [str(paid.payment.id)]
        assert [each["id"] for each in found["adjustments"]] == [str(credit.id)]
        kinds = [each["kind"] for each in found["postings"]]
        assert kinds == ["invoice_issued", "payment_received", "credit_given"]
        assert sum(entry["amount_cents"] for each in found["postings"] for entry in each["entries"]) == 0
    page = await window.open(f"/console/trace/{posting}")
    assert (invoice.number or "") in page
    assert str(first.assignment_id) in page


async def test_a_delivery_leads_to_its_own_line_alone(books: Books, desk: Desk) -> None:
    installer_id = await books.priced_installer()
    first, second = sent(installer_id, march(3)), sent(installer_id, march(4))
    await books.issued_invoice(first, second)
    for id_ in (second.assignment_id, second.lead_id):
        found = await desk.get(f"{PATH}/{id_}")
        assert [each["assignment_id"] for each in found["deliveries"]] == [str(second.assignment_id)]
        assert [each["line_no"] for each in found["lines"]] == [2]
        assert found["line_count"] == 1


async def test_a_late_delivery_and_the_debit_that_charges_it_lead_to_each_other(books: Books, desk: Desk) -> None:
    invoice = await books.issued_invoice()
    late = sent(invoice.account_id, march(30))
    await books.deliver(late)
    id_of = "SELECT id FROM delivery_events WHERE assignment_id = :a"
    delivery_event_id = await books.value(id_of, a=late.assignment_id)
    charge = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.LATE_DELIVERY}
    debit = await books.credit(invoice.id, None, delivery_event_ids=frozenset([delivery_event_id]), **charge)
    posting = await books.value("SELECT id FROM journal_postings WHERE kind = 'debit_charged'")
    for id_ in (late.assignment_id, late.lead_id, delivery_event_id):
        found = await desk.get(f"{PATH}/{id_}")
        assert [each["assignment_id"] for each in found["deliveries"]] == [str(late.assignment_id)]
        assert found["lines"] == []
        assert [each["id"] for each in found["invoices"]] == [str(invoice.id)]
        assert [each["kind"] for each in found["postings"]] == ["invoice_issued", "debit_charged"]
    for id_ in (debit.id, posting, invoice.id):
        told = {each["assignment_id"] for each in (await desk.get(f"{PATH}/{id_}"))["deliveries"]}
        assert str(late.assignment_id) in told


async def test_a_decision_leads_to_what_it_delivered_and_back(books: Books, desk: Desk, window: Window) -> None:
    decision_id = new_id()
    first = sent(await books.priced_installer(), march(3), decision_id=decision_id)
    await books.deliver(first, sent(first.installer_id, march(4)))
    (told,) = (await desk.get(f"{PATH}/{decision_id}"))["deliveries"]
    assert (told["assignment_id"], told["decision_id"]) == (str(first.assignment_id), str(decision_id))
    door = f"/console/dispatches/{first.lead_id}#decision-{decision_id}"
    for page in (f"/console/trace/{decision_id}", f"/console/delivery-events/{told['id']}"):
        assert door in await window.open(page)


async def test_a_receipt_leads_to_its_rest_too(books: Books, desk: Desk) -> None:
    (board,) = await client_invoices(books, 10_000)
    receipt_id = await record_receipt(books, (await books.invoice(board)).account_id, {board: 11_000}, 1_000)
    await reverse_rest(books, receipt_id, 400)
    reversal_id = await books.value("SELECT id FROM payment_reversals")
    for id_ in (receipt_id, reversal_id):
        found = await desk.get(f"{PATH}/{id_}")
        assert [each["rest_cents"] for each in found["receipts"]] == [1_000]
        assert [each["amount_cents"] for each in found["reversals"]] == [400]
        assert {"cash_unapplied", "payment_reversed"} <= {each["kind"] for each in found["postings"]}


async def test_experts_pay_leads_to_its_postings(books: Books, desk: Desk) -> None:
    payout_id = new_id()
    moves = [PayoutMoved(step, new_id(), payout_id, new_id(), 4_000, NOW) for step in PayoutStep]
    async with books.unit() as session:
        await post_payouts(session, moves, NOW)
    found = await desk.get(f"{PATH}/{payout_id}")
    assert len(found["postings"]) == len(PayoutStep)
    assert found["invoices"] == []


async def test_of_what_is_no_money_there_is_nothing_to_tell(desk: Desk, window: Window) -> None:
    answer = await desk.ask("GET", f"{PATH}/{UUID(int=5)}")
    assert (answer.status_code, code_of(answer)) == (404, "nothing_to_trace")
    await window.open(f"/console/trace/{UUID(int=5)}", status=404)
