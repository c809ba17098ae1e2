"""A month of each installer beside what it was billed before: those that are unlike it, and those that are gone."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import ProductType
from services.billing.domain.month_close import FORMER_MONTHS, Outlier, outlier_of, usual_of
from services.billing.domain.periods import Period
from services.billing.queries import months, periods
from services.billing.queries.periods import Preview


@dataclass(frozen=True, slots=True)
class Compared:
    """An installer's month; `preview` is None where it has nothing now and used to. `usual_cents` is ex GST."""

    installer_id: UUID
    name: str | None
    preview: Preview | None
    usual_cents: int
    outlier: Outlier | None

    @property
    def cents(self) -> int:
        """Ex GST."""
        return self.preview.amounts.ex_gst_cents if self.preview else 0

    def count(self, product: ProductType) -> int:
        groups = self.preview.groups if self.preview else ()
        return sum(group.count for group in groups if group.product_type is product)


async def compared(
    session: AsyncSession, period: Period, zone: ZoneInfo, scope: Collection[UUID] | None
) -> list[Compared]:
    """By the installers' names, those that are gone last; `scope` are some of them, or None for all."""
    now = {each.installer_id: each for each in await periods.preview(session, period, scope)}
    former = await months.former(session, period, period.months_before(FORMER_MONTHS, zone), scope)
    names = await periods.names_of(session, former.keys())
    found = []
    for installer_id in dict.fromkeys([*now, *former]):
        preview, before = now.get(installer_id), former.get(installer_id, ())
        cents = preview.amounts.ex_gst_cents if preview else 0
        name = (preview.installer_name if preview else None) or names.get(installer_id)
        found.append(Compared(installer_id, name, preview, usual_of(before), outlier_of(cents, before)))
    return found
