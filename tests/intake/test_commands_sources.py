"""Lead sources and their keys."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from services.intake.commands.source_keys import revoke_key, rotate_key
from services.intake.commands.sources import (
    ChangeSource,
    create_source,
    rename_source,
    revoke_source,
    set_source_mode,
    set_source_rate,
)
from services.intake.domain import SourceAction, SourceMode, presented_key
from services.intake.errors import (
    KeyExpired,
    KeyMissing,
    KeyNotWorking,
    KeyRevoked,
    SourceKeyNotFound,
    SourceNameTaken,
    SourceNotActive,
    SourceNotFound,
    SourceRevoked,
    SourceUnknown,
)
from services.intake.keyring import KeyRing
from services.intake.models import LeadSource
from tests.intake.samples import NOW, OPERATOR, count, rows, working_source
from tests.kit.databases import RolledBackDatabase


class TestCreateSource:
    async def test_gives_a_key_of_which_only_the_hash_is_kept(self, database: RolledBackDatabase) -> None:
        api_key, source = await working_source(database)
        (kept,) = await rows(database, "SELECT prefix, key_sha256, source_id FROM lead_source_keys")
        presented = presented_key(api_key)
        assert presented == (kept["prefix"], kept["key_sha256"])
        assert source.source_id == kept["source_id"]

    async def test_refuses_a_name_that_is_taken_in_any_case(self, database: RolledBackDatabase) -> None:
        await working_source(database, "Solar Quotes")
        with pytest.raises(SourceNameTaken):
            async with database.transaction() as session:
                await create_source(session, "SOLAR quotes", OPERATOR, NOW)

    async def test_is_audited_without_the_key(self, database: RolledBackDatabase) -> None:
        api_key, _ = await working_source(database)
        (entry,) = await rows(database, "SELECT action, after FROM audit_entries")
        assert entry["action"] == "create_lead_source"
        assert entry["after"] == {"name": "Solar Quotes", "keys": [api_key[:17]]}


class TestRotateKey:
    async def test_the_old_key_works_on_for_the_overlap(self, database: RolledBackDatabase) -> None:
        old, source = await working_source(database)
        async with database.transaction() as session:
            keyed = await rotate_key(session, source.source_id, timedelta(hours=24), OPERATOR, NOW, "It leaked")
        ring = KeyRing(database, remember_seconds=0)
        for api_key in (old, keyed.api_key):
            assert (await ring.holder(api_key)).source_id == source.source_id
        (told,) = await rows(database, "SELECT * FROM audit_entries WHERE action = 'rotate_lead_source_key'")
        (ended, made), (was,) = told["after"]["keys"], told["before"]["keys"]
        assert (was, made) == (old[:17], keyed.api_key[:17])
        assert ended.startswith(f"{old[:17]} until ")
        assert (told["after"]["overlap_hours"], told["reason_text"]) == (24, "It leaked")

    async def test_without_overlap_the_old_key_ends_at_once(self, database: RolledBackDatabase) -> None:
        old, source = await working_source(database)
        async with database.transaction() as session:
            await rotate_key(session, source.source_id, timedelta(), OPERATOR, NOW)
        with pytest.raises(KeyExpired):
            await KeyRing(database, remember_seconds=0).holder(old)

    async def test_never_prolongs_a_key_that_is_running_out(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        for hours in (1, 48):
            async with database.transaction() as session:
                await rotate_key(session, source.source_id, timedelta(hours=hours), OPERATOR, NOW)
        left = await rows(
            database, "SELECT expires_at - now() AS time_left FROM lead_source_keys WHERE expires_at IS NOT NULL"
        )
        assert min(key["time_left"] for key in left) <= timedelta(hours=1)

    async def test_refuses_a_revoked_source(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        async with database.transaction() as session:
            await revoke_source(session, source.source_id, "fraud", OPERATOR, NOW)
        with pytest.raises(SourceNotActive):
            async with database.transaction() as session:
                await rotate_key(session, source.source_id, timedelta(), OPERATOR, NOW)


class TestRevokeSource:
    async def test_done_twice_is_done_once(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        for later in (timedelta(), timedelta(days=1)):
            async with database.transaction() as session:
                revoked = await revoke_source(session, source.source_id, "fraud", OPERATOR, NOW + later)
        assert revoked.revoked_at == NOW
        assert len(await rows(database, "SELECT 1 FROM audit_entries WHERE action = 'revoke_lead_source'")) == 1

    async def test_refuses_a_source_that_is_not_there(self, database: RolledBackDatabase) -> None:
        with pytest.raises(SourceNotFound):
            async with database.transaction() as session:
                await revoke_source(session, OPERATOR.id, None, OPERATOR, NOW)


class TestKeyRing:
    async def test_remembers_a_working_key_until_it_is_told_to_forget(self, database: RolledBackDatabase) -> None:
        api_key, source = await working_source(database)
        ring = KeyRing(database, remember_seconds=60)
        await ring.holder(api_key)
        async with database.transaction() as session:
            await revoke_source(session, source.source_id, None, OPERATOR, NOW)
        assert (await ring.holder(api_key)).source_id == source.source_id
        ring.forget(source.source_id)
        with pytest.raises(SourceRevoked):
            await ring.holder(api_key)

    async def test_refuses_a_key_with_a_true_prefix_and_another_secret(self, database: RolledBackDatabase) -> None:
        api_key, _ = await working_source(database)
        ring = KeyRing(database, remember_seconds=60)
        await ring.holder(api_key)
        with pytest.raises(SourceUnknown):
            await ring.holder(api_key[:-1] + ("A" if api_key[-1] != "A" else "B"))

    async def test_refuses_what_is_no_key(self, database: RolledBackDatabase) -> None:
        ring = KeyRing(database, remember_seconds=60)
        with pytest.raises(KeyMissing):
            await ring.holder(None)
        with pytest.raises(SourceUnknown):
            await ring.holder("not-a-key")
        assert await count(database, "lead_source_keys") == 0


Deed = Callable[[AsyncSession], Awaitable[LeadSource]]


async def changed(database: RolledBackDatabase) -> list[dict[str, Any]]:
    """What others were told of sources, in order."""
    found = await rows(database, "SELECT body FROM outbox WHERE topic = 'intake.lead_sources' ORDER BY id")
    return [json.loads(row["body"]) for row in found]


async def entries(database: RolledBackDatabase, action: str) -> list[dict[str, Any]]:
    told = "SELECT before, after, reason_text FROM audit_entries WHERE action = :action ORDER BY occurred_at, id"
    return await rows(database, told, action=action)


class TestChangingASource:
    async def test_is_told_with_all_of_it_and_audited_with_the_reason(self, database: RolledBackDatabase) -> None:
        api_key, key = await working_source(database)
        command = ChangeSource(key.source_id, OPERATOR, "a campaign begins")
        deeds: tuple[Deed, ...] = (
            lambda session: rename_source(session, command, "Solar Compare"),
            lambda session: set_source_mode(session, command, SourceMode.TEST),
            lambda session: set_source_rate(session, command, 90),
            lambda session: revoke_source(session, key.source_id, "fraud", OPERATOR, NOW),
        )
        for change in deeds:
            for _ in range(2):
                async with database.transaction() as session:
                    await change(session)
        named = {"source_id": str(key.source_id), "name": "Solar Compare", "keys": [{"begins": api_key[:17]}]}
        assert await changed(database) == [
            named | {"name": "Solar Quotes", "mode": "live", "is_active": True},
            named | {"mode": "live", "is_active": True},
            named | {"mode": "test", "is_active": True},
            named | {"mode": "test", "is_active": True, "rate_per_minute": 90},
            named | {"mode": "test", "is_active": False, "rate_per_minute": 90, "keys": []},
        ]
        reason = {"reason_text": "a campaign begins"}
        assert [await entries(database, f"{deed}") for deed in ("rename_lead_source", "set_lead_source_rate")] == [
            [{"before": {"name": "Solar Quotes"}, "after": {"name": "Solar Compare"}} | reason],
            [{"before": {"rate_per_minute": None}, "after": {"rate_per_minute": 90}} | reason],
        ]
        assert await entries(database, "set_lead_source_mode") == [
            {"before": {"mode": "live"}, "after": {"mode": "test"}} | reason
        ]

    async def test_refuses_a_name_that_another_has(self, database: RolledBackDatabase) -> None:
        _, key = await working_source(database)
        await working_source(database, "Solar Compare")
        with pytest.raises(SourceNameTaken):
            async with database.transaction() as session:
                await rename_source(session, ChangeSource(key.source_id, OPERATOR), "SOLAR compare")

    async def test_its_name_may_change_its_case(self, database: RolledBackDatabase) -> None:
        _, key = await working_source(database)
        async with database.transaction() as session:
            source = await rename_source(session, ChangeSource(key.source_id, OPERATOR), "solar QUOTES")
        assert source.name == "solar QUOTES"

    async def test_of_a_revoked_one_is_its_name_alone(self, database: RolledBackDatabase) -> None:
        _, key = await working_source(database)
        command = ChangeSource(key.source_id, OPERATOR)
        async with database.transaction() as session:
            await revoke_source(session, key.source_id, None, OPERATOR, NOW)
        async with database.transaction() as session:
            assert (await rename_source(session, command, "Old Quotes")).available_actions == [SourceAction.RENAME]
        refused: tuple[Deed, ...] = (
            lambda session: set_source_mode(session, command, SourceMode.TEST),
            lambda session: set_source_rate(session, command, 5),
        )
        for deed in refused:
            with pytest.raises(SourceNotActive):
                async with database.transaction() as session:
                    await deed(session)


class TestRevokeKey:
    async def test_ends_one_key_before_its_overlap_does_and_no_other(self, database: RolledBackDatabase) -> None:
        old, source = await working_source(database)
        async with database.transaction() as session:
            keyed = await rotate_key(session, source.source_id, timedelta(hours=24), OPERATOR, NOW)
        for _ in range(2):
            async with database.transaction() as session:
                await revoke_key(session, source.source_id, source.key.prefix, "it leaked", OPERATOR, NOW)
        ring = KeyRing(database, remember_seconds=0)
        with pytest.raises(KeyRevoked):
            await ring.holder(old)
        assert (await ring.holder(keyed.api_key)).source_id == source.source_id
        (entry,) = await entries(database, "revoke_lead_source_key")
        assert (entry["after"]["key"], entry["reason_text"]) == (f"wbk_{source.key.prefix}_", "it leaked")
        assert old not in str(entry)

    async def test_refuses_one_that_has_run_out_or_went_with_its_source(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        async with database.transaction() as session:
            keyed = await rotate_key(session, source.source_id, timedelta(), OPERATOR, NOW)
        present = presented_key(keyed.api_key)
        assert present is not None
        for prefix, why in ((source.key.prefix, "has run out"), (present.prefix, "its source was revoked")):
            with pytest.raises(KeyNotWorking, match=why):
                async with database.transaction() as session:
                    await revoke_key(session, source.source_id, prefix, "no more", OPERATOR, NOW)
            async with database.transaction() as session:
                await revoke_source(session, source.source_id, None, OPERATOR, NOW)

    async def test_knows_no_key_of_another_source(self, database: RolledBackDatabase) -> None:
        _, one = await working_source(database)
        _, other = await working_source(database, "Other")
        with pytest.raises(SourceKeyNotFound):
            async with database.transaction() as session:
                await revoke_key(session, one.source_id, other.key.prefix, "no", OPERATOR, NOW)

    async def test_rotating_does_not_wake_a_revoked_key(self, database: RolledBackDatabase) -> None:
        old, source = await working_source(database)
        async with database.transaction() as session:
            await revoke_key(session, source.source_id, source.key.prefix, "it leaked", OPERATOR, NOW)
        async with database.transaction() as session:
            await rotate_key(session, source.source_id, timedelta(hours=24), OPERATOR, NOW)
        with pytest.raises(KeyRevoked):
            await KeyRing(database, remember_seconds=0).holder(old)


class TestToldKeys:
    async def test_are_those_that_work_after_each_deed(self, database: RolledBackDatabase) -> None:
        old, source = await working_source(database)
        async with database.transaction() as session:
            new = (await rotate_key(session, source.source_id, timedelta(hours=24), OPERATOR, NOW)).api_key
        for _ in range(2):
            async with database.transaction() as session:
                await revoke_key(session, source.source_id, source.key.prefix, "it leaked", OPERATOR, NOW)
        async with database.transaction() as session:
            newest = (await rotate_key(session, source.source_id, timedelta(), OPERATOR, NOW)).api_key
        told = [each["keys"] for each in await changed(database)]
        assert [[key["begins"] for key in keys] for keys in told] == [
            [old[:17]],
            [old[:17], new[:17]],
            [new[:17]],
            [newest[:17]],
        ]
        assert [["expires_at" in key for key in keys] for keys in told] == [[False], [True, False], [False], [False]]
        (kept,) = await rows(database, "SELECT version FROM lead_sources")
        assert kept["version"] == len(told)
        assert not [secret for secret in (old, new, newest) if secret[17:] in str(told)]


class TestLastUse:
    async def test_is_noted_at_most_every_five_minutes(self, database: RolledBackDatabase) -> None:
        api_key, _ = await working_source(database)
        clock = FixedClock(NOW + timedelta(days=400))
        ring = KeyRing(database, remember_seconds=0, clock=clock)
        seen = []
        for minutes in (0, 4, 1, 5):
            clock.advance(timedelta(minutes=minutes))
            await ring.holder(api_key)
            (key,) = await rows(database, "SELECT last_used_at FROM lead_source_keys")
            seen.append((key["last_used_at"] - NOW - timedelta(days=400)).total_seconds() / 60)
        assert seen == [0, 0, 5, 10]

    async def test_is_not_noted_of_a_key_that_does_not_work(self, database: RolledBackDatabase) -> None:
        api_key, source = await working_source(database)
        (before,) = await rows(database, "SELECT last_used_at FROM lead_source_keys")
        async with database.transaction() as session:
            await revoke_key(session, source.source_id, source.key.prefix, "it leaked", OPERATOR, NOW)
        clock = FixedClock(NOW + timedelta(days=400))
        with pytest.raises(KeyRevoked):
            await KeyRing(database, remember_seconds=0, clock=clock).holder(api_key)
        assert await rows(database, "SELECT last_used_at FROM lead_source_keys") == [before]
