"""The system on one machine, as `docker compose` would start it."""

import asyncio
import os
import re
import subprocess
from functools import cache
from typing import Any

import asyncpg
import pytest
import yaml

from chassis import migrate
from deploy import SERVICES
from deploy.checks.compose import FILE, example
from deploy.local.paths import ROOT
from deploy.local.postgres import PostgresServer
from tests.kit.settings import variables_of

CREATE_DATABASES = ROOT / "deploy" / "containers" / "create-databases.sh"
OF_MIGRATIONS = {f"DATABASE_OWNER_URL_{name.upper()}" for name in SERVICES}


@cache
def project() -> dict[str, Any]:
    """As it is written, with the example's answers filled in."""
    filled = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda asked: example().get(asked[1], asked[2]), FILE.read_text())
    read: dict[str, Any] = yaml.safe_load(filled)
    return read


def container(name: str) -> dict[str, Any]:
    found: dict[str, Any] = project()["services"][name]
    return found


class TestTheFile:
    def test_asks_for_nothing_that_the_example_does_not_tell_of(self) -> None:
        asked = dict(re.findall(r"\$\{(\w+)(:[-?])", FILE.read_text()))
        has_a_default = {"WAYBILL_VERSION", "BUSINESS_TIME_ZONE", "LOG_LEVEL"}
        assert asked.keys() - has_a_default == example().keys()

    def test_is_refused_where_a_secret_is_not_set(self) -> None:
        """By `:?`, whose working is tried with the real reader in tests/platform."""
        demanded = set(re.findall(r"\$\{(\w+):\?set it in deploy/\.env\}", FILE.read_text()))
        assert demanded >= {name for name in example() if name.endswith(("_PASSWORD", "_KEY_SECRET", "_TOKEN_SECRET"))}
        assert "SMTP_URL" in demanded

    def test_shows_nothing_to_the_network_but_to_the_machine_itself(self) -> None:
        published = [port.split(":") for service in project()["services"].values() for port in service.get("ports", [])]
        assert {address for address, _, _ in published} == {"127.0.0.1"}
        assert len({port for _, port, _ in published}) == len(published)

    def test_gives_the_databases_and_the_broker_no_way_out(self) -> None:
        assert project()["networks"]["inside"]["internal"]
        for name in ("postgres", "kafka", *(f"{service}-migration" for service in SERVICES)):
            assert container(name)["networks"] == ["inside"]


@pytest.mark.parametrize("service", SERVICES)
class TestEachService:
    def test_is_built_from_the_one_dockerfile(self, service: str) -> None:
        assert container(service)["build"]["args"] == {"SERVICE": service}
        assert container(service)["build"]["context"] == ".."
        assert container(service)["image"] == container(f"{service}-migration")["image"] == f"waybill-{service}:0.1.0"

    def test_starts_after_its_migration_and_the_topics(self, service: str) -> None:
        awaited = {name: how["condition"] for name, how in container(service)["depends_on"].items()}
        assert awaited == {
            f"{service}-migration": "service_completed_successfully",
            "topics": "service_completed_successfully",
        }
        assert container(f"{service}-migration")["command"] == ["migrate"]

    def test_is_told_what_it_reads_and_nothing_else(self, service: str) -> None:
        told = container(service)["environment"]
        assert told.keys() <= variables_of(service)
        assert told[f"DATABASE_URL_{service.upper()}"].endswith(f"@postgres:5432/waybill_{service}")
        assert container(f"{service}-migration")["environment"].keys() <= variables_of(service) | OF_MIGRATIONS

    def test_may_do_nothing_that_it_need_not(self, service: str) -> None:
        for name in (service, f"{service}-migration"):
            own = container(name)
            assert own["read_only"]
            assert own["cap_drop"] == ["ALL"]
            assert own["security_opt"] == ["no-new-privileges:true"]


class TestTheDatabases:
    async def test_are_made_so_that_the_owner_migrates_and_the_service_serves(
        self, own_postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = own_postgres.address
        made = _run_script(own_postgres)
        assert made.returncode == 0, made.stderr
        for role, password in (("billing", "of-who-serves"), ("billing_owner", "of-who-owns")):
            variable = "DATABASE_OWNER_URL_BILLING" if role.endswith("_owner") else "DATABASE_URL_BILLING"
            monkeypatch.setenv(variable, f"postgresql://{role}:{password}@127.0.0.1:{address.port}/waybill_billing")
        await asyncio.to_thread(migrate.upgrade, migrate.from_environment("billing"))
        serving = await asyncpg.connect(os.environ["DATABASE_URL_BILLING"])
        try:
            assert await serving.fetchval("SELECT count(*) FROM outbox") == 0
            await serving.execute("DELETE FROM outbox")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await serving.execute("DROP TABLE outbox")
        finally:
            await serving.close()

    def test_are_one_for_each_service(self) -> None:
        assert container("postgres")["environment"]["SERVICES"].split() == list(SERVICES)
        probed = container("postgres")["healthcheck"]["test"][-1]
        assert re.search(r"-d waybill_(\w+)", probed), "the last one is there when all are"
        assert probed.endswith(f"waybill_{SERVICES[-1]}")


def _run_script(server: PostgresServer) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{server.binaries}:/usr/bin:/bin",
        "PGHOST": server.address.host,
        "PGPORT": str(server.address.port),
        "PGPASSWORD": server.address.password,
        "POSTGRES_USER": "postgres",
        "DATABASE_PASSWORD": "of-who-serves",
        "DATABASE_OWNER_PASSWORD": "of-who-owns",
        "SERVICES": "identity billing",
    }
    return subprocess.run(
        ["/bin/sh", str(CREATE_DATABASES)], env=environment, capture_output=True, text=True, check=False
    )
