"""Numbers without gaps: the series' row is locked from here to the commit, and a rollback gives its number back."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import NumberSeries


class Series(StrEnum):
    INVOICE = "invoice"
    ADJUSTMENT_NOTE = "adjustment_note"


@dataclass(frozen=True, slots=True)
class Numbering:
    """A legal entity's series: `WB-000001` for invoices, `WB-A-000001` for adjustment notes."""

    entity: str
    prefix: str

    def format(self, series: Series, number: int) -> str:
        infix = "A-" if series is Series.ADJUSTMENT_NOTE else ""
        return f"{self.prefix}-{infix}{number:06}"


async def next_number(session: AsyncSession, numbering: Numbering, series: Series) -> str:
    """Take it last: whoever issues next waits here."""
    [number] = await next_numbers(session, numbering, series, 1)
    return number


async def next_numbers(session: AsyncSession, numbering: Numbering, series: Series, count: int) -> list[str]:
    """So many in a row, in their order."""
    if not count:
        return []
    statement = insert(NumberSeries).values(entity=numbering.entity, series=series, last_number=count)
    taken = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=["entity", "series"], set_={"last_number": NumberSeries.last_number + count}
        ).returning(NumberSeries.last_number)
    )
    last = int(taken or 0)
    return [numbering.format(series, number) for number in range(last - count + 1, last + 1)]
