"""What billing tells the pages that span all services: what it finds, what waits there, and how the month stands."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Card, Chart, Desk, Figure, Finder, Hit, Waiting
from chassis.console.wording import DASH, counted, money, words
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.domain.periods import Period
from services.billing.domain.statuses import EventStatus
from services.billing.pages import client_invoices, deliveries, held, invoices
from services.billing.pages.accounts import PATH as ACCOUNTS
from services.billing.pages.invoice_words import invoice_path, invoice_title
from services.billing.queries import desk as queries

READ = Capability.READ_OPS
DRAFT_LIMIT = timedelta(days=2)
"""A draft that waits longer to be looked through and issued is late."""


async def _find_invoices(session: AsyncSession, text: str) -> list[Hit]:
    return [
        Hit(
            invoice.number or f"{words(invoice.document_status)} of {name}",
            f"{name}, {invoice_title(invoice)}, {words(invoice.status).lower()}",
            invoice_path(invoice.kind, invoice.id),
        )
        for invoice, name in await queries.find_invoices(session, text)
    ]


async def _find_accounts(session: AsyncSession, text: str) -> list[Hit]:
    return [
        Hit(account.name, f"{words(account.kind)} account", f"{ACCOUNTS}/{account.id}")
        for account in await queries.find_accounts(session, text)
    ]


async def _find_deliveries(session: AsyncSession, text: str) -> list[Hit]:
    return [
        Hit(
            deliveries.lead_title(delivery.service, delivery.locality),
            f"Delivered to {name}, {words(delivery.event_status).lower()}",
            f"{deliveries.PATH}/{delivery.id}",
        )
        for delivery, name in await queries.find_deliveries(session, text)
    ]


async def _count_held(session: AsyncSession, _now: datetime) -> Backlog:
    queue = await queries.held_queue(session)
    return Backlog(queue.number, queue.oldest)


async def _count_drafts(session: AsyncSession, _now: datetime) -> Backlog:
    queue = await queries.draft_queue(session, InvoiceKind.INSTALLER)
    return Backlog(queue.number, queue.oldest)


async def _count_client_drafts(session: AsyncSession, _now: datetime) -> Backlog:
    queue = await queries.draft_queue(session, InvoiceKind.CLIENT)
    return Backlog(queue.number, queue.oldest)


WAITING = (
    Waiting(
        held.ROOM,
        READ,
        lambda number: f"{counted(number, 'delivery has', 'deliveries have')} no price",
        f"{held.PATH}?state=waits",
        _count_held,
        held.LIMIT,
    ),
    Waiting(
        invoices.ROOM,
        READ,
        lambda number: f"{counted(number, 'draft waits', 'drafts wait')} to be issued",
        invoices.DRAFTS,
        _count_drafts,
        DRAFT_LIMIT,
    ),
    Waiting(
        client_invoices.ROOM,
        READ,
        lambda number: f"{counted(number, 'client draft waits', 'client drafts wait')} to be sent",
        client_invoices.DRAFTS,
        _count_client_drafts,
        DRAFT_LIMIT,
    ),
)
FINDERS = (
    Finder("Invoices", READ, _find_invoices),
    Finder("Accounts", READ, _find_accounts),
    Finder("Deliveries", READ, _find_deliveries),
)


def desk_of(zone: ZoneInfo) -> Desk:
    """Months are the business zone's."""
    return Desk(finders=FINDERS, waiting=WAITING, cards=_cards(zone), charts=_charts(zone))


def _cards(zone: ZoneInfo) -> Sequence[Card]:
    async def read_invoiced(session: AsyncSession, now: datetime) -> Figure:
        month = Period.containing(now, zone)
        before = await queries.invoiced_cents(session, month.previous(zone))
        return Figure(money(await queries.invoiced_cents(session, month)), f"{money(before)} in the month before")

    async def read_outstanding(session: AsyncSession, _now: datetime) -> Figure:
        number, cents = await queries.outstanding(session)
        return Figure(money(cents), f"On {counted(number, 'invoice', 'invoices')}")

    async def read_deliveries(session: AsyncSession, now: datetime) -> Figure:
        month = Period.containing(now, zone)
        found = await queries.deliveries_by_status(session, month)
        before = await queries.deliveries_by_status(session, month.previous(zone))
        return Figure(f"{found.get(EventStatus.BILLABLE, 0):,}", f"{sum(before.values()):,} in the month before")

    async def read_credit_rate(session: AsyncSession, now: datetime) -> Figure:
        found = await queries.deliveries_by_status(session, Period.containing(now, zone).previous(zone))
        total = sum(found.values())
        credited = total - found.get(EventStatus.BILLABLE, 0)
        return Figure(f"{credited / total * 100:.1f} %" if total else DASH, f"{credited:,} of {total:,}")

    return (
        Card("Invoiced this month", READ, f"{invoices.PATH}?status=issued&status=partially_paid", read_invoiced),
        Card("Outstanding", READ, f"{ACCOUNTS}?owed_min=0.01&sort=-owed", read_outstanding),
        Card("Billable deliveries this month", READ, f"{deliveries.PATH}?status=billable", read_deliveries),
        Card("Credited, of last month", READ, f"{deliveries.PATH}?status=credited&status=void", read_credit_rate),
    )


def _charts(zone: ZoneInfo) -> Sequence[Chart]:
    async def read_products(session: AsyncSession, now: datetime) -> list[Bar]:
        month = Period.containing(now, zone)
        found = await queries.billable_by_product(session, month)
        before = await queries.billable_by_product(session, month.previous(zone))
        return [
            Bar(
                words(product),
                found.get(product, 0),
                f"{found.get(product, 0):,}",
                f"{deliveries.PATH}?status=billable&product={product}&month={month.name}",
                before.get(product, 0),
            )
            for product in sorted({*found, *before})
        ]

    async def read_reasons(session: AsyncSession, now: datetime) -> list[Bar]:
        month = Period.containing(now, zone).previous(zone)
        path = f"{deliveries.PATH}?status=credited&status=void&month={month.name}"
        found = await queries.credited_by_reason(session, month)
        return [Bar(words(reason), number, f"{number:,}", path) for reason, number in found.items()]

    return (
        Chart("Billable deliveries by product", READ, "This month; in grey the month before", read_products),
        Chart("Why deliveries were credited", READ, "Of last month's deliveries, by reason", read_reasons),
    )
