"""A month of an installer before it is billed: what stands in the ledger, what is held, what is invoiced already."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import GstTreatment, ProductType
from services.billing.domain.gst import Amounts, Priced, total_of
from services.billing.domain.periods import Period
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Account, HeldDelivery


@dataclass(frozen=True, slots=True)
class Standing:
    """What an installer has in a period: deliveries on no invoice yet, and the invoice, if there is one."""

    installer_id: UUID
    unbilled_count: int
    invoice_id: UUID | None
    document_status: DocumentStatus | None


@dataclass(frozen=True, slots=True)
class PricedGroup:
    """Deliveries of one product at one price."""

    product_type: ProductType
    unit_price_cents: int
    gst_treatment: GstTreatment
    includes_gst: bool
    count: int

    @property
    def priced(self) -> Priced:
        return Priced(self.unit_price_cents, self.gst_treatment, self.includes_gst)


@dataclass(slots=True)
class Preview:
    """What an invoice of an installer's whole period comes to, whether its deliveries are on one already or not."""

    installer_id: UUID
    installer_name: str | None = None
    groups: list[PricedGroup] = field(default_factory=list)
    unbilled_count: int = 0
    held_count: int = 0
    invoice_id: UUID | None = None
    document_status: DocumentStatus | None = None

    @property
    def amounts(self) -> Amounts:
        return total_of([(group.priced, group.count) for group in self.groups])


# A delivery stands on a line of its own month's invoice or on none: the lines of other months are not looked at.
_STANDINGS = text(
    """
    WITH billed AS (
        SELECT account_id, id, document_status FROM invoices
        WHERE period_start = :period_start AND document_status <> 'void'
          AND (:installer_ids IS NULL OR account_id = ANY(:installer_ids))
    ), lines AS (
        SELECT l.delivery_event_id FROM billed JOIN invoice_lines l ON l.invoice_id = billed.id AND l.is_live
    ), unbilled AS (
        SELECT d.installer_id, count(*) AS unbilled_count FROM delivery_events d
        WHERE d.delivered_at >= :period_start AND d.delivered_at < :period_end AND d.event_status = 'billable'
          AND (:installer_ids IS NULL OR d.installer_id = ANY(:installer_ids))
          AND NOT EXISTS (SELECT FROM lines WHERE lines.delivery_event_id = d.id)
          AND NOT EXISTS (SELECT FROM adjustment_deliveries a WHERE a.delivery_event_id = d.id AND a.is_live)
        GROUP BY d.installer_id
    )
    SELECT coalesce(unbilled.installer_id, billed.account_id) AS installer_id,
           coalesce(unbilled.unbilled_count, 0) AS unbilled_count,
           billed.id AS invoice_id, billed.document_status
    FROM unbilled FULL JOIN billed ON billed.account_id = unbilled.installer_id
    ORDER BY installer_id
    """
).bindparams(bindparam("installer_ids", type_=ARRAY(Uuid)))


# Everything about whoever had a delivery, in one statement: a month is looked at again and again.
_PREVIEW = text(
    """
    WITH billed AS (
        SELECT account_id, id, document_status FROM invoices
        WHERE period_start = :period_start AND document_status <> 'void'
          AND (:installer_ids IS NULL OR account_id = ANY(:installer_ids))
    ), lines AS (
        SELECT l.delivery_event_id FROM billed JOIN invoice_lines l ON l.invoice_id = billed.id AND l.is_live
    ), delivered AS (
        SELECT d.installer_id, d.product_type, d.unit_price_cents, d.gst_treatment, d.includes_gst,
               count(*) AS delivered,
               count(*) FILTER (WHERE l.delivery_event_id IS NULL AND a.delivery_event_id IS NULL) AS unbilled
        FROM delivery_events d
        LEFT JOIN lines l ON l.delivery_event_id = d.id
        LEFT JOIN adjustment_deliveries a ON a.delivery_event_id = d.id AND a.is_live
        WHERE d.delivered_at >= :period_start AND d.delivered_at < :period_end AND d.event_status = 'billable'
          AND (:installer_ids IS NULL OR d.installer_id = ANY(:installer_ids))
        GROUP BY d.installer_id, d.product_type, d.unit_price_cents, d.gst_treatment, d.includes_gst
    )
    SELECT delivered.installer_id, product_type, unit_price_cents, gst_treatment, includes_gst, delivered, unbilled,
           account.name, billed.id, billed.document_status
    FROM delivered
    LEFT JOIN accounts account ON account.id = delivered.installer_id
    LEFT JOIN billed ON billed.account_id = delivered.installer_id
    ORDER BY delivered.installer_id, product_type, unit_price_cents DESC
    """
).bindparams(bindparam("installer_ids", type_=ARRAY(Uuid)))


