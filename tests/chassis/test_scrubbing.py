"""Erasure beside the audit: saved views, parked events and bulk actions, each of which may name a person."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from chassis.audit import SYSTEM
from chassis.database import Database, create_engine
from chassis.ids import new_id
from chassis.redaction import ERASED, forget_views, scrub_bulk, scrub_parked
from chassis.tables import bulk_jobs, bulk_rows, parked_events, saved_views
from deploy.local.postgres import ServiceDatabase

NOW = datetime(2026, 3, 3, 2, 15, tzinfo=UTC)


@pytest.fixture
async def database(chassis_database: ServiceDatabase) -> AsyncIterator[Database]:
    database = Database(create_engine(chassis_database.url, pool_size=2), "/waybill/example")
    yield database
    await database.close()


class TestViews:
    async def test_that_search_for_a_literal_go_and_others_stay(self, database: Database) -> None:
        views = {
            "by mail": "q=Mia%40Post.example&status=open",
            "by name": "words=mia+NG",
            "accented": "q=%C3%89LODIE",
            "Calls Mia Ng": "status=open",
            "open": "status=open&sort=-since",
            "mail": "q=post.example",
            "encoded": "q=mia%2540post.example",
        }
        rows = [
            {"id": new_id(), "list": "leads", "name": name, "query": query, "owner_id": uuid4(), "owner_name": "Robin"}
            | {"is_shared": True, "created_at": NOW}
            for name, query in views.items()
        ]
        async with database.transaction() as session:
            await session.execute(insert(saved_views), rows)
            assert await forget_views(session, ["mia@post.example", "Mia Ng", "Élodie", ""]) == 4
            left = set(await session.scalars(select(saved_views.c.name)))
        assert left == {"open", "mail", "encoded"}


class TestParked:
    async def park(self, database: Database, body: bytes | None, **values: Any) -> UUID:
        id_ = new_id()
        row = {
            "id": id_,
            "consumer": "routing",
            "topic": "intake.leads",
            "partition": 0,
            "record_offset": new_id().int % 2**60,
            "headers": b"",
            "body": body,
            "state": "parked",
            "reason_code": "failed",
            "reason_detail": "",
            "parked_at": NOW,
            **values,
        }
        async with database.transaction() as session:
            await session.execute(insert(parked_events).values(row))
        return id_

    async def scrub(self, database: Database, lead_id: UUID, *literals: str) -> int:
        async with database.transaction() as session:
            return await scrub_parked(session, [lead_id], literals)

    async def body(self, database: Database, id_: UUID) -> bytes | None:
        async with database.reading() as session:
            return await session.scalar(select(parked_events.c.body).where(parked_events.c.id == id_))

    async def test_events_of_the_lead_lose_their_contact_and_can_still_be_replayed(self, database: Database) -> None:
        lead_id, other = new_id(), new_id()
        contact = {"name": "Mia Ng", "email": "mia@post.example"}
        ids = [
            await self.park(
                database, json.dumps({"lead_id": str(each), "service": "solar", "contact": contact}).encode()
            )
            for each in (lead_id, other)
        ]
        assert await self.scrub(database, lead_id) == 1
        assert json.loads(await self.body(database, ids[0]) or b"") == {"lead_id": str(lead_id), "service": "solar"}
        assert b"Mia Ng" in (await self.body(database, ids[1]) or b"")

    @pytest.mark.parametrize(
        "body",
        [
            json.dumps({"lead_id": "x", "notes": [{"text": "rang MIA ng"}]}).encode(),
            json.dumps({"note": "Mia \u004eg"}).replace("Ng", "\\u004eg").encode(),
            b"no json at all: mia ng",
            b"\xff\xfe mia ng",
            b"[" * 100_000 + b'"mia ng"',
        ],
    )
    async def test_a_body_that_holds_a_literal_goes_whole(self, database: Database, body: bytes) -> None:
        id_ = await self.park(database, body)
        assert await self.scrub(database, new_id(), "Mia Ng") == 1
        assert await self.body(database, id_) is None
        assert await self.scrub(database, new_id(), "Mia Ng") == 0

    @pytest.mark.parametrize("body", [None, b"", b"\xff", b'{"name":"Mia  Ng","n":5}', b'{"mia ng":1}', b"[]"])
    async def test_any_other_body_stays_as_it_came(self, database: Database, body: bytes | None) -> None:
        id_ = await self.park(database, body)
        assert await self.scrub(database, new_id(), "Mia Ng") == 0
        assert await self.body(database, id_) == body

    async def test_what_was_said_about_it_goes_as_well(self, database: Database) -> None:
        id_ = await self.park(database, b"{}", reason_detail="Key (name)=(Mia Ng)", settled_reason="Mia Ng rang")
        kept = await self.park(database, b"{}", reason_detail="no such lead", settled_reason=None)
        await self.scrub(database, new_id(), "mia ng")
        async with database.reading() as session:
            rows = (await session.execute(select(parked_events))).all()
        told = {row.id: (row.reason_detail, row.settled_reason, row.reason_code) for row in rows}
        assert told == {id_: (ERASED, ERASED, "failed"), kept: ("no such lead", None, "failed")}


class TestBulk:
    async def test_rows_and_forms_lose_what_holds_a_literal(self, database: Database) -> None:
        job_id = new_id()
        job = {
            "id": job_id,
            "list": "leads",
            "action": "close",
            "state": "finished",
            "form": {"reason": "Mia Ng rang", "reason_code": "withdrawn"},
            "actor_id": uuid4(),
            "actor_name": SYSTEM.name,
            "proposed_at": NOW,
        }
        rows = [
            {
                "job_id": job_id,
                "row_no": number,
                "subject_id": new_id(),
                "name": name,
                "state": "done",
                "detail": detail,
            }
            for number, (name, detail) in enumerate(
                [("Mia Ng, Marrickville", ""), ("Sam", "told mia ng"), ("Ana", "x")]
            )
        ]
        async with database.transaction() as session:
            await session.execute(insert(bulk_jobs).values(job))
            await session.execute(insert(bulk_rows), rows)
            await scrub_bulk(session, ["Mia Ng"])
            form = await session.scalar(select(bulk_jobs.c.form))
            query = select(bulk_rows.c.name, bulk_rows.c.detail).order_by(bulk_rows.c.row_no)
            told = [tuple(row) for row in await session.execute(query)]
        assert form == {"reason": ERASED, "reason_code": "withdrawn"}
        assert told == [(ERASED, ""), ("Sam", ERASED), ("Ana", "x")]
