"""Books in which every equality of a certificate compares something, written as the commands write them."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

from chassis.ids import new_id
from contracts.values import AdjustmentType, CapReleaseReason, CreditReason
from services.billing.commands.deliveries import CapRelease, release_caps
from services.billing.commands.late_deliveries import VoidDelivery, void_delivery
from services.billing.commands.payouts import PayoutMoved, PayoutStep, post_payouts
from services.billing.commands.pricing import SentAssignment
from services.billing.commands.reconciling import post_movements
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.reconciliation import ItemKind, StripeItem
from services.billing.models import SeenItem
from services.billing.queries import journal
from services.billing.rendering import Renderer
from tests.billing.arrangements import NOW, SYDNEY, Books, march, sent
from tests.billing.arrangements_reconciliation import reconcile
from tests.billing.arrangements_settlement import (
    apply_credit,
    ask_to_write_off,
    client_invoices,
    receive,
    take_payment_back,
    take_rest_back,
    unapply,
    undo_write_off,
    void_whole,
)
from tests.billing.arrangements_stripe import pay_at_stripe
from tests.billing.fake_stripe import FakeStripe

EARLIER = timedelta(hours=1)
"""Before its issue a month's deliveries were recorded."""
DEBIT = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.PRICE_CORRECTION}


@dataclass(frozen=True)
class Filled:
    """An installer's month with a late delivery, and a client's boards."""

    installer_invoice_id: UUID
    board_invoice_ids: list[UUID]


async def fill(books: Books) -> Filled:
    """Every kind of fact at least once; all of it ties."""
    invoice_id = await _month(books)
    boards = await client_invoices(books, 10_000, 10_000, 10_000, 10_000, 10_000)
    account_id = (await books.invoice(boards[0])).account_id
    receipt = (await receive(books, account_id, 15_000, {boards[0]: 11_000, boards[1]: 3_000})).receipt
    await apply_credit(books, boards[2], 400)
    await apply_credit(books, boards[1], 300, application_id := new_id())
    await unapply(books, application_id)
    await take_rest_back(books, receipt.id, 100)
    await pay_at_stripe(books, boards[2], 11_000)
    payment_id = await books.value("SELECT id FROM payments WHERE invoice_id = :id", id=boards[1])
    await take_payment_back(books, payment_id, 500)
    await undo_write_off(books, (await ask_to_write_off(books, boards[3])).id)
    await ask_to_write_off(books, boards[3])
    await void_whole(books, boards[4])
    await _pay_an_expert(books)
    await _pay_out_at_stripe(books)
    await _compare_with_stripe(books)
    await Renderer(books.database, books.clock, SYDNEY).step()
    return Filled(invoice_id, boards)


async def _month(books: Books) -> UUID:
    """Three deliveries billed, of which one is credited whole and its cap released; one voided, one held, one late."""
    installer_id = await books.priced_installer(3_333, 1_111)
    billed = [sent(installer_id, march(day)) for day in (3, 4, 5)]
    books.clock.advance(-EARLIER)
    await books.deliver(*billed, voided := sent(installer_id, march(6)))
    await _void(books, voided)
    books.clock.advance(EARLIER)
    invoice = await books.issued_invoice(*billed)
    await books.credit(invoice.id, None, line_no=1)
    await books.credit(invoice.id, 100)
    await books.credit(invoice.id, 500, **DEBIT)
    await books.deliver(late := sent(installer_id, march(30)))
    id_ = await books.value("SELECT id FROM delivery_events WHERE assignment_id = :a", a=late.assignment_id)
    is_late = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.LATE_DELIVERY}
    await books.credit(invoice.id, None, delivery_event_ids=frozenset([id_]), **is_late)
    async with books.unit() as session:
        await release_caps(session, [CapRelease(billed[0].assignment_id, CapReleaseReason.CREDIT_LINKED)])
    unpriced = await books.installer()
    await books.deliver(sent(unpriced, march(9)), sent(unpriced, march(20)))
    await books.plan(unpriced, march(15), 8_500, 3_850)
    return invoice.id


async def _void(books: Books, assignment: SentAssignment) -> None:
    id_ = await books.value("SELECT id FROM delivery_events WHERE assignment_id = :a", a=assignment.assignment_id)
    async with books.unit() as session:
        command = VoidDelivery(id_, CreditReason.SYSTEM_FAULT, books.house.approval_limit_cents)
        await void_delivery(session, command, books.clock.now())


async def _pay_an_expert(books: Books) -> None:
    payout_id, expert_id = new_id(), new_id()
    moves = [PayoutMoved(step, new_id(), payout_id, expert_id, 4_000, NOW) for step in PayoutStep]
    async with books.unit() as session:
        await post_payouts(session, moves, NOW)


async def _pay_out_at_stripe(books: Books) -> None:
    """What Stripe takes for a charge, and what it sends to the bank."""
    charge = StripeItem(ItemKind.MOVEMENT, "txn_1", "available", 11_000, "aud", NOW, fee_cents=180, type="charge")
    to_bank = StripeItem(ItemKind.MOVEMENT, "txn_2", "available", -2_000, "aud", NOW, type="payout")
    async with books.unit() as session:
        session.add_all(SeenItem(**asdict(item), seen_at=NOW) for item in (charge, to_bank))
        await post_movements(session, [charge, to_bank], NOW)


async def _compare_with_stripe(books: Books) -> None:
    """Stripe holds what the journal says; of its things it lists none."""
    stripe = FakeStripe()
    async with books.database.reading() as session:
        stripe.balance = await journal.clearing_cents(session)
    await reconcile(books, stripe)
