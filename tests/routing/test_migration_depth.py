"""What was there before dispatch went into depth goes on as it was, and is told as if it had always been kept so."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from chassis import migrate
from chassis.database import Database, create_engine
from deploy.local.postgres import ServiceDatabase
from services.routing.domain.policies import OrderingPolicy, QueuePolicy, ReturnsPolicy
from services.routing.models import Installer
from services.routing.queries.policies import in_force
from services.routing.queries.versions import profile_of
from tests.kit.databases import Databases
from tests.routing.arrangements import NOW

DEPTH = "0006"
SOUTHERN, WESTERN = "0199a000-0000-7000-8000-000000000001", "0199a000-0000-7000-8000-000000000002"
BEFORE = f"""
INSERT INTO installers (id, name, gst_registered, email, billing_email, time_zone, status, status_since, services,
                        day_limit, month_limit, created_at, version)
VALUES ('{SOUTHERN}', 'Southern', true, 's@a.example', 's@a.example', 'Australia/Sydney', 'active', now(),
        '{{solar-battery,heat-pump}}', 3, 40, '2026-01-05 00:00Z', 7),
       ('{WESTERN}', 'Western', false, 'w@a.example', 'w@a.example', 'Australia/Perth', 'paused', now(), '{{roofing}}',
        NULL, NULL, '2026-01-06 00:00Z', 1);
INSERT INTO turns_taken (installer_id) VALUES ('{SOUTHERN}'), ('{WESTERN}');
INSERT INTO territory_states VALUES ('VIC', '{SOUTHERN}'), ('ACT', '{SOUTHERN}');
INSERT INTO territory_ranges VALUES ('{SOUTHERN}', '[2000,2235)'), ('{SOUTHERN}', '[800,811)');
INSERT INTO territory_postcodes VALUES ('2480', '{SOUTHERN}'), ('0822', '{SOUTHERN}');
INSERT INTO audit_entries (id, occurred_at, actor_name, action, subject_kind, subject_id) VALUES
    (gen_random_uuid(), '2026-02-01 00:00Z', 'Robin Field', 'set_caps', 'installer', '{SOUTHERN}'),
    (gen_random_uuid(), '2026-02-02 00:00Z', 'Robin Field', 'set_territory', 'installer', '{SOUTHERN}');
INSERT INTO dispatches (lead_id, selected_path, service, suburb, state, postcode, status, status_since, received_at,
                        created_at, delivered_at)
VALUES ('{SOUTHERN}', 'compare_quotes', 'solar-battery', 'Marrickville', 'NSW', '2204', 'delivered', now(), now(),
        now(), now());
INSERT INTO decisions (id, lead_id, attempt_no, trigger, rule_set_version, wanted_count, chosen_count, summary,
                       candidates, decided_at, latency_ms)
VALUES ('{SOUTHERN}', '{SOUTHERN}', 1, 'auto', '2', 3, 3, 'given to 3 of 3', '[]', now(), 4);
INSERT INTO assignments (id, lead_id, installer_id, decision_id, selected_path, share_no, status, cap_state, created_at,
                         sent_at, ended_at)
VALUES (gen_random_uuid(), '{SOUTHERN}', '{SOUTHERN}', '{SOUTHERN}', 'compare_quotes', 1, 'sent', 'counted', now(),
        now(), NULL),
       (gen_random_uuid(), '{SOUTHERN}', '{WESTERN}', '{SOUTHERN}', 'compare_quotes', 2, 'failed', 'given_back', now(),
        NULL, now()),
       (gen_random_uuid(), '{SOUTHERN}', '{WESTERN}', '{SOUTHERN}', 'compare_quotes', 3, 'pending', 'reserved', now(),
        NULL, NULL);
INSERT INTO dispatch_exceptions (id, lead_id, reason, detail, raised_at, last_raised_at)
VALUES (gen_random_uuid(), '{SOUTHERN}', 'delivery_failed', 'refused', now(), now());
"""


@pytest.fixture
def empty(databases: Databases) -> Iterator[ServiceDatabase]:
    database = databases.empty("routing")
    yield database
    databases.drop(database)


@pytest.fixture
async def upgraded(empty: ServiceDatabase) -> AsyncIterator[Database]:
    """Filled as it was before the step, then brought to the newest; read as the role that serves."""
    config = migrate.configuration("routing", empty.owner_url, "routing")
    step = ScriptDirectory.from_config(config).get_revision(DEPTH)
    await asyncio.to_thread(command.upgrade, config, str(step.down_revision))
    owner = create_engine(empty.owner_url)
    async with owner.begin() as connection:
        for statement in BEFORE.strip().split(";\n"):
            await connection.execute(text(statement.replace("00:00Z", "00\\:00Z")))
    await owner.dispose()
    await asyncio.to_thread(migrate.upgrade, config)
    database = Database(create_engine(empty.url), "/waybill/routing")
    yield database
    await database.close()


async def rows(database: Database, sql: str) -> list[dict[str, Any]]:
    async with database.reading() as session:
        return [dict(row) for row in (await session.execute(text(sql))).mappings()]


async def test_a_database_of_before_is_brought_along(upgraded: Database) -> None:
    await each_installer_has_the_version_that_it_stands_at(upgraded)
    assert await rows(upgraded, "SELECT channel, url, breaker FROM delivery_endpoints") == 2 * [
        {"channel": "mail", "url": None, "breaker": "closed"}
    ]
    assert {row["channel"] for row in await rows(upgraded, "SELECT channel FROM assignments")} == {"mail"}
    assert {row["balance_ppm"] for row in await rows(upgraded, "SELECT balance_ppm FROM turns_taken")} == {0}
    [decision] = await rows(upgraded, "SELECT inputs, candidate_ids, outcomes, entitled_ppm FROM decisions")
    assert set(decision.values()) == {None}
    [item] = await rows(upgraded, "SELECT owner_id, retries_left, escalated_at FROM dispatch_exceptions")
    assert tuple(item.values()) == (None, 0, None)
    async with upgraded.reading() as session:
        for policy in (OrderingPolicy, QueuePolicy, ReturnsPolicy):
            assert (await in_force(session, policy)).policy == policy()


async def each_installer_has_the_version_that_it_stands_at(upgraded: Database) -> None:
    """As its next change would keep it."""
    kept = await rows(upgraded, "SELECT * FROM installer_versions ORDER BY installer_id")
    assert [row["version"] for row in kept] == [7, 1]
    assert [row["changed_at"].isoformat()[:10] for row in kept] == ["2026-02-02", "2026-01-06"]
    async with upgraded.reading() as session:
        profiles = [
            (await profile_of(session, await session.get_one(Installer, row["installer_id"]), NOW)).told()
            for row in kept
        ]
    assert [row["profile"] for row in kept] == profiles
    assert profiles[0]["territory"] == {
        "states": ["ACT", "VIC"],
        "ranges": [{"first": "0800", "last": "0810"}, {"first": "2000", "last": "2234"}],
        "postcodes": ["0822", "2480"],
    }
