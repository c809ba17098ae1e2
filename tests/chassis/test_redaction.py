"""Erasure: the texts about a person go from the chassis's tables, and nothing else of an audit row ever changes."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from chassis import audit
from chassis.audit import Subject, audit_entries
from chassis.database import Database, create_engine
from chassis.ids import new_id
from chassis.redaction import ERASED, redact_audit
from deploy import SERVICES
from deploy.local.postgres import ServiceDatabase
from tests.chassis.test_audit import operator

LEAD = Subject("lead", new_id())


@pytest.fixture
async def database(chassis_database: ServiceDatabase) -> AsyncIterator[Database]:
    database = Database(create_engine(chassis_database.url, pool_size=2), "/waybill/example")
    yield database
    await database.close()


async def tell(database: Database, subject: Subject = LEAD, **told: Any) -> UUID:
    async with database.transaction() as session:
        return await audit.record(session, actor=operator(), action="correct", subject=subject, **told)


async def entry(database: Database, id_: UUID) -> dict[str, Any]:
    async with database.reading() as session:
        row = (await session.execute(select(audit_entries).where(audit_entries.c.id == id_))).one()
        return dict(row._mapping)


async def redact(database: Database, *literals: str, subjects: tuple[Subject, ...] = ()) -> int:
    async with database.transaction() as session:
        return await redact_audit(session, subjects, literals)


class TestRedactAudit:
    async def test_takes_the_reasons_of_the_subjects_whatever_they_say(self, database: Database) -> None:
        theirs = await tell(database, reason_text="She rang", reason_code="person_told")
        silent = await tell(database)
        other = await tell(database, Subject("lead", new_id()), reason_text="She rang")
        same_id = await tell(database, Subject("board", LEAD.id), reason_text="She rang")
        assert await redact(database, subjects=(LEAD, LEAD)) == 1
        assert (await entry(database, theirs))["reason_text"] == ERASED
        assert (await entry(database, theirs))["reason_code"] == "person_told"
        assert (await entry(database, silent))["reason_text"] is None
        for kept in (other, same_id):
            assert (await entry(database, kept))["reason_text"] == "She rang"

    async def test_finds_a_literal_in_any_text_at_any_depth(self, database: Database) -> None:
        before = {"to": [1, None, {"who": ["x", {"name": "call MIA NG today", "cents": 5}]}], "kept": "Marrickville"}
        held = await tell(database, Subject("board", new_id()), before=before, after={"name": "Mia Ng"})
        told = await tell(database, Subject("board", new_id()), reason_text="mia ng rang", after={"kept": "x"})
        none = await tell(database, Subject("board", new_id()), reason_text="nobody rang", after={"kept": "x"})
        assert await redact(database, "Mia Ng") == 2
        found = await entry(database, held)
        assert found["before"] == {
            "to": [1, None, {"who": ["x", {"name": ERASED, "cents": 5}]}],
            "kept": "Marrickville",
        }
        assert found["after"] == {"name": ERASED}
        assert (await entry(database, told))["reason_text"] == ERASED
        assert (await entry(database, told))["after"] == {"kept": "x"}
        assert (await entry(database, none))["reason_text"] == "nobody rang"

    async def test_never_changes_who_when_or_what(self, database: Database) -> None:
        """Not even where they are the literal: an operator, an id, a deed, a field's name."""
        id_ = await tell(database, reason_text="Robin Field", reason_code="correct", after={"correct": 1, "lead": "x"})
        was = await entry(database, id_)
        assert await redact(database, "Robin Field", "correct", "lead", str(LEAD.id), str(was["actor_id"])) == 1
        assert await entry(database, id_) == was | {"reason_text": ERASED}

    @pytest.mark.parametrize("literal", ["Łucja Żak", "ÉLODIE", "o'brien", 'the "Rob"', "a\\b\\c", "two\nlines"])
    async def test_knows_a_literal_in_any_case_and_writing(self, database: Database, literal: str) -> None:
        id_ = await tell(
            database, reason_text=f"({literal.upper()})", before={"a": f"«{literal}»"}, after={"a": [literal.lower()]}
        )
        assert await redact(database, literal) == 1
        found = await entry(database, id_)
        assert (found["reason_text"], found["before"], found["after"]) == (ERASED, {"a": ERASED}, {"a": [ERASED]})

    @pytest.mark.parametrize(
        ("literal", "near"),
        [
            ("100%off", "100 is off"),
            ("mia_ng", "miaxng"),
            ("m.a ng", "mia ng"),
            ("(mia|ng)", "mia"),
            ("mia*", "miaa"),
            ("[a-z]+", "abc"),
            ("mia\\", "mia%"),
            ("$$;", "$"),
            ("','", "','"[:2]),
            ("%%%", "100%"),
            ("___", "abc"),
        ],
    )
    async def test_takes_signs_of_patterns_for_what_they_are(self, database: Database, literal: str, near: str) -> None:
        held = await tell(database, Subject("x", "1"), reason_text=f"a {literal} b", after={"a": f"a {literal} b"})
        kept = await tell(database, Subject("x", "2"), reason_text=near, after={"a": near})
        assert await redact(database, literal) == 1
        assert (await entry(database, held))["after"] == {"a": ERASED}
        assert (await entry(database, kept))["reason_text"] == near
        assert (await entry(database, kept))["after"] == {"a": near}

    @pytest.mark.parametrize("literals", [(), ("",), ("  ", "\t\n"), ("ng", " a ")])
    async def test_passes_over_what_would_stand_in_every_word(
        self, database: Database, literals: tuple[str, ...]
    ) -> None:
        id_ = await tell(database, reason_text="ng a rang", after={"a": "ng", "b": ""})
        was = await entry(database, id_)
        assert await redact(database, *literals) == 0
        assert await entry(database, id_) == was

    async def test_done_twice_is_done_once(self, database: Database) -> None:
        await tell(database, reason_text="Mia Ng", after={"name": "Mia Ng"})
        assert [await redact(database, "Mia Ng", subjects=(LEAD,)) for _ in range(2)] == [1, 0]

    async def test_is_undone_with_the_rest_of_its_transaction(self, database: Database) -> None:
        id_ = await tell(database, reason_text="Mia Ng")
        with pytest.raises(LookupError):
            async with database.transaction() as session:
                await redact_audit(session, [LEAD], ["Mia Ng"])
                raise LookupError
        assert (await entry(database, id_))["reason_text"] == "Mia Ng"


