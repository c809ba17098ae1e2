"""Counting what sources were refused, by the hour, and forgetting it."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Integer, Text, Uuid, bindparam, delete, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.models import SourceRejection


class Rejection(NamedTuple):
    """Without a field a request as a whole, by its problem's code; with one a fault of that field."""

    source_id: UUID
    hour: datetime
    code: str
    field: str = ""


async def count_rejections(session: AsyncSession, numbers: Mapping[Rejection, int]) -> None:
    """In one order of rows for all, so that two processes that count the same cannot wait for each other."""
    counted = sorted(numbers.items())
    columns: dict[str, list[object]] = {
        "source_ids": [rejection.source_id for rejection, _ in counted],
        "hours": [rejection.hour for rejection, _ in counted],
        "codes": [rejection.code for rejection, _ in counted],
        "fields": [rejection.field for rejection, _ in counted],
        "numbers": [number for _, number in counted],
    }
    await session.execute(_COUNT, columns)


_COUNT = text(
    """
    INSERT INTO source_rejections AS kept (source_id, hour, code, field, number)
    SELECT * FROM unnest(:source_ids, :hours, :codes, :fields, :numbers)
    ON CONFLICT (source_id, hour, code, field) DO UPDATE SET number = kept.number + excluded.number
    """
).bindparams(
    bindparam("source_ids", type_=ARRAY(Uuid)),
    bindparam("hours", type_=ARRAY(DateTime(timezone=True))),
    bindparam("codes", type_=ARRAY(Text)),
    bindparam("fields", type_=ARRAY(Text)),
    bindparam("numbers", type_=ARRAY(Integer)),
)


async def forget_rejections(session: AsyncSession, before: datetime) -> None:
    """Run each night it is a day's counts: one statement."""
    await session.execute(delete(SourceRejection).where(SourceRejection.hour < before))
