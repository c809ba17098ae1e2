"""What leads cost their installers, as billing last told: for figures alone, nobody is charged by it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import ProductType
from services.routing.models import KnownPrice


@dataclass(frozen=True, slots=True)
class Price:
    installer_id: UUID
    product_type: ProductType
    unit_price_cents: int
    as_of: datetime


async def keep_prices(session: AsyncSession, prices: Sequence[Price]) -> None:
    """The newest of each installer and product; an older one is passed by."""
    newest = {(price.installer_id, price.product_type): price for price in sorted(prices, key=lambda each: each.as_of)}
    # In one order for everybody: two batches that meet wait for each other, never in a circle.
    rows = [asdict(newest[key]) for key in sorted(newest)]
    if not rows:
        return
    told = insert(KnownPrice)
    kept = told.on_conflict_do_update(
        index_elements=["installer_id", "product_type"],
        set_={"unit_price_cents": told.excluded.unit_price_cents, "as_of": told.excluded.as_of},
        where=KnownPrice.as_of <= told.excluded.as_of,
    )
    await session.execute(kept, rows)
