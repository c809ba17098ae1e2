"""What the tables themselves refuse, and what the serving role may not do."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from chassis import migrate
from chassis.ids import new_id
from contracts.values import AustralianState, SelectedPath
from deploy.local.postgres import ServiceDatabase
from services.intake import models
from services.intake.domain import BoardStatus, Channel, CloseReason, FollowUpOutcome, FollowUpState, LeadStatus
from services.intake.domain.escalation import Notify, Ownership, StepAction, SubjectKind
from tests.intake.samples import NOW

SOURCE, LEAD, CLIENT, BOARD = new_id(), new_id(), new_id(), new_id()


def lead(**changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(), "source_id": SOURCE, "submission_key": "other", "fingerprint": b"f" * 32,
        "accepted_as": "received", "status": "routable", "status_since": NOW, "selected_path": "compare_quotes",
        "service": "solar", "name": "Mia", "email": "m@example.test", "email_match": "m@example.test",
        "phone": "+61412345678", "street": "1 X St", "suburb": "Marrickville", "state": "NSW", "postcode": "2204",
        "received_at": NOW, **changes,
    }  # fmt: skip


def board(**changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(), "client_id": CLIENT, "title": "B", "contracted_amount_cents": 1, "currency": "AUD",
        "status": "open", "opened_at": NOW, **changes,
    }  # fmt: skip


def follow_up(**changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(), "lead_id": LEAD, "channel": "call", "due_at": NOW, "note": "Ring", "state": "open",
        "created_at": NOW, "created_by": "Robin Field", **changes,
    }  # fmt: skip


def client(**changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(), "name": "W", "billing_name": "W", "billing_email": "w@wattle.example", "terms_days": 30,
        "created_at": NOW, **changes,
    }  # fmt: skip


def fault(**changes: Any) -> dict[str, Any]:
    return {"lead_id": LEAD, "fault": "KeyError", "attempts": 1, "failed_at": NOW, "next_at": NOW, **changes}


async def insert(connection: asyncpg.Connection, table: str, row: dict[str, Any]) -> None:
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


@pytest.fixture
async def tables(service_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the serving role, inside a transaction that is rolled back, with a row of each kind."""
    connection = await asyncpg.connect(service_database("intake").url)
    outer = connection.transaction()
    await outer.start()
    await insert(connection, "lead_sources", {"id": SOURCE, "name": "Solar Quotes", "created_at": NOW})
    await insert(connection, "leads", lead(id=LEAD, submission_key="form-7731"))
    consent = {"lead_id": LEAD, "text": "yes", "url": "https://x.example", "remote_address": "::1", "given_at": NOW}
    await insert(connection, "consents", consent)
    await insert(connection, "clients", client(id=CLIENT))
    await insert(connection, "boards", board(id=BOARD))
    yield connection
    await outer.rollback()
    await connection.close()


class TestTheSchema:
    def test_is_what_the_models_say(self, service_database: Callable[[str], ServiceDatabase]) -> None:
        migrate.check(migrate.configuration("intake", service_database("intake").owner_url, None))

    @pytest.mark.parametrize(
        ("table", "column", "words"),
        [
            ("leads", "status", LeadStatus),
            ("leads", "accepted_as", LeadStatus),
            ("leads", "state", AustralianState),
            ("leads", "selected_path", SelectedPath),
            ("leads", "close_reason", CloseReason),
            ("lead_status_changes", "from_status", LeadStatus),
            ("lead_status_changes", "to_status", LeadStatus),
            ("boards", "status", BoardStatus),
            ("follow_ups", "channel", Channel),
            ("follow_ups", "state", FollowUpState),
            ("follow_ups", "outcome", FollowUpOutcome),
            ("escalation_policies", "subject", SubjectKind),
            ("escalation_policies", "ownership", Ownership),
            ("escalation_steps", "action", StepAction),
            ("escalation_steps", "notify", Notify),
            ("escalations", "subject_kind", SubjectKind),
            ("escalations", "action", StepAction),
        ],
    )
    async def test_knows_the_words_that_the_code_knows(
        self, tables: asyncpg.Connection, table: str, column: str, words: type[Any]
    ) -> None:
        """Autogeneration does not compare checks, so that a new word needs this to need a migration."""
        check = await tables.fetchval(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", f"ck_{table}_{column}_known"
        )
        assert sorted(part for part in check.split("'")[1::2]) == sorted(word.value for word in words)

    def test_has_every_table_of_the_models(self) -> None:
        assert {
            *("leads", "consents", "lead_status_changes", "screening_faults", "clients", "boards", "ndas"),
            *("operators", "follow_ups", "escalation_policies", "escalation_steps", "escalations"),
        } < set(models.Model.metadata.tables)


