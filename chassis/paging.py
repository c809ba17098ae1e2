"""Keyset paging: a page begins after the last row of the one before, so that rows added meanwhile shift nothing."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Select, tuple_

from chassis.errors import Refusal

T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S", bound=Select[*tuple[Any, ...]])

LARGEST_PAGE = 200
Instant: TypeAlias = "ColumnElement[datetime] | Any"


class MalformedCursor(Refusal):
    """A cursor is ours to make: one that we did not make is a mistake of the program that sends it."""

    code = "malformed_cursor"
    title = "Malformed cursor"
    status = HTTPStatus.BAD_REQUEST


class Page(BaseModel, Generic[T]):
    """`next` is the cursor of the page that follows; null on the last one."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    items: list[T]
    next: Annotated[str | None, Field(description="send it as `cursor` for the next page; null on the last one")] = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of a row in the order (at, id)."""

    at: datetime
    id: UUID

    def __str__(self) -> str:
        return urlsafe_b64encode(json.dumps([self.at.isoformat(), self.id.hex]).encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        try:
            at, id_ = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            return cls(_in_utc(datetime.fromisoformat(at)), UUID(hex=id_))
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise MalformedCursor("the cursor is none that a page gave") from None


def _in_utc(instant: datetime) -> datetime:
    """Raises OverflowError where UTC has no date for it: the driver would fail on what Python can still hold."""
    if instant.tzinfo is None:
        raise ValueError("an instant without an offset")
    return instant.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a list is asked for. Handlers get it as `page: Given[PageRequest]` and give it to their query."""

    limit: int = 50
    after: Cursor | None = None

    @classmethod
    def parse(cls, limit: int, cursor: str | None) -> "PageRequest":
        return cls(limit, Cursor.parse(cursor) if cursor else None)

    def apply(self, query: S, at: Instant, id_: Any, *, newest_first: bool = True) -> S:
        """`query` in the order of its columns (at, id), from this page's begin on; one row more than the page holds."""
        place = tuple_(at, id_)
        if self.after is not None:
            begin = (self.after.at, self.after.id)
            query = query.where(place < begin if newest_first else place > begin)
        order = (at.desc(), id_.desc()) if newest_first else (at, id_)
        return query.order_by(*order).limit(self.limit + 1)

    def page(self, rows: Sequence[R], place: Callable[[R], tuple[datetime, UUID]], show: Callable[[R], T]) -> Page[T]:
        """The page of what `apply`'s query found; `place` gives a row's (at, id), `show` what is told of it."""
        shown = rows[: self.limit]
        has_more = len(rows) > self.limit
        return Page(items=[show(row) for row in shown], next=str(Cursor(*place(shown[-1]))) if has_more else None)
