"""The reader finds what is wrong: each invariant is broken on purpose, by who may, and put right again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from tests.faults.campaign import Campaign
from tests.faults.fault import SHORT
from tests.faults.settling import NotSettled, until_settled
from tests.kit.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

# What keeps rows from being changed is out of the way for whoever says this, and they must be a superuser.
NO_TRIGGERS = "SET LOCAL session_replication_role = replica"


@pytest.fixture
async def settled(campaign: Campaign) -> Campaign:
    """With some leads behind it and nothing under way."""
    await campaign.load.send(10)
    await until_settled(campaign.rig, campaign.checker, SHORT.settle_seconds)
    assert await _broken(campaign) == []
    return campaign


async def _broken(campaign: Campaign) -> list[str]:
    return (await campaign.checker.check(campaign.load.answers)).broken


@asynccontextmanager
async def _without_a_row(campaign: Campaign, service: str, table: str) -> AsyncIterator[None]:
    """The row that was written last is gone in the block."""
    pool = campaign.rig.pools[service]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(NO_TRIGGERS)
        await connection.execute(f"CREATE TABLE public.kept AS SELECT * FROM {table} ORDER BY id DESC LIMIT 1")
        await connection.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM kept)")
    try:
        yield
    finally:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(NO_TRIGGERS)
            await connection.execute(f"INSERT INTO {table} SELECT * FROM kept")
            await connection.execute("DROP TABLE kept")


async def _produce(campaign: Campaign, topic: str, key: bytes, body: bytes, headers: list[tuple[str, bytes]]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=campaign.rig.bootstrap_servers, acks="all") as producer:
        await producer.send_and_wait(topic, body, key, headers=headers)


class TestFinds:
    async def test_an_event_whose_fact_is_not_there_and_an_effect_that_is_missing(self, settled: Campaign) -> None:
        async with _without_a_row(settled, "billing", "delivery_events"):
            broken = await _broken(settled)
        assert any("I1: 1 delivery.recorded without their fact" in line for line in broken)
        assert any("I3: 1 missing: a delivery in the ledger" in line for line in broken)
        assert await _broken(settled) == []

    async def test_a_lead_that_was_answered_and_is_not_there(self, settled: Campaign) -> None:
        async with _without_a_row(settled, "intake", "leads"):
            broken = await _broken(settled)
        assert any("I6: 1 submissions answered with 2xx that have no row" in line for line in broken)

    async def test_a_record_that_nobody_committed(self, settled: Campaign) -> None:
        await _produce(settled, "intake.leads", b"nobody", b"{}", [("ce_id", b"0199aaaa-0000-7000-8000-000000000000")])
        assert any("I2: 1 records that nobody committed" in line for line in await _broken(settled))
        place = next(iter(await _parked_places(settled)))
        await settled.rig.pools["routing"].execute("DELETE FROM parked_events WHERE id = $1", place)

    async def test_a_record_with_other_bytes_than_were_committed(self, settled: Campaign) -> None:
        record = next(record for record in settled.checker.published.values() if record.topic == "intake.leads")
        await _produce(settled, record.topic, record.key, record.value + b" ", list(record.headers))
        assert any("I2: 1 records that differ from what was committed" in line for line in await _broken(settled))

    async def test_an_event_that_was_applied_twice(self, settled: Campaign) -> None:
        consumer, event_ids = next((name, ids) for name, ids in settled.checker.applied.items() if ids)
        await settled.rig.pools["intake"].execute(
            "INSERT INTO witness.applied (event_id, consumer) VALUES ($1, $2)", next(iter(event_ids)), consumer
        )
        assert any("I3: 1 events applied twice" in line for line in await _broken(settled))

    async def test_a_posting_that_does_not_sum_to_zero_and_money_that_is_not_at_stripe(self, settled: Campaign) -> None:
        pool = settled.rig.pools["billing"]
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(NO_TRIGGERS)
            await connection.execute(
                "INSERT INTO journal_entries (posting_id, entry_no, account, amount_cents, currency) "
                "VALUES (gen_random_uuid(), 1, 'receivable', 1, 'AUD')"
            )
            await transaction.commit()
        broken = await _broken(settled)
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(NO_TRIGGERS)
            await connection.execute("DELETE FROM journal_entries WHERE amount_cents = 1")
        assert [line for line in broken if line.startswith("I4: 1 postings whose entries")]
        assert await _broken(settled) == []

    async def test_what_does_not_settle(self, settled: Campaign) -> None:
        await settled.rig.processes["billing"].kill()
        await settled.load.send(3)
        with pytest.raises(NotSettled, match="I7"):
            await until_settled(settled.rig, settled.checker, 3)
        await settled.rig.mend()
        await until_settled(settled.rig, settled.checker, SHORT.settle_seconds)


async def _parked_places(campaign: Campaign) -> list[object]:
    """Of the record that nobody committed, once routing has set it aside."""

    async def parked() -> list[object]:
        rows = await campaign.rig.pools["routing"].fetch("SELECT id FROM parked_events WHERE state = 'parked'")
        return [row["id"] for row in rows]

    return await eventually(parked, SHORT.settle_seconds)
