"""What must hold when two do it at once, and when the COMMIT or the answer fails: real commits, real connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any, cast

import asyncpg
import httpx
import pytest
from litestar.exceptions import LitestarException
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from chassis.database import Database
from contracts.identity import Role
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.boards import close_board
from services.intake.commands.leads.taking import take_lead
from services.intake.commands.source_keys import note_use, revoke_key, rotate_key
from services.intake.commands.sources import revoke_source
from services.intake.errors import KeyExpired, KeyRevoked, SourceRevoked
from services.intake.queries import LiveKey
from tests.intake.desk import Desk, answering, application
from tests.intake.samples import (
    LEAD_EVENTS,
    NOW,
    OPERATOR,
    committing,
    count,
    new_board,
    new_client,
    rows,
    submission,
    taking,
    working_source,
)
from tests.kit.eventually import eventually
from tests.kit.identity import TestIdentity, bearer


@pytest.fixture
def tables(fresh_database: Callable[[str], ServiceDatabase]) -> ServiceDatabase:
    return fresh_database("intake")


@pytest.fixture
async def committed(tables: ServiceDatabase) -> AsyncIterator[Database]:
    async with committing(tables) as database:
        yield database


@pytest.fixture
async def desk(committed: Database, identity: TestIdentity, clock: FixedClock) -> AsyncIterator[Desk]:
    async with answering(committed, identity, clock) as desk:
        yield desk


class TestOneKeyManyPosts:
    async def test_a_hundred_at_once_are_one_lead_and_one_event(self, desk: Desk, committed: Database) -> None:
        key = await desk.new_source()
        answers = await asyncio.gather(*(desk.submit(key) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
        await desk.screen()
        for table in ("leads", "consents", "lead_status_changes"):
            assert await count(committed, table) == 1
        assert len(await rows(committed, "SELECT id FROM outbox WHERE topic = 'intake.leads'")) == 1

    async def test_other_content_at_once_one_wins_and_the_rest_are_told(self, desk: Desk, committed: Database) -> None:
        key = await desk.new_source()
        answers = await asyncio.gather(*(desk.submit(key, name=f"Person {number}") for number in range(20)))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [202] + [409] * 19
        (winner,) = [answer.json()["id"] for answer in answers if answer.status_code == 202]
        assert {answer.json()["lead_id"] for answer in answers if answer.status_code == 409} == {winner}
        assert await count(committed, "leads") == 1

    async def test_many_keys_at_once_are_a_lead_each(self, desk: Desk, committed: Database) -> None:
        key = await desk.new_source()
        answers = await asyncio.gather(*(desk.submit(key, client_submission_key=f"k{n}") for n in range(50)))
        assert len({answer.json()["id"] for answer in answers}) == 50
        assert await count(committed, "leads") == 50

    async def test_where_the_first_fails_the_one_that_waited_for_it_takes_the_lead(self, committed: Database) -> None:
        _, source = await working_source(committed)
        took = asyncio.Event()
        fail = asyncio.Event()

        class LostBeforeCommit(Database):
            """The statement is done, and the connection goes before its transaction ends."""

            async def publish_in(self, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
                async with self.engine.connect() as connection:
                    driver: Any = (await connection.get_raw_connection()).driver_connection
                    async with driver.transaction():
                        await driver.fetch(statement, *values)
                        took.set()
                        await fail.wait()
                        raise ConnectionAbortedError

        async def waiting() -> bool:
            return (await take_lead(committed, taking(source))).is_replay

        first = asyncio.create_task(take_lead(LostBeforeCommit(committed.engine, "/waybill/intake"), taking(source)))
        await took.wait()
        second = asyncio.create_task(waiting())
        await blocked(committed)
        fail.set()
        with pytest.raises(ConnectionAbortedError):
            await first
        assert await second is False
        assert await count(committed, "leads") == 1


async def blocked(database: Database) -> None:
    """Until some backend waits for another's lock."""

    async def waits() -> bool:
        query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(await rows(database, query))

    await eventually(waits)