@pytest.fixture(scope="module")
async def functions(service_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(service_database("intake").url)
    yield connection
    await connection.close()


TEXTS = st.text("abAB%_\\\"'.*é É", max_size=8)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def modelled(value: Any, literals: list[str]) -> Any:
    """What becomes of a document, in five lines of Python."""
    match value:
        case str():
            return (
                ERASED if any(each.lower() in value.lower() for each in literals if len(each.strip(" ")) > 2) else value
            )
        case list():
            return [modelled(each, literals) for each in value]
        case dict():
            return {name: modelled(each, literals) for name, each in value.items()}
        case _:
            return value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(document=DOCUMENTS, literals=st.lists(TEXTS, max_size=3))
async def test_a_document_becomes_what_the_model_says(
    functions: asyncpg.Connection, document: Any, literals: list[str]
) -> None:
    query = "SELECT redacted($1::jsonb, literal_patterns($2::text[]))"
    assert json.loads(await functions.fetchval(query, json.dumps(document), literals)) == modelled(document, literals)


FORGED = (
    "UPDATE audit_entries SET actor_name = 'somebody else'",
    "UPDATE audit_entries SET occurred_at = now()",
    "UPDATE audit_entries SET action = 'nothing'",
    "UPDATE audit_entries SET subject_id = 'other'",
    "UPDATE audit_entries SET reason_code = NULL",
    "UPDATE audit_entries SET request_id = 'other'",
    "UPDATE audit_entries SET reason_text = 'a better reason'",
    "UPDATE audit_entries SET reason_text = NULL",
    """UPDATE audit_entries SET before = '{"name": "Mia"}'""",
    "UPDATE audit_entries SET after = NULL",
    """UPDATE audit_entries SET after = '{"name": "Erased on request", "cents": 2}'""",
    """UPDATE audit_entries SET after = '{"name": "Erased on request"}'""",
    "UPDATE audit_entries SET reason_text = 'Erased on request', actor_name = 'Erased on request'",
    "DELETE FROM audit_entries",
)
REDACTED = "UPDATE audit_entries SET reason_text = 'Erased on request'"
MARK = "SELECT set_config('waybill.redacting', literal_patterns('{Mia Ng}')::text, true)"
ADDED = """
    INSERT INTO audit_entries (id, occurred_at, actor_name, action, subject_kind, subject_id, after, reason_code,
        reason_text) VALUES ($1, now(), 'system', 'correct', 'lead', 'x', '{"name": "MIA NG", "cents": 1}', 'a', 'told')
"""


async def refused(connection: asyncpg.Connection, statement: str, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        async with connection.transaction():
            await connection.execute(statement)


class TestNoOtherWay:
    @pytest.mark.parametrize("service", SERVICES)
    async def test_the_serving_role_redacts_and_may_change_nothing_by_itself(
        self, service: str, service_database: Callable[[str], ServiceDatabase]
    ) -> None:
        connection = await asyncpg.connect(service_database(service).url)
        outer = connection.transaction()
        await outer.start()
        await connection.execute(ADDED, new_id())
        await connection.execute(MARK)
        for statement in (*FORGED, REDACTED, "TRUNCATE audit_entries"):
            await refused(connection, statement, asyncpg.InsufficientPrivilegeError)
        assert await connection.fetchval("SELECT redact_audit('{}', '{}', '{Mia Ng}')") == 1
        name = await connection.fetchval("SELECT after ->> 'name' FROM audit_entries")
        assert name == ERASED
        await outer.rollback()
        await connection.close()

    async def test_a_role_that_was_granted_more_is_refused_by_the_rows(self, chassis_database: ServiceDatabase) -> None:
        """The chassis's own database takes no grant back: there the trigger alone stands in the way."""
        connection = await asyncpg.connect(chassis_database.url)
        await connection.execute(ADDED, new_id())
        async with connection.transaction():
            for mark in (MARK, MARK.replace("Mia Ng", "nobody")):
                await connection.execute(mark)
                for statement in (*FORGED, REDACTED):
                    await refused(connection, statement, asyncpg.RestrictViolationError)
            # Nor by a table of its own that stands before ours.
            await connection.execute("CREATE TEMPORARY TABLE audit_entries (LIKE public.audit_entries) ON COMMIT DROP")
            assert await connection.fetchval("SELECT redact_audit('{}', '{}', '{Mia Ng}')") == 1
        assert await connection.fetchval("SELECT after ->> 'name' FROM audit_entries") == ERASED
        await connection.close()

    async def test_the_owner_too_can_do_no_more_than_the_function(self, chassis_database: ServiceDatabase) -> None:
        connection = await asyncpg.connect(chassis_database.owner_url)
        await connection.execute(ADDED, new_id())
        for statement in (*FORGED, REDACTED):
            await refused(connection, statement, asyncpg.RestrictViolationError)
        async with connection.transaction():
            # With a mark that touches the row, and with one that does not: then the forgery alone is what is refused.
            for mark in (MARK, MARK.replace("Mia Ng", "nobody")):
                await connection.execute(mark)
                for statement in FORGED:
                    await refused(connection, statement, asyncpg.RestrictViolationError)
            await connection.execute("SELECT redact_audit('{lead}', '{x}', '{}')")
            # The mark went with it.
            await refused(connection, REDACTED, asyncpg.RestrictViolationError)
        await connection.close()
