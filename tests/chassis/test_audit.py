"""Who did what to what, and why: written with the change, and never again."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from chassis import audit
from chassis.audit import SYSTEM, Change, Deeds, Subject, audit_entries, find_entry, list_entries, place_of
from chassis.database import Database, create_engine
from chassis.http import Operator
from chassis.ids import new_id
from chassis.paging import PageRequest
from chassis.telemetry.context import RequestContext, answering
from deploy.local.postgres import ServiceDatabase


class Colour(StrEnum):
    RED = "red"


@pytest.fixture
async def database(chassis_database: ServiceDatabase) -> AsyncIterator[Database]:
    database = Database(create_engine(chassis_database.url, pool_size=2), "/waybill/example")
    yield database
    await database.close()


def operator() -> Operator:
    return Operator(new_id(), "Robin Field", new_id(), frozenset(), datetime.now(UTC))


async def record(database: Database, action: str = "paint", subject: Subject | None = None) -> None:
    async with database.transaction() as session:
        await audit.record(session, actor=SYSTEM, action=action, subject=subject or Subject("thing", new_id()))


async def actors_told(database: Database) -> list[tuple[Any, ...]]:
    async with database.reading() as session:
        return [tuple(row) for row in await audit.actors(session)]


class TestRecord:
    async def test_keeps_who_what_and_why(self, database: Database) -> None:
        actor, subject = operator(), Subject("thing", new_id())
        before = {"colour": Colour.RED, "price": Decimal("1.50"), "seen_at": datetime(2026, 6, 1, tzinfo=UTC)}
        with answering(RequestContext("request-1", "request-1")):
            async with database.transaction() as session:
                entry_id = await audit.record(
                    session,
                    actor=actor,
                    action="paint",
                    subject=subject,
                    before=before,
                    after={"owner_id": actor.id},
                    reason_code="worn",
                    reason_text="The paint had come off",
                )
        async with database.reading() as session:
            (row,) = await list_entries(session, PageRequest())
        assert (row.id, row.actor_id, row.actor_name, row.action) == (entry_id, actor.id, "Robin Field", "paint")
        assert (row.subject_kind, row.subject_id) == ("thing", str(subject.id))
        assert row.before == {"colour": "red", "price": "1.50", "seen_at": "2026-06-01T00:00:00Z"}
        assert row.after == {"owner_id": str(actor.id)}
        assert (row.reason_code, row.reason_text, row.request_id) == ("worn", "The paint had come off", "request-1")

    async def test_is_gone_with_the_change_that_it_tells_of(self, database: Database) -> None:
        with pytest.raises(LookupError):
            async with database.transaction() as session:
                await audit.record(session, actor=SYSTEM, action="paint", subject=Subject("thing", "1"))
                raise LookupError
        async with database.reading() as session:
            assert await list_entries(session, PageRequest()) == []

    async def test_of_what_happens_by_itself_names_the_system(self, database: Database) -> None:
        await record(database)
        async with database.reading() as session:
            (row,) = await list_entries(session, PageRequest())
        assert (row.actor_id, row.actor_name, row.before, row.request_id) == (None, "system", None, None)

    async def test_is_written_once(self, database: Database) -> None:
        await record(database)
        for statement in (update(audit_entries).values(actor_name="other"), delete(audit_entries)):
            with pytest.raises(DBAPIError, match="written once"):
                async with database.transaction() as session:
                    await session.execute(statement)


class TestRecordAll:
    async def test_keeps_a_row_for_each_as_if_recorded_alone(self, database: Database) -> None:
        actor, ids = operator(), [new_id() for _ in range(3)]
        changes = [Change(Subject("thing", id_), {"no": no}, {"colour": Colour.RED}) for no, id_ in enumerate(ids)]
        with answering(RequestContext("request-1", "request-1")):
            async with database.transaction() as session:
                await audit.record_all(
                    session, changes, actor=actor, action="paint", reason_code="worn", reason_text="All of them"
                )
        async with database.reading() as session:
            rows = await list_entries(session, PageRequest())
        assert {(row.subject_id, row.before["no"]) for row in rows} == {(str(id_), no) for no, id_ in enumerate(ids)}
        assert {(row.actor_id, row.actor_name, row.action, row.subject_kind) for row in rows} == {
            (actor.id, "Robin Field", "paint", "thing")
        }
        assert [row.after for row in rows] == [{"colour": "red"}] * 3
        assert {(row.reason_code, row.reason_text, row.request_id) for row in rows} == {
            ("worn", "All of them", "request-1")
        }

    async def test_of_nothing_is_nothing(self, database: Database) -> None:
        async with database.transaction() as session:
            await audit.record_all(session, [], actor=SYSTEM, action="paint")
        async with database.reading() as session:
            assert await list_entries(session, PageRequest()) == []


class TestActors:
    async def test_are_those_who_ever_did_something_by_their_last_names(self, database: Database) -> None:
        assert await actors_told(database) == []
        robin, kim = operator(), replace(operator(), name="Kim Reed")
        for actor in (SYSTEM, robin, kim, replace(robin, name="Zoe Field"), SYSTEM, kim):
            async with database.transaction() as session:
                await audit.record(session, actor=actor, action="paint", subject=Subject("thing", "1"))
        assert await actors_told(database) == [(kim.id, "Kim Reed"), (robin.id, "Zoe Field")]
        async with database.reading() as session:
            assert [await audit.actor_name(session, id_) for id_ in (robin.id, new_id())] == ["Zoe Field", None]


class TestListEntries:
    async def test_is_newest_first_and_paged(self, database: Database) -> None:
        for action in ("one", "two", "three"):
            await record(database, action)
        async with database.reading() as session:
            first = PageRequest(2)
            page = first.page(await list_entries(session, first), place_of, lambda row: row.action)
            second = PageRequest.parse(2, page.next)
            rest = second.page(await list_entries(session, second), place_of, lambda row: row.action)
        assert (page.items, rest.items, rest.next) == (["three", "two"], ["one"], None)

    async def test_filters_by_subject_actor_action_request_and_time(self, database: Database) -> None:
        subject, actor = Subject("thing", new_id()), operator()
        await record(database, "paint", subject)
        with answering(RequestContext("request-1", "request-1")):
            await record(database, "drop")
        async with database.transaction() as session:
            lifted = await audit.record(session, actor=actor, action="lift", subject=Subject("box", new_id()))
        async with database.reading() as session:
            at = (await find_entry(session, lifted)).occurred_at
            for deeds, actions in (
                (Deeds(subject_kind="thing", subject_id=str(subject.id)), ["paint"]),
                (Deeds(subject_kind="thing"), ["drop", "paint"]),
                (Deeds(actor_id=actor.id), ["lift"]),
                (Deeds(action="drop"), ["drop"]),
                (Deeds(request_id="request-1"), ["drop"]),
                (Deeds(occurred_from=at), ["lift"]),
                (Deeds(occurred_to=at), ["drop", "paint"]),
                (Deeds(typed="robin"), ["lift"]),
                (Deeds(typed=str(subject.id)[-8:].upper()), ["paint"]),
                (Deeds(typed="%"), []),
            ):
                rows = await list_entries(session, PageRequest(), deeds)
                assert [row.action for row in rows] == actions
