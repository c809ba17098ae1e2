"""Recording deliveries at the price in force at each one's instant, as one statement for however many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Row, Text, bindparam, case, literal, null, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.ids import new_id
from contracts.values import CapStatus, ProductType
from services.billing.domain.statuses import EventStatus
from services.billing.models import DeliveryEvent, HeldDelivery, PricePlan
from services.billing.queries.rows import INSTANTS, TEXTS, UUIDS, rows

FIRST_VERSION = 1
FACTS = (
    *("assignment_id", "lead_id", "decision_id", "installer_id", "product_type"),
    *("service", "locality", "delivered_at"),
)


@dataclass(frozen=True, slots=True)
class SentAssignment:
    """A lead that an installer's mail server took over at `delivered_at`."""

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    product_type: ProductType
    service: str
    locality: str
    delivered_at: datetime
    decision_id: UUID | None = None
    cause: Cause | None = None


_LOCK = "SELECT {}(hashtextextended('billing.prices:' || id, 0)) FROM unnest(:ids) AS id"
_LOCK_SHARED = text(_LOCK.format("pg_advisory_xact_lock_shared")).bindparams(bindparam("ids", type_=ARRAY(Text)))
_LOCK_ALONE = text(_LOCK.format("pg_advisory_xact_lock")).bindparams(bindparam("ids", type_=ARRAY(Text)))


async def lock_prices(session: AsyncSession, installer_ids: Iterable[UUID], *, shared: bool = False) -> None:
    """Until the end of the transaction; sorted, so that two of them wait for each other in one direction only."""
    ids = sorted(str(id_) for id_ in installer_ids)
    await session.execute(_LOCK_SHARED if shared else _LOCK_ALONE, {"ids": ids})


async def record_sent(session: AsyncSession, sent: Sequence[SentAssignment], now: datetime) -> Sequence[Row[Any]]:
    """Those that a plan covers and that were not recorded before, as rows of the ledger."""
    source = rows(
        "sent",
        id=(UUIDS, [new_id() for _ in sent]),
        assignment_id=(UUIDS, [a.assignment_id for a in sent]),
        lead_id=(UUIDS, [a.lead_id for a in sent]),
        decision_id=(UUIDS, [a.decision_id for a in sent]),
        installer_id=(UUIDS, [a.installer_id for a in sent]),
        product_type=(TEXTS, [str(a.product_type) for a in sent]),
        service=(TEXTS, [a.service for a in sent]),
        locality=(TEXTS, [a.locality for a in sent]),
        delivered_at=(INSTANTS, [a.delivered_at for a in sent]),
    )
    # One that is held leaves the queue by a plan alone, so that it is priced at its first instant.
    is_held = select(HeldDelivery.assignment_id).where(HeldDelivery.assignment_id == source.c.assignment_id).exists()
    fresh = select(
        source,
        literal(str(CapStatus.COUNTED), Text).label("cap_status"),
        null().cast(Text).label("cap_release_reason"),
        literal(FIRST_VERSION).label("version"),
    )
    return await _record(session, fresh.where(~is_held).subquery("fresh"), now)


async def record_held(session: AsyncSession, assignment_ids: Sequence[UUID], now: datetime) -> Sequence[Row[Any]]:
    """Those of the queue that a plan covers by now, as rows of the ledger; they keep what became of their caps."""
    ids = rows("ids", id=(UUIDS, [new_id() for _ in assignment_ids]), assignment_id=(UUIDS, assignment_ids))
    held = HeldDelivery.__table__
    waiting = select(
        ids.c.id,
        *(held.c[name] for name in FACTS),
        held.c.cap_status,
        held.c.cap_release_reason,
        (held.c.version + 1).label("version"),
    ).join(ids, held.c.assignment_id == ids.c.assignment_id)
    return await _record(session, waiting.subquery("waiting"), now)


async def _record(session: AsyncSession, source: FromClause, now: datetime) -> Sequence[Row[Any]]:
    plan = (
        select(PricePlan.__table__)
        .where(PricePlan.installer_id == source.c.installer_id, PricePlan.effective_from <= source.c.delivered_at)
        .order_by(PricePlan.effective_from.desc())
        .limit(1)
        .lateral("plan")
    )
    exclusive = source.c.product_type == str(ProductType.EXCLUSIVE)
    columns: dict[str, ColumnElement[Any]] = {
        **{name: source.c[name] for name in ("id", *FACTS, "cap_status", "cap_release_reason", "version")},
        "unit_price_cents": case((exclusive, plan.c.exclusive_price_cents), else_=plan.c.shared_price_cents),
        "currency": plan.c.currency,
        "gst_treatment": plan.c.gst_treatment,
        "includes_gst": plan.c.includes_gst,
        "price_plan_id": plan.c.id,
        "event_status": literal(str(EventStatus.BILLABLE), Text),
        "recorded_at": literal(now, INSTANTS),
    }
    # A closing version has no prices: what comes after it is held, as is what came before the first one.
    priced = select(*columns.values()).select_from(source.join(plan, plan.c.exclusive_price_cents.is_not(None)))
    statement = (
        insert(DeliveryEvent)
        .from_select(list(columns), priced, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["assignment_id"])
        .returning(DeliveryEvent.__table__)
    )
    recorded: Sequence[Row[Any]] = (await session.execute(statement)).all()
    return recorded
