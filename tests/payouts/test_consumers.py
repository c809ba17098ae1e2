"""Events in: what billing says of an invoice, as payouts takes it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.billing import InvoicePaid, InvoiceVoided
from contracts.settlement import InvoiceCreditUnapplied, InvoicePaymentReversed
from contracts.topics import INVOICES
from contracts.values import InvoiceKind
from services.payouts.consumers import consumers
from services.payouts.domain import PayoutState, RuleKind
from services.payouts.settings import Settings
from tests.kit.records import incoming
from tests.payouts.arrangements import Office

AT = datetime(2026, 3, 3, tzinfo=UTC)


Event = InvoicePaid | InvoicePaymentReversed | InvoiceCreditUnapplied | InvoiceVoided


async def take(office: Office, *events: Event) -> None:
    """Each in a batch of its own, in the order given."""
    (consumer,) = (c for c in consumers(Settings(database_url="postgresql://x/y"), office.clock) if c.topic == INVOICES)
    for event in events:
        async with office.database.transaction() as session:
            await consumer.handlers[type(event)](session, [incoming(event)])


def paid(
    invoice_id: UUID, board_id: UUID | None, kind: InvoiceKind = InvoiceKind.CLIENT, at: datetime = AT
) -> InvoicePaid:
    return InvoicePaid(
        invoice_id=invoice_id,
        kind=kind,
        number="WB-000001",
        board_id=board_id,
        total_cents=110_000,
        currency="AUD",
        paid_at=at,
    )


def voided(invoice_id: UUID, board_id: UUID | None, kind: InvoiceKind = InvoiceKind.CLIENT) -> InvoiceVoided:
    return InvoiceVoided(invoice_id=invoice_id, kind=kind, board_id=board_id, reason_code="wrong_details", voided_at=AT)


def gone_back(
    invoice_id: UUID, board_id: UUID | None, *, was_paid: bool = True, at: datetime = AT
) -> InvoicePaymentReversed:
    return InvoicePaymentReversed(
        invoice_id=invoice_id,
        kind=InvoiceKind.CLIENT,
        board_id=board_id,
        payment_id=uuid4(),
        reversal_id=uuid4(),
        reason_code="bounced",
        amount_cents=110_000,
        currency="AUD",
        balance_cents=110_000,
        was_paid=was_paid,
        reversed_at=at,
    )


class TestInvoices:
    @pytest.fixture
    async def board_id(self, office: Office) -> UUID:
        facts = await office.board((await office.expert(), RuleKind.SHARE, 1))
        await office.close(facts)
        return facts.board_id

    async def states(self, office: Office, board_id: UUID) -> set[PayoutState]:
        return {payout.state for payout in await office.payouts(board_id)}

    async def test_paid_makes_ready_and_void_does_not(self, office: Office, board_id: UUID) -> None:
        first, second = uuid4(), uuid4()
        await take(office, voided(first, board_id), paid(first, board_id))
        assert await self.states(office, board_id) == {PayoutState.PENDING}
        await take(office, paid(second, board_id), voided(first, board_id), paid(second, board_id))
        assert await self.states(office, board_id) == {PayoutState.READY}

    async def test_paid_no_more_lets_what_waits_for_it_wait_again(self, office: Office, board_id: UUID) -> None:
        invoice, later = uuid4(), AT + timedelta(days=1)
        await take(office, paid(invoice, board_id), gone_back(invoice, board_id, was_paid=False))
        assert await self.states(office, board_id) == {PayoutState.READY}
        await take(office, gone_back(invoice, board_id, at=later))
        assert await self.states(office, board_id) == {PayoutState.PENDING}
        assert (await office.published())[-1] == "payout.held"
        # The word of the payment that went back comes once more, then that of another one.
        await take(office, paid(invoice, board_id))
        assert await self.states(office, board_id) == {PayoutState.PENDING}
        await take(office, paid(invoice, board_id, at=later + timedelta(days=1)))
        assert await self.states(office, board_id) == {PayoutState.READY}

    async def test_whose_credit_is_taken_back_is_paid_no_more(self, office: Office, board_id: UUID) -> None:
        def unapplied(invoice_id: UUID) -> InvoiceCreditUnapplied:
            return InvoiceCreditUnapplied(
                invoice_id=invoice_id,
                application_id=uuid4(),
                amount_cents=1,
                currency="AUD",
                balance_cents=1,
                unapplied_at=AT + timedelta(days=1),
            )

        invoice = uuid4()
        await take(office, unapplied(invoice), paid(invoice, board_id), unapplied(uuid4()))
        assert await self.states(office, board_id) == {PayoutState.READY}
        await take(office, unapplied(invoice))
        assert await self.states(office, board_id) == {PayoutState.PENDING}

    async def test_of_an_installer_are_not_ours(self, office: Office, board_id: UUID) -> None:
        await take(office, paid(uuid4(), None, InvoiceKind.INSTALLER), voided(uuid4(), None, InvoiceKind.INSTALLER))
        assert await self.states(office, board_id) == {PayoutState.PENDING}
