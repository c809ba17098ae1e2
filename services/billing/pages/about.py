"""What billing knows of others' things, for their pages: what a lead's deliveries cost, and a board's invoice."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind, Shown
from chassis.console.desk import About
from chassis.console.documents import Section, Table, Told
from chassis.paging import LARGEST_PAGE, PageRequest
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.domain.periods import Period
from services.billing.models import DeliveryEvent, HeldDelivery, Invoice
from services.billing.pages.account_figures import figures_of
from services.billing.pages.deliveries import CAP_TONES, PATH, STATUS_TONES
from services.billing.pages.doors import account_path, invoice_path
from services.billing.pages.invoice_words import status_chip
from services.billing.queries import listings
from services.billing.queries.listings import DeliveryFilter

READ = Capability.READ_OPS
Tell = Callable[[AsyncSession, UUID, datetime], Awaitable[Sequence[Section]]]
HELD = "/console/held-deliveries"


async def _tell_lead(session: AsyncSession, lead_id: UUID, _now: datetime) -> list[Section]:
    found = await listings.deliveries(session, PageRequest(LARGEST_PAGE), DeliveryFilter(lead_id=lead_id))
    waiting = select(HeldDelivery).where(HeldDelivery.lead_id == lead_id, HeldDelivery.released_at.is_(None))
    held = (await session.scalars(waiting)).all()
    heads = (
        ("Installer", Kind.TEXT),
        ("Finance", Kind.CHIP),
        ("Cap", Kind.CHIP),
        ("Invoice", Kind.TEXT),
        ("Unit price, AUD", Kind.MONEY),
    )
    rows = [_delivery(*row) for row in found]
    rows += [(Shown("Held: it has no price yet", path=f"{HELD}?state=waits"), *([Shown(None)] * 4)) for _ in held]
    return [Table("Deliveries", heads, rows, empty="Nothing was delivered, and nobody is charged.")]


def _delivery(delivery: DeliveryEvent, installer: str, invoice: Invoice | None) -> tuple[Shown, ...]:
    return (
        Shown(installer, path=f"{PATH}/{delivery.id}"),
        Shown(delivery.event_status, Kind.CHIP, tones=STATUS_TONES),
        Shown(delivery.cap_status, Kind.CHIP, tones=CAP_TONES),
        Shown(invoice.number or "Draft", path=invoice_path(invoice.kind, invoice.id)) if invoice else Shown("None yet"),
        Shown(delivery.unit_price_cents, Kind.MONEY),
    )


async def _tell_board(session: AsyncSession, board_id: UUID, now: datetime) -> list[Section]:
    query = select(Invoice).where(Invoice.board_id == board_id).order_by(Invoice.created_at)
    return [_invoices(list(await session.scalars(query)), now, "It is drafted when the board is closed.")]


def _telling_account(zone: ZoneInfo, kind: InvoiceKind) -> Tell:
    async def tell(session: AsyncSession, account_id: UUID, now: datetime) -> list[Section]:
        (month,) = Period.months_until(now, 1, zone)
        return [
            await figures_of(session, account_id, kind, month, zone),
            await _latest_invoices(session, account_id, now),
        ]

    return tell


async def _latest_invoices(session: AsyncSession, account_id: UUID, now: datetime) -> Table:
    query = select(Invoice).where(Invoice.account_id == account_id).order_by(Invoice.created_at.desc()).limit(5)
    table = _invoices(list(await session.scalars(query)), now, "None yet.")
    return replace(table, more=("Prices, terms and all", account_path(account_id)))


def _invoices(invoices: list[Invoice], now: datetime, empty: str) -> Table:
    heads = (("Invoice", Kind.TEXT), ("State", Kind.CHIP), ("Total, AUD", Kind.MONEY), ("Owed, AUD", Kind.MONEY))
    return Table("Invoices", heads, [_invoice(each, now) for each in invoices], empty=empty)


def _invoice(invoice: Invoice, now: datetime) -> tuple[Told, ...]:
    is_overdue = invoice.owed_cents > 0 and invoice.due_at is not None and invoice.due_at < now
    return (
        Shown(invoice.number or "Draft", path=invoice_path(invoice.kind, invoice.id)),
        status_chip(invoice.status, is_overdue=is_overdue),
        Shown(invoice.adjusted_total_cents, Kind.MONEY),
        Shown(invoice.owed_cents, Kind.MONEY),
    )


def about_of(zone: ZoneInfo) -> tuple[About, ...]:
    """Months are the business's."""
    return (
        About("lead", READ, _tell_lead),
        About("board", READ, _tell_board),
        About("installer", READ, _telling_account(zone, InvoiceKind.INSTALLER)),
        About("client", READ, _telling_account(zone, InvoiceKind.CLIENT)),
    )
