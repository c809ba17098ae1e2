"""What the tables themselves do not let through."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from chassis.migrate import check, configuration
from deploy.local.postgres import ServiceDatabase
from services.notifications.commands.documents import keep_documents
from tests.kit.databases import RolledBackDatabase
from tests.kit.records import incoming
from tests.notifications.samples import NOW, account, document_rendered, draft, queue


class TestSchema:
    def test_models_and_migrations_agree(self, service_database: Callable[[str], ServiceDatabase]) -> None:
        database = service_database("notifications")
        check(configuration("notifications", database.owner_url, "notifications"))


async def refused(database: RolledBackDatabase, statement: str) -> None:
    async with database.transaction() as session:
        with pytest.raises((IntegrityError, DBAPIError)):
            async with session.begin_nested():
                await session.execute(text(statement))


class TestMessages:
    async def test_one_mail_about_one_thing_to_one_person(self, database: RolledBackDatabase) -> None:
        await queue(database, draft())
        await refused(
            database,
            "INSERT INTO messages SELECT (m).* FROM (SELECT jsonb_populate_record(m, jsonb_build_object("
            "'id', gen_random_uuid(), 'header_id', 'x')) AS m FROM messages m) s",
        )

    @pytest.mark.parametrize(
        "change",
        [
            "state = 'lost'",
            "purpose = 'advertising'",
            "state = 'sending'",
            "state = 'accepted'",
            "next_attempt_at = NULL",
            "lease_until = now()",
            "erased_at = now()",
        ],
    )
    async def test_no_impossible_state(self, database: RolledBackDatabase, change: str) -> None:
        await queue(database, draft())
        await refused(database, f"UPDATE messages SET {change}")


class TestWrittenOnce:
    @pytest.mark.parametrize(
        "statement", ["UPDATE voided_invoices SET voided_at = 'now'", "DELETE FROM voided_invoices"]
    )
    async def test_what_is_void_stays_so(self, database: RolledBackDatabase, statement: str) -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO voided_invoices VALUES (gen_random_uuid(), now())"))
        await refused(database, statement)

    @pytest.mark.parametrize("statement", ["UPDATE documents SET number = 'x'", "DELETE FROM documents"])
    async def test_a_document_never_changes(self, database: RolledBackDatabase, statement: str) -> None:
        async with database.transaction() as session:
            await keep_documents(session, [incoming(document_rendered()).event], NOW)
        await refused(database, statement)


class TestAccounts:
    @pytest.mark.parametrize("change", ["daily_cap = 0", "weight = 0", "mail_classes = '{}'", "state = 'well'"])
    async def test_no_impossible_account(self, database: RolledBackDatabase, change: str) -> None:
        await account(database)
        await refused(database, f"UPDATE sender_accounts SET {change}")
