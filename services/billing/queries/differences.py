"""Differences between our books and Stripe's: found, changed, counted; and what of Stripe's was seen."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from contracts.identity import Capability
from services.billing.domain.reconciliation import (
    FEE_TYPES,
    MOVED_TYPES,
    About,
    DifferenceKind,
    DifferenceState,
    ItemKind,
    StripeItem,
)
from services.billing.errors import DifferenceNotFound
from services.billing.models import Difference, Invoice, SeenItem
from services.billing.queries.found_differences import CLOSE, OPEN

KNOWN_TYPES = (
    *("charge", "payment", "refund", "payment_refund", "payment_failure_refund", "refund_failure"),
    *("transfer", "transfer_refund"),
    *MOVED_TYPES,
    *FEE_TYPES,
)
"""Rows of Stripe's balance that are held against something of ours, or posted as they are."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: so many kinds of things, made between `lower` and `upper`; with `about_keys` those alone."""

    abouts: Sequence[About]
    lower: datetime | None
    upper: datetime
    balance_cents: int | None = None
    about_keys: Sequence[str] | None = None


async def open_differing(session: AsyncSession, wanted: Comparison, now: datetime, most: int) -> set[UUID]:
    """Opens or changes so many differences at the most: their ids."""
    await session.flush()
    return set((await session.execute(text(OPEN), _given(wanted, now, most))).scalars())


async def close_agreeing(session: AsyncSession, wanted: Comparison, now: datetime, most: int) -> set[UUID]:
    """Closes so many differences at the most that both sides agree on by now: their ids.

    What others committed since the differing ones were opened is seen: one of these can be among them.
    """
    return set((await session.execute(text(CLOSE), _given(wanted, now, most))).scalars())


def _given(wanted: Comparison, now: datetime, most: int) -> dict[str, object]:
    return {
        "abouts": [str(about) for about in wanted.abouts],
        "about_keys": wanted.about_keys,
        "lower": wanted.lower,
        "upper": wanted.upper,
        "balance": wanted.balance_cents,
        "fee_types": sorted(FEE_TYPES),
        "moved_types": sorted(MOVED_TYPES),
        "known_types": sorted(KNOWN_TYPES),
        "may_own": Capability.MANAGE_BILLING_OPS.value,
        "now": now,
        "most": most,
    }


async def keep_seen(session: AsyncSession, items: Sequence[StripeItem], now: datetime) -> None:
    """The last word about each is kept: what was seen later."""
    last = {(item.kind, item.stripe_id): item for item in items}
    if not last:
        return
    statement = insert(SeenItem)
    columns = [column.name for column in SeenItem.__table__.columns if column.name not in {"kind", "stripe_id"}]
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "stripe_id"],
        set_={name: statement.excluded[name] for name in columns},
        where=SeenItem.seen_at <= statement.excluded.seen_at,
    )
    rows = [{**asdict(last[key]), "seen_at": now} for key in sorted(last)]
    await session.execute(statement, rows)


async def seen(session: AsyncSession, kind: ItemKind, stripe_id: str) -> SeenItem | None:
    return await session.get(SeenItem, (kind, stripe_id), populate_existing=True)


async def oldest_open_at(session: AsyncSession) -> datetime | None:
    """When the oldest invoice was made that is open at Stripe, as far as was seen."""
    query = select(func.min(SeenItem.occurred_at)).where(SeenItem.kind == ItemKind.INVOICE, SeenItem.state == "open")
    return await session.scalar(query)


async def of_ids(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Difference]:
    query = select(Difference).where(Difference.id.in_(ids)).order_by(Difference.id)
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def of_subject(session: AsyncSession, about: About | None, key: str | None) -> Sequence[Difference]:
    """Of one thing in all respects; of a dispute each row of Stripe's balance that it moved."""
    if about is None or key is None:
        return []
    of_key = (Difference.about_key == key) | (Difference.stripe_id == key)
    query = select(Difference).where(Difference.about == about, of_key)
    return (await session.scalars(query.order_by(Difference.first_seen_at, Difference.id))).all()


async def lock(session: AsyncSession, difference_id: UUID) -> Difference:
    return DifferenceNotFound.unless(
        await session.get(Difference, difference_id, with_for_update=True, populate_existing=True),
        "there is no such difference",
        difference_id=difference_id,
    )


async def find(session: AsyncSession, difference_id: UUID) -> Difference:
    return DifferenceNotFound.unless(
        await session.get(Difference, difference_id), "there is no such difference", difference_id=difference_id
    )


async def invoice_of(session: AsyncSession, difference: Difference) -> Invoice | None:
    return await session.get(Invoice, difference.invoice_id) if difference.invoice_id else None


@dataclass(frozen=True, slots=True)
class DifferenceFilter:
    state: DifferenceState | None = None
    kind: DifferenceKind | None = None
    about: About | None = None
    owner_id: UUID | None = None


async def listed(session: AsyncSession, page: PageRequest, wanted: DifferenceFilter) -> Sequence[Difference]:
    same = [
        (Difference.state, wanted.state),
        (Difference.kind, wanted.kind),
        (Difference.about, wanted.about),
        (Difference.owner_id, wanted.owner_id),
    ]
    query = select(Difference).where(*(column == value for column, value in same if value is not None))
    return (await session.scalars(page.apply(query, Difference.first_seen_at, Difference.id))).all()


@dataclass(frozen=True, slots=True)
class OpenCount:
    kind: DifferenceKind
    count: int
    oldest_at: datetime
    unowned_count: int


async def open_counts(session: AsyncSession) -> list[OpenCount]:
    """Of each kind of which there are any."""
    query = (
        select(
            Difference.kind,
            func.count(),
            func.min(Difference.first_seen_at),
            func.count().filter(Difference.owner_id.is_(None)),
        )
        .where(Difference.state == DifferenceState.OPEN)
        .group_by(Difference.kind)
        .order_by(Difference.kind)
    )
    rows = await session.execute(query)
    return [OpenCount(kind, count, oldest_at, unowned) for kind, count, oldest_at, unowned in rows]
