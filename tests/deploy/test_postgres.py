"""PostgreSQL of our own: restarts, deaths, and what its log may say."""

from pathlib import Path

import asyncpg
import pytest

from deploy.local import postgres
from deploy.local.paths import is_listening
from deploy.local.postgres import PostgresFailed, PostgresServer, create_database, create_role

# One worker for all of them: the server of their own is started once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("own-postgres")]


class TestPostgresServer:
    def test_keeps_what_was_committed_over_every_kind_of_restart(self, own_postgres: PostgresServer) -> None:
        address = own_postgres.address
        address.execute("CREATE TABLE kept (how text)")
        for how, immediately in (("fast", False), ("immediate", True)):
            address.execute(f"INSERT INTO kept VALUES ('{how}')")
            own_postgres.restart(immediately=immediately)
        address.execute("INSERT INTO kept VALUES ('killed')")
        own_postgres.kill()
        assert not is_listening(address.port)
        own_postgres.start()
        own_postgres.child.wait_until_ready()
        assert address.execute("SELECT how FROM kept").split() == ["fast", "immediate", "killed"]

    async def test_cuts_connections_when_it_stops_immediately(self, own_postgres: PostgresServer) -> None:
        connection = await asyncpg.connect(own_postgres.address.url())
        own_postgres.restart(immediately=True)
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CrashShutdownError)):
            await connection.fetchval("SELECT 1")
        await connection.close(timeout=1)

    def test_promises_durability_and_takes_many_connections(self, own_postgres: PostgresServer) -> None:
        asked = ("fsync", "synchronous_commit", "full_page_writes", "max_connections")
        answers = own_postgres.address.execute(*(f"SHOW {name}" for name in asked)).split()
        assert answers == ["on", "on", "on", "300"]

    def test_listens_on_the_loopback_alone_and_wants_a_password(self, own_postgres: PostgresServer) -> None:
        address = own_postgres.address
        assert address.execute("SHOW listen_addresses", "SHOW unix_socket_directories").split() == ["127.0.0.1"]
        with pytest.raises(PostgresFailed, match="password authentication failed"):
            type(address)(address.port, "guessed").execute("SELECT 1")

    def test_logs_no_row_that_broke_a_constraint(self, own_postgres: PostgresServer) -> None:
        own_postgres.address.execute("CREATE TABLE people (email text UNIQUE)")
        add = "INSERT INTO people SELECT 'ada@' || 'private.example'"
        own_postgres.address.execute(add)
        with pytest.raises(PostgresFailed, match="duplicate key"):
            own_postgres.address.execute(add)
        log = own_postgres.child.log.read_text()
        assert "duplicate key" in log
        assert "ada@private.example" not in log

    def test_runs_from_a_checkout_that_its_user_may_not_enter(
        self, workroom: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As a checkout in root's home: the binaries are copied to where they can be run."""
        monkeypatch.setattr(postgres, "_may_run", lambda program, user: False)
        server = PostgresServer(workroom / "postgres")
        assert server.binaries.is_relative_to(workroom)
        server.start()
        server.child.wait_until_ready()
        server.stop()


class TestCreateDatabase:
    async def test_gives_the_serving_role_what_its_owner_makes_and_no_more(self, own_postgres: PostgresServer) -> None:
        create_role(own_postgres.address, "billing")
        create_role(own_postgres.address, "billing")
        database = create_database(own_postgres.address, "billing")
        owner, serving = await asyncpg.connect(database.owner_url), await asyncpg.connect(database.url)
        try:
            await owner.execute("CREATE TABLE invoices (id serial PRIMARY KEY, cents int)")
            await owner.execute("REVOKE UPDATE ON invoices FROM billing")
            await serving.execute("INSERT INTO invoices (cents) VALUES (1)")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await serving.execute("UPDATE invoices SET cents = 2")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await serving.execute("TRUNCATE invoices")
        finally:
            await owner.close()
            await serving.close()

    async def test_shuts_out_the_other_services(self, own_postgres: PostgresServer) -> None:
        for service in ("intake", "payouts"):
            create_role(own_postgres.address, service)
            create_database(own_postgres.address, service)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(own_postgres.address.url("waybill_intake", "payouts"))