async def standings(session: AsyncSession, period: Period, installer_ids: Collection[UUID] | None) -> list[Standing]:
    """Every installer with deliveries or an invoice in the period; only the given ones where some are given."""
    rows = await session.execute(_STANDINGS, _parameters(period, installer_ids))
    return [
        Standing(
            row.installer_id,
            row.unbilled_count,
            row.invoice_id,
            DocumentStatus(row.document_status) if row.document_status else None,
        )
        for row in rows
    ]


async def preview(session: AsyncSession, period: Period, installer_ids: Collection[UUID] | None) -> list[Preview]:
    """By the installers' names; those with nothing but held deliveries too."""
    previews: dict[UUID, Preview] = {}
    for id_, product, cents, treatment, includes_gst, count, unbilled, name, invoice_id, status in (
        await session.execute(_PREVIEW, _parameters(period, installer_ids))
    ).all():
        found = previews.get(id_)
        if found is None:
            document_status = DocumentStatus(status) if status else None
            found = previews[id_] = Preview(id_, name, invoice_id=invoice_id, document_status=document_status)
        group = PricedGroup(ProductType(product), cents, GstTreatment(treatment), includes_gst, count)
        found.groups.append(group)
        found.unbilled_count += unbilled
    await _add_held(session, period, installer_ids, previews)
    return sorted(previews.values(), key=lambda found: (found.installer_name or "", found.installer_id))


async def _add_held(
    session: AsyncSession, period: Period, installer_ids: Collection[UUID] | None, previews: dict[UUID, Preview]
) -> None:
    waiting = await held(session, period, installer_ids)
    others = {assignment.installer_id for assignment in waiting} - previews.keys()
    if others:
        names = await names_of(session, others)
        previews.update({id_: Preview(id_, names.get(id_)) for id_ in others})
        for standing in await standings(session, period, others):
            found = previews[standing.installer_id]
            found.invoice_id, found.document_status = standing.invoice_id, standing.document_status
    for assignment in waiting:
        previews[assignment.installer_id].held_count += 1


async def held(session: AsyncSession, period: Period, installer_ids: Collection[UUID] | None) -> Sequence[HeldDelivery]:
    """The period's deliveries without a price, the oldest first."""
    query = select(HeldDelivery).where(
        HeldDelivery.released_at.is_(None),
        HeldDelivery.delivered_at >= period.start,
        HeldDelivery.delivered_at < period.end,
    )
    if installer_ids is not None:
        query = query.where(HeldDelivery.installer_id.in_(installer_ids))
    return (await session.scalars(query.order_by(HeldDelivery.delivered_at, HeldDelivery.assignment_id))).all()


async def names_of(session: AsyncSession, installer_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.execute(select(Account.id, Account.name).where(Account.id.in_(installer_ids)))
    return {row.id: row.name for row in rows}


def _parameters(period: Period, installer_ids: Collection[UUID] | None) -> dict[str, object]:
    return {
        "period_start": period.start,
        "period_end": period.end,
        "installer_ids": None if installer_ids is None else list(installer_ids),
    }
