"""Keyset pages over real rows."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, DateTime, MetaData, Table, Uuid, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chassis.ids import new_id
from chassis.paging import Cursor, MalformedCursor, Page, PageRequest
from deploy.local.postgres import ServiceDatabase

things = Table("things", MetaData(), Column("id", Uuid, primary_key=True), Column("at", DateTime(timezone=True)))
START = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
async def engine(empty_database: ServiceDatabase) -> AsyncIterator[AsyncEngine]:
    """Seven rows, three of them of one instant."""
    engine = create_async_engine(empty_database.owner_url.replace("postgresql://", "postgresql+asyncpg://"))
    minutes = [0, 1, 1, 1, 2, 3, 4]
    async with engine.begin() as connection:
        await connection.run_sync(things.metadata.create_all)
        await connection.execute(
            insert(things), [{"id": new_id(), "at": START + timedelta(minutes=minute)} for minute in minutes]
        )
    yield engine
    await engine.dispose()


async def read(engine: AsyncEngine, request: PageRequest, *, newest_first: bool = True) -> Page[UUID]:
    async with engine.connect() as connection:
        query = request.apply(select(things), things.c.at, things.c.id, newest_first=newest_first)
        rows = (await connection.execute(query)).all()
    return request.page(rows, lambda row: (row.at, row.id), lambda row: row.id)


class TestPage:
    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
    @pytest.mark.parametrize("newest_first", [True, False])
    async def test_pages_hold_every_row_once_and_in_order(
        self, engine: AsyncEngine, limit: int, newest_first: bool
    ) -> None:
        whole = await read(engine, PageRequest(50), newest_first=newest_first)
        seen: list[UUID] = []
        page = await read(engine, PageRequest(limit), newest_first=newest_first)
        seen += page.items
        while page.next:
            page = await read(engine, PageRequest.parse(limit, page.next), newest_first=newest_first)
            seen += page.items
        assert seen == whole.items
        assert len(seen) == 7

    async def test_a_row_added_meanwhile_shifts_nothing(self, engine: AsyncEngine) -> None:
        first = await read(engine, PageRequest(3))
        before = await read(engine, PageRequest.parse(50, first.next))
        async with engine.begin() as connection:
            await connection.execute(insert(things).values(id=new_id(), at=START + timedelta(hours=1)))
        assert (await read(engine, PageRequest.parse(50, first.next))).items == before.items

    async def test_the_last_page_says_that_it_is_the_last(self, engine: AsyncEngine) -> None:
        assert (await read(engine, PageRequest(7))).next is None


class TestCursor:
    def test_is_read_as_it_was_written(self) -> None:
        cursor = Cursor(START + timedelta(microseconds=1), new_id())
        assert Cursor.parse(str(cursor)) == cursor

    @pytest.mark.parametrize(
        "sent",
        [
            "abc",
            "é",
            "!!!!",
            "=",
            *(
                urlsafe_b64encode(raw).decode()
                for raw in (b"[]", b"{}", b"7", b'["x", "y"]', b'["2026-06-01", "0"]', b"[1, 2]", b"\xff")
            ),
            *(
                urlsafe_b64encode(b'["%s", "0190f3a0000070008000000000000001"]' % instant).decode()
                # Without an offset, and beyond what UTC has a date for.
                for instant in (b"2026-06-01T00:00:00", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-12:00")
            ),
        ],
    )
    def test_that_is_none_of_ours_is_refused(self, sent: Any) -> None:
        with pytest.raises(MalformedCursor):
            Cursor.parse(sent)