class TestConstraints:
    @pytest.mark.parametrize(
        ("table", "row"),
        [
            ("leads", lead(submission_key="form-7731")),
            ("leads", lead(submission_key="")),
            ("leads", lead(source_id=new_id())),
            ("leads", lead(status="lost")),
            ("leads", lead(state="NZ")),
            ("leads", lead(postcode="220")),
            ("leads", lead(phone="0412345678")),
            ("leads", lead(fingerprint=b"short")),
            ("leads", lead(status="closed")),
            ("leads", lead(close_reason="withdrawn")),
            ("screening_faults", fault(attempts=0)),
            ("screening_faults", fault(lead_id=new_id())),
            ("leads", lead(owner_id=new_id())),
            ("follow_ups", follow_up(state="done")),
            ("follow_ups", follow_up(outcome="reached")),
            ("follow_ups", follow_up(lead_id=new_id())),
            ("follow_ups", follow_up(owner_id=new_id())),
            ("lead_sources", {"id": new_id(), "name": "SOLAR QUOTES", "created_at": NOW}),
            ("consents", {"lead_id": LEAD, "text": "", "url": "", "remote_address": "", "given_at": NOW}),
            ("clients", client(abn="51 824 753 556")),
            ("clients", client(terms_days=-1)),
            ("boards", board(contracted_amount_cents=0)),
            ("boards", board(currency="USD")),
            ("boards", board(status="closed")),
            ("boards", board(closed_at=NOW)),
            ("boards", board(client_id=new_id())),
        ],
    )
    async def test_refuse_what_cannot_be(self, tables: asyncpg.Connection, table: str, row: dict[str, Any]) -> None:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await insert(tables, table, row)


class TestWrittenOnce:
    @pytest.mark.parametrize(
        ("table", "column"),
        [("consents", "lead_id"), ("lead_status_changes", "lead_id"), ("lead_moments", "subject_id")],
    )
    @pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0}"])
    async def test_the_serving_role_has_no_grant_to_change_it(
        self, tables: asyncpg.Connection, table: str, column: str, change: str
    ) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tables.execute(change.format(table, column))

    @pytest.mark.parametrize("change", ["UPDATE {} SET action = ''", "DELETE FROM {}", "TRUNCATE {}"])
    async def test_nor_to_change_what_was_audited(self, tables: asyncpg.Connection, change: str) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tables.execute(change.format("audit_entries"))

    @pytest.mark.parametrize("change", ["UPDATE consents SET text = 'no'", "DELETE FROM consents"])
    async def test_the_owner_is_stopped_by_the_trigger(
        self, fresh_database: Callable[[str], ServiceDatabase], change: str
    ) -> None:
        owner = await asyncpg.connect(fresh_database("intake").owner_url)
        await insert(owner, "lead_sources", {"id": SOURCE, "name": "Solar Quotes", "created_at": NOW})
        await insert(owner, "leads", lead(id=LEAD))
        consent = {"lead_id": LEAD, "text": "yes", "url": "u", "remote_address": "::1", "given_at": NOW}
        await insert(owner, "consents", consent)
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute(change)
        await owner.close()
