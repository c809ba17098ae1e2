"""Every service's migrations make what its models say, as the owner, for a role that may serve and no more."""

from collections.abc import Callable

import pytest

from chassis import migrate
from chassis.migrations import whole_chassis
from deploy import SERVICES
from deploy.local.postgres import PostgresAddress, ServiceDatabase


@pytest.mark.parametrize("service", SERVICES)
class TestMigrations:
    def test_make_exactly_what_the_models_say(
        self, service: str, fresh_database: Callable[[str], ServiceDatabase]
    ) -> None:
        database = fresh_database(service)
        migrate.check(migrate.configuration(service, database.owner_url, service))

    def test_run_twice_change_nothing(self, service: str, fresh_database: Callable[[str], ServiceDatabase]) -> None:
        database = fresh_database(service)
        migrate.upgrade(migrate.configuration(service, database.owner_url, service))

    def test_leave_the_serving_role_without_a_table_of_its_own(
        self, service: str, fresh_database: Callable[[str], ServiceDatabase], postgres: PostgresAddress
    ) -> None:
        name = fresh_database(service).url.rsplit("/", 1)[1]
        owned = postgres.execute(
            f"SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = '{service}'", database=name
        )
        assert owned.strip() == "0"


class TestFrozenSteps:
    def test_a_function_body_is_one_statement(self) -> None:
        statements = whole_chassis()
        assert len([statement for statement in statements if statement.startswith("CREATE FUNCTION")]) == 8
        assert all(statement.rstrip().endswith(";") for statement in statements)