class TestRevokingMeanwhile:
    async def test_a_post_that_waited_for_the_revocations_commit_is_refused(self, committed: Database) -> None:
        """It saw the source alive when it began."""
        _, source = await working_source(committed)

        async with committed.transaction() as session:
            await revoke_source(session, source.source_id, None, OPERATOR, NOW)
            await session.flush()
            post = asyncio.create_task(take_lead(committed, taking(source)))
            await blocked(committed)
        with pytest.raises(SourceRevoked):
            await post
        assert await count(committed, "leads") == 0

    async def test_no_lead_is_taken_after_the_revocation_whatever_is_remembered(
        self, committed: Database, identity: TestIdentity, clock: FixedClock
    ) -> None:
        """Another process revokes: this one still remembers the key as working."""
        async with answering(committed, identity, clock, lead_key_cache_seconds=3600) as desk:
            key = await desk.new_source()
            assert (await desk.submit(key)).status_code == 202
            (source,) = await rows(committed, "SELECT id FROM lead_sources")
            async with committed.transaction() as session:
                await revoke_source(session, source["id"], None, OPERATOR, NOW)
            for submission_key in ("form-7731", "new"):
                answer = await desk.submit(key, client_submission_key=submission_key)
                assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[1]) == (401, SourceRevoked.code)
            assert await count(committed, "leads") == 1


class TestKeysMeanwhile:
    """A key is revoked or rotated while leads come with it: from that commit on it takes none."""

    async def revoked(self, session: AsyncSession, source: LiveKey) -> None:
        await revoke_key(session, source.source_id, source.key.prefix, "it leaked", OPERATOR, NOW)

    async def rotated(self, session: AsyncSession, source: LiveKey) -> None:
        await rotate_key(session, source.source_id, timedelta(seconds=-1), OPERATOR, NOW)

    @pytest.mark.parametrize(("end", "refusal"), [("revoked", KeyRevoked), ("rotated", KeyExpired)])
    async def test_a_post_that_waited_for_its_end_is_refused(
        self, committed: Database, end: str, refusal: type[Exception]
    ) -> None:
        """It saw the key working when it began, and nothing of the source is changed by it: only its key is."""
        _, source = await working_source(committed)
        async with committed.transaction() as session:
            await getattr(self, end)(session, source)
            await session.flush()
            post = asyncio.create_task(take_lead(committed, taking(source)))
            await blocked(committed)
        with pytest.raises(refusal):
            await post
        assert await count(committed, "leads") == 0

    async def test_revoked_and_rotated_at_once_leave_one_working_key(self, committed: Database) -> None:
        _, source = await working_source(committed)

        async def revoke() -> None:
            async with committed.transaction() as session:
                await self.revoked(session, source)

        async def rotate() -> None:
            async with committed.transaction() as session:
                await rotate_key(session, source.source_id, timedelta(hours=24), OPERATOR, NOW)

        await asyncio.gather(revoke(), rotate(), revoke())
        working = "SELECT prefix FROM lead_source_keys WHERE revoked_at IS NULL AND expires_at IS NULL"
        (left,) = await rows(committed, working)
        assert left["prefix"] != source.key.prefix
        assert await count(committed, "audit_entries WHERE action = 'revoke_lead_source_key'") == 1

    async def test_leads_that_come_while_it_is_revoked_are_taken_before_it_or_not_at_all(
        self, committed: Database, identity: TestIdentity, clock: FixedClock
    ) -> None:
        async with answering(committed, identity, clock, lead_key_cache_seconds=3600) as desk:
            key = await desk.new_source()
            assert (await desk.submit(key)).status_code == 202
            (source,) = await rows(committed, "SELECT source_id, prefix FROM lead_source_keys")
            path = f"/admin/lead-sources/{source['source_id']}/keys/{source['prefix']}/revoke"
            answers = await asyncio.gather(
                *(desk.submit(key, client_submission_key=f"before-{n}") for n in range(15)),
                desk.ask("POST", path, Role.EDITOR, json={"reason": "it leaked"}),
                *(desk.submit(key, client_submission_key=f"after-{n}") for n in range(15)),
            )
            late = await desk.submit(key, client_submission_key="late")
        codes = [answer.status_code for answer in answers]
        assert set(codes) <= {200, 202, 401}
        assert (codes.count(200), late.status_code, late.json()["type"].rpartition(":")[2]) == (
            1,
            401,
            KeyRevoked.code,
        )
        assert await count(committed, "leads") == 1 + codes.count(202)

    async def test_a_lead_waits_for_nobody_who_notes_the_keys_use(self, committed: Database) -> None:
        _, source = await working_source(committed)
        async with committed.transaction() as session:
            await note_use(session, source.key.prefix, NOW + timedelta(days=400))
            await session.flush()
            taken = await take_lead(committed, taking(source))
            async with committed.transaction() as other:
                await note_use(other, source.key.prefix, NOW + timedelta(days=400))
        assert not taken.is_replay


