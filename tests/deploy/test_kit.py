"""The test kit itself: what every other test stands on."""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy import text

from chassis import outbox
from contracts.payouts import AllocationHeld
from deploy.local.postgres import ServiceDatabase
from tests.kit.controller import Unavailable, ask
from tests.kit.databases import RolledBackDatabase
from tests.kit.eventually import eventually, eventually_sync
from tests.kit.kafka import KafkaAddress

Open = Callable[[str], Awaitable[RolledBackDatabase]]

REMEMBER = text("INSERT INTO inbox VALUES (gen_random_uuid(), 'kit', now())")


async def remembered(database: RolledBackDatabase) -> int:
    async with database.reading() as session:
        return int((await session.execute(text("SELECT count(*) FROM inbox"))).scalar_one())


async def remember(database: RolledBackDatabase, *, failing: bool = False) -> None:
    async with database.transaction() as session:
        await session.execute(REMEMBER)
        if failing:
            raise LookupError


class TestRolledBackDatabase:
    async def test_shows_what_was_committed_before_in_the_same_test(self, rolled_back_database: Open) -> None:
        database = await rolled_back_database("chassis")
        await remember(database)
        assert await remembered(database) == 1

    async def test_shows_nothing_of_the_test_before(self, rolled_back_database: Open) -> None:
        assert await remembered(await rolled_back_database("chassis")) == 0

    async def test_undoes_a_unit_of_work_that_raises_and_keeps_the_one_before(self, rolled_back_database: Open) -> None:
        database = await rolled_back_database("chassis")
        await remember(database)
        with pytest.raises(LookupError):
            await remember(database, failing=True)
        assert await remembered(database) == 1

    async def test_takes_events_into_the_outbox_as_a_service_does(self, rolled_back_database: Open) -> None:
        database = await rolled_back_database("chassis")
        woken: list[bool] = []
        database.on_commit = lambda: woken.append(True)
        async with database.transaction() as session:
            outbox.add(session, a_held_allocation(), version=1)
        async with database.reading() as session:
            assert (await session.execute(text("SELECT topic FROM outbox"))).scalar_one() == "payouts.payouts"
        assert woken == [True]


def a_held_allocation() -> AllocationHeld:
    return AllocationHeld(
        board_id=uuid4(),
        reason_code="no_rules",
        detail="no expert takes part",
        held_at=datetime(2026, 11, 30, tzinfo=UTC),
    )


class TestFreshDatabase:
    async def test_serves_through_a_role_that_owns_nothing(self, chassis_database: ServiceDatabase) -> None:
        connection = await asyncpg.connect(chassis_database.url)
        try:
            assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
            await connection.execute("DELETE FROM inbox")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DROP TABLE inbox")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("CREATE TABLE mine (id int)")
        finally:
            await connection.close()

    async def test_lets_no_service_into_the_database_of_another(
        self, chassis_database: ServiceDatabase, empty_database: ServiceDatabase
    ) -> None:
        assert chassis_database.url != empty_database.url
        foreign = chassis_database.url.replace("//chassis:", "//stranger:")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(foreign)

    async def test_may_be_made_empty(self, empty_database: ServiceDatabase) -> None:
        connection = await asyncpg.connect(empty_database.owner_url)
        try:
            await connection.execute("CREATE TABLE mine (id int)")
            assert await connection.fetchval("SELECT has_table_privilege('chassis', 'mine', 'INSERT')")
        finally:
            await connection.close()


class TestKafka:
    async def test_carries_a_record_on_a_topic_of_the_tests_own(self, kafka: KafkaAddress) -> None:
        topic = kafka.own_topic()
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
            await producer.send_and_wait(topic.name, b"carried", key=b"1")
        consumer = AIOKafkaConsumer(
            topic.name, bootstrap_servers=kafka.bootstrap_servers, group_id=topic.name, auto_offset_reset="earliest"
        )
        async with consumer:
            assert (await consumer.getone()).value == b"carried"


class TestController:
    def test_says_why_a_server_or_a_database_could_not_be_had(self) -> None:
        with pytest.raises(Unavailable, match="there is no service 'nonesuch' here"):
            ask("template nonesuch")

    def test_gives_tests_no_address_of_an_existing_server(self) -> None:
        assert not [name for name in os.environ if name.startswith(("DATABASE_URL_", "KAFKA_", "STRIPE_"))]


class TestEventually:
    async def test_answers_what_the_condition_came_to(self) -> None:
        answers = iter([0, None, 7])

        async def number() -> int | None:
            return next(answers)

        assert await eventually(number) == 7

    async def test_tells_what_it_saw_last(self) -> None:
        async def never() -> list[int]:
            return []

        with pytest.raises(AssertionError, match=r"never does not hold after 0.05 s; last seen: \[\]"):
            await eventually(never, deadline_seconds=0.05)

    def test_takes_a_failed_assertion_for_not_yet(self) -> None:
        def never() -> bool:
            raise AssertionError("lag is 3")

        with pytest.raises(AssertionError, match="lag is 3"):
            eventually_sync(never, deadline_seconds=0.05)
