"""What an invoice's page is made of: what its actions, notes and sections share, and how each is given it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.console import Console
from chassis.console.actions import Action as Offered
from chassis.console.documents import Note, Section
from chassis.console.timeline import seen_of
from chassis.http import Operator
from contracts.values import InvoiceKind
from services.billing.commands.house import House
from services.billing.domain.statuses import Action, InvoiceStatus, Obstacle, Standing, obstacle_to
from services.billing.http.invoice_views import BlockerView, InvoiceDetail, LineView, detail_of, standing_of
from services.billing.models import Account, DeliveryEvent, Invoice
from services.billing.pages.doors import INVOICES
from services.billing.queries import deliveries, invoices

SHOWN_LINES = 100
ASKED_AT_ISSUE = "stripe_reference_missing"
"""Said by the field of the issue's form, and by nothing else."""


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """`late` are deliveries of its month that nothing bills; `delivered` is when its shown deliveries were.

    `done` is the deed of which the page comes. A part that needs more than this reads it by the session.
    """

    session: AsyncSession
    console: Console
    operator: Operator
    house: House
    now: datetime
    done: str | None
    detail: InvoiceDetail
    account: Account
    standing: Standing
    successor: Invoice | None
    late: Sequence[DeliveryEvent]
    delivered: Mapping[UUID, datetime]
    seen: str

    @property
    def is_draft(self) -> bool:
        return self.standing.status is InvoiceStatus.DRAFT

    @property
    def today(self) -> date:
        return self.now.astimezone(self.house.zone).date()

    @property
    def shown_lines(self) -> Sequence[LineView]:
        return self.detail.lines[:SHOWN_LINES]

    @property
    def other_blockers(self) -> Sequence[BlockerView]:
        """Without the Stripe reference, which the issue itself asks for."""
        return [each for each in self.detail.blockers if each.code != ASKED_AT_ISSUE]

    def obstacle(self, action: Action) -> Obstacle | None:
        return obstacle_to(action, self.standing)

    def deed(self, name: str) -> str:
        """Where its form is sent: deeds of both kinds of invoices are in one place."""
        return f"{INVOICES}/{self.detail.id}/{name.replace('_', '-')}"


MakeAction = Callable[[InvoicePage], Awaitable[Offered | None]]
MakeNote = Callable[[InvoicePage], Awaitable[Note | None]]
MakeSection = Callable[[InvoicePage], Awaitable[Section | None]]
"""None where it does not concern the invoice as it stands."""


async def read_page(
    session: AsyncSession,
    invoice_id: UUID,
    kind: InvoiceKind,
    console: Console,
    operator: Operator,
    house: House,
    done: str | None,
) -> InvoicePage | None:
    """None where it is of the other kind: its page is elsewhere."""
    invoice, account = await invoices.with_account(session, invoice_id)
    if invoice.kind is not kind:
        return None
    now = console.clock.now()
    detail = await detail_of(session, invoice_id, house, now)
    return InvoicePage(
        session=session,
        console=console,
        operator=operator,
        house=house,
        now=now,
        done=done,
        detail=detail,
        account=account,
        standing=await standing_of(session, invoice, account),
        successor=await invoices.successor(session, invoice_id),
        late=await deliveries.late_of(session, invoice) if invoice.period else (),
        delivered=await _delivered(session, detail),
        seen=await seen_of(session, Subject("invoice", invoice_id)),
    )


async def _delivered(session: AsyncSession, detail: InvoiceDetail) -> dict[UUID, datetime]:
    shown = [line.delivery_event_id for line in detail.lines[:SHOWN_LINES] if line.delivery_event_id]
    query = select(DeliveryEvent.id, DeliveryEvent.delivered_at).where(DeliveryEvent.id.in_(shown))
    return {row.id: row.delivered_at for row in await session.execute(query)}
