"""A database that one test has used is given to the next only where nobody could tell it from a new one."""

import asyncpg
import pytest

from deploy.local.postgres import ServiceDatabase
from tests.kit.databases import Databases

pytestmark = pytest.mark.slow

SERVICE = "routing"
REMEMBERED = "INSERT INTO inbox VALUES (gen_random_uuid(), 'kit', now()) RETURNING consumer"
NUMBER = "SELECT nextval('outbox_ids')"


@pytest.fixture
def own_databases(databases: Databases) -> Databases:
    """With nothing in reserve, so that what is given next is known."""
    return Databases(databases.address)


async def run(url: str, *statements: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [str(await connection.fetchval(statement)) for statement in statements]
    finally:
        await connection.close()


def again(databases: Databases, used: ServiceDatabase) -> ServiceDatabase:
    databases.renew(used)
    return databases.fresh(SERVICE)


async def test_what_was_written_is_gone_and_numbers_begin_anew(own_databases: Databases) -> None:
    used = own_databases.fresh(SERVICE)
    first = await run(used.url, NUMBER, NUMBER, REMEMBERED)
    found = again(own_databases, used)
    assert found == used
    assert await run(found.url, NUMBER, NUMBER, "SELECT count(*) FROM inbox") == [*first[:2], "0"]
    own_databases.drop(found)


async def test_what_the_migrations_brought_is_there_again(own_databases: Databases) -> None:
    used = own_databases.fresh(SERVICE)
    brought = "SELECT json_agg(s)::text FROM (SELECT * FROM auto_dispatch) s"
    before = await run(used.url, brought)
    await run(used.url, "UPDATE auto_dispatch SET is_enabled = false, version = 7")
    found = again(own_databases, used)
    assert found == used
    assert await run(found.url, brought) == before
    own_databases.drop(found)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE outbox ADD COLUMN mine int",
        "ALTER TABLE assignments DISABLE TRIGGER ALL",
        "ALTER TABLE auto_dispatch DROP CONSTRAINT pk_auto_dispatch",
        "REVOKE INSERT ON outbox FROM routing",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP TABLE outbox CASCADE",
        "CREATE INDEX mine ON auto_dispatch (version)",
    ],
)
async def test_one_whose_definitions_were_changed_is_given_to_nobody(own_databases: Databases, change: str) -> None:
    used = own_databases.fresh(SERVICE)
    owner = own_databases.address.url(used.url.rsplit("/", 1)[1])
    connection = await asyncpg.connect(owner)
    await connection.execute(change)
    await connection.close()
    found = again(own_databases, used)
    assert found != used
    own_databases.drop(found)


async def test_who_is_still_connected_is_sent_away(own_databases: Databases) -> None:
    used = own_databases.fresh(SERVICE)
    left = await asyncpg.connect(used.url)
    found = again(own_databases, used)
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError)):
        await left.fetchval("SELECT 1")
    await left.close()
    own_databases.drop(found)
