"""What sources were refused, hour by hour, narrowed as its list is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Uuid, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.intake.models import LeadSource, SourceRejection
from services.intake.queries.quality import REQUEST, SENT_BACK


class Refused(StrEnum):
    """Whole requests, those that came too fast apart; or the faults of fields."""

    REQUESTS = "requests"
    TOO_FAST = "too_fast"
    FIELDS = "fields"

    @property
    def condition(self) -> ColumnElement[bool]:
        if self is Refused.FIELDS:
            return ~REQUEST
        return REQUEST & (SENT_BACK if self is Refused.TOO_FAST else ~SENT_BACK)


_WORDS = func.concat_ws(" ", SourceRejection.source_id, SourceRejection.code, SourceRejection.field)
# Only a place in the order among those of the same hour: no row is known by it.
_PLACE = cast(func.md5(_WORDS), Uuid)


@dataclass(frozen=True, slots=True)
class RejectionFilters:
    """None is no filter. The window of hours is half-open."""

    source_id: UUID | None = None
    what: Refused | None = None
    code: str | None = None
    field: str | None = None
    hour_from: datetime | None = None
    hour_to: datetime | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        told = SourceRejection.source_id, SourceRejection.code, SourceRejection.field
        for column, wanted in zip(told, (self.source_id, self.code, self.field), strict=True):
            if wanted is not None:
                yield column == wanted
        if self.what is not None:
            yield self.what.condition
        if self.hour_from is not None:
            yield SourceRejection.hour >= self.hour_from
        if self.hour_to is not None:
            yield SourceRejection.hour < self.hour_to


async def list_rejections(
    session: AsyncSession, page: PageRequest, filters: RejectionFilters
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The newest hour first, each row with its source's name and its place."""
    query = (
        select(*SourceRejection.__table__.c, LeadSource.name.label("source_name"), _PLACE.label("place"))
        .join(LeadSource, LeadSource.id == SourceRejection.source_id)
        .where(*filters.conditions())
    )
    return (await session.execute(page.apply(query, SourceRejection.hour, _PLACE))).all()