FAILING_COMMIT = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation'; END $$;
CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON leads DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fail();
"""


CUT_THE_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""


class TestACommitThatFails:
    async def test_is_never_answered_with_success_and_leaves_nothing(
        self, desk: Desk, committed: Database, tables: ServiceDatabase
    ) -> None:
        key = await desk.new_source()
        owner = await asyncpg.connect(tables.owner_url)
        await owner.execute(FAILING_COMMIT)
        answer = await desk.submit(key)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        for table in ("leads", "consents", "lead_status_changes", LEAD_EVENTS):
            assert await count(committed, table) == 0
        await owner.execute("DROP TRIGGER fails ON leads")
        await owner.close()
        again = await desk.submit(key)
        assert (again.status_code, "idempotent-replayed" in again.headers) == (202, False)

    async def test_a_connection_cut_before_it_is_told_as_passing(self, desk: Desk, committed: Database) -> None:
        key = await desk.new_source()
        await rows(committed, CUT_THE_OTHERS)
        answer = await desk.submit(key)
        assert answer.status_code in (202, 503)
        assert (await desk.submit(key)).status_code == 202
        assert await count(committed, "leads") == 1


class TestAnAnswerThatIsLost:
    async def test_sent_again_gives_the_same_lead(
        self, committed: Database, desk: Desk, identity: TestIdentity, clock: FixedClock
    ) -> None:
        """The process dies between its COMMIT and its answer: the source hears nothing and sends again."""
        key = await desk.new_source()
        app: Any = application(committed, identity, clock)

        async def dying(scope: Any, receive: Any, send: Any) -> None:
            async def die(_message: Any) -> None:
                raise ConnectionResetError

            await app(scope, receive, die)

        transport = httpx.ASGITransport(cast("Any", dying))
        async with httpx.AsyncClient(transport=transport, base_url="http://intake.example") as client:
            with pytest.raises(LitestarException):
                await client.post("/leads", json=submission(), headers=bearer(key))
        (lead,) = await rows(committed, "SELECT id FROM leads")
        again = await desk.submit(key)
        assert (again.status_code, again.json()["id"]) == (202, str(lead["id"]))
        assert again.headers["idempotent-replayed"] == "true"
        await desk.screen()
        assert await count(committed, LEAD_EVENTS) == 1


class TestOperatorsAtOnce:
    async def test_a_board_closed_by_many_is_closed_once(self, committed: Database) -> None:
        board = await new_board(committed, await new_client(committed))

        async def close() -> Any:
            async with committed.transaction() as session:
                return (await close_board(session, board.id, OPERATOR, NOW)).version

        assert set(await asyncio.gather(*(close() for _ in range(8)))) == {2}
        assert len(await rows(committed, "SELECT id FROM outbox WHERE topic = 'intake.boards'")) == 2

    async def test_changes_of_one_client_publish_every_version_in_order(self, desk: Desk, committed: Database) -> None:
        client = await new_client(committed)
        path = f"/admin/clients/{client.id}"
        await asyncio.gather(*(desk.ask("PATCH", path, json={"terms_days": days}) for days in range(1, 9)))
        bodies = await rows(committed, "SELECT body FROM outbox WHERE topic = 'intake.clients' ORDER BY id")
        versions = [int(row["body"].decode().split('"version":')[1].split(",")[0]) for row in bodies]
        assert versions == list(range(1, 10))

    async def test_two_sources_of_one_name_are_one(self, desk: Desk) -> None:
        answers = await asyncio.gather(
            *(desk.ask("POST", "/admin/lead-sources", Role.EDITOR, json={"name": "Solar"}) for _ in range(8))
        )
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
