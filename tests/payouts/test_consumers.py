"""Events in: what billing says of an invoice, as payouts takes it."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from contracts.billing import InvoicePaid, InvoiceVoided
from contracts.topics import INVOICES
from contracts.values import InvoiceKind
from services.payouts.consumers import consumers
from services.payouts.domain import PayoutState, RuleKind
from services.payouts.settings import Settings
from tests.kit.records import incoming
from tests.payouts.arrangements import Office

AT = datetime(2026, 3, 3, tzinfo=UTC)


async def take(office: Office, *events: InvoicePaid | InvoiceVoided) -> None:
    """Each in a batch of its own, in the order given."""
    (consumer,) = (c for c in consumers(Settings(database_url="postgresql://x/y"), office.clock) if c.topic == INVOICES)
    for event in events:
        async with office.database.transaction() as session:
            await consumer.handlers[type(event)](session, [incoming(event)])


def paid(invoice_id: UUID, board_id: UUID | None, kind: InvoiceKind = InvoiceKind.CLIENT) -> InvoicePaid:
    return InvoicePaid(
        invoice_id=invoice_id,
        kind=kind,
        number="WB-000001",
        board_id=board_id,
        total_cents=110_000,
        currency="AUD",
        paid_at=AT,
    )


def voided(invoice_id: UUID, board_id: UUID | None, kind: InvoiceKind = InvoiceKind.CLIENT) -> InvoiceVoided:
    return InvoiceVoided(invoice_id=invoice_id, kind=kind, board_id=board_id, reason_code="wrong_details", voided_at=AT)


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

    async def test_of_an_installer_are_not_ours(self, office: Office, board_id: UUID) -> None:
        await take(office, paid(uuid4(), None, InvoiceKind.INSTALLER), voided(uuid4(), None, InvoiceKind.INSTALLER))
        assert await self.states(office, board_id) == {PayoutState.PENDING}
