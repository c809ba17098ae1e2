"""Lead sources and their keys."""

from datetime import timedelta

import pytest

from services.intake.commands.source_keys import rotate_key
from services.intake.commands.sources import create_source, revoke_source
from services.intake.domain import presented_key
from services.intake.errors import (
    KeyExpired,
    KeyMissing,
    SourceNameTaken,
    SourceNotActive,
    SourceNotFound,
    SourceRevoked,
    SourceUnknown,
)
from services.intake.keyring import KeyRing
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
        assert api_key not in str(entry["after"])


class TestRotateKey:
    async def test_the_old_key_works_on_for_the_overlap(self, database: RolledBackDatabase) -> None:
        old, source = await working_source(database)
        async with database.transaction() as session:
            keyed = await rotate_key(session, source.source_id, timedelta(hours=24), OPERATOR, NOW)
        ring = KeyRing(database, remember_seconds=0)
        for api_key in (old, keyed.api_key):
            assert (await ring.holder(api_key)).source_id == source.source_id

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
