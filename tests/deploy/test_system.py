"""The whole system around stand-ins for the services: what is started, what is not, who is told what."""

import os
import time
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from deploy import SERVICES
from deploy.local.addresses import Addresses, read_endpoints, write_endpoints
from deploy.local.child import ChildFailed, Program
from deploy.local.postgres import PostgresAddress, ServiceDatabase
from deploy.local.smtp_sink.server import SmtpSink
from deploy.local.system import System
from tests.kit.databases import Databases
from tests.kit.kafka import KafkaAddress
from tests.kit.stand_in import no_migration, stand_in, stand_in_service

pytestmark = pytest.mark.slow


def system_of(environment: dict[str, str], **named: object) -> System:
    return System(environment, make_service=stand_in_service, make_migration=no_migration, **named)  # type: ignore[arg-type]


@pytest.fixture
def existing(databases: Databases, kafka: KafkaAddress, smtp_sink: SmtpSink) -> dict[str, str]:
    """Addresses of servers that run already, as an operator would set them."""
    database = databases.empty("chassis")
    return {
        **{f"DATABASE_URL_{service.upper()}": database.url for service in SERVICES},
        "DATABASE_OWNER_URL_BILLING": database.owner_url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "SMTP_URL": smtp_sink.url,
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "STRIPE_API_KEY": "sk_test_theirs",
    }


def crowding() -> float:
    """How many programs share a core, at least 1: the promise is about a machine that does nothing else."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class TestRealServices:
    def test_are_ready_soon_and_rest_small(self) -> None:
        began = time.monotonic()
        with System({}) as system:
            assert time.monotonic() - began < 30 * crowding()
            for name, url in system.addresses.services.items():
                assert httpx.get(f"{url}/health/ready").status_code == 200
                rests_at = psutil.Process(system.supervisor.child(name).pid).memory_info().rss
                assert rests_at < 168 * 1024 * 1024
            assert system.supervisor.restarts_of(system.supervisor.child("billing")) == 0
            system.supervisor.check()


class TestStart:
    def test_starts_every_server_and_tells_each_service_of_them(self) -> None:
        with system_of({}) as system:
            names = {child.name for child in system.supervisor.children if child.is_running}
            assert names == {"postgres", "kafka", "smtp", "stripe", "webhooks", *SERVICES}
            told = httpx.get(f"{system.addresses.services['billing']}/environment").json()
            room = system.room
        assert told["DATABASE_URL_BILLING"] == system.addresses.databases["billing"].url
        assert not [name for name in told if name.startswith("DATABASE_") and name != "DATABASE_URL_BILLING"]
        assert told["KAFKA_BOOTSTRAP_SERVERS"] == system.addresses.kafka_bootstrap_servers
        assert told["IDENTITY_JWKS_URL"].startswith(system.addresses.services["identity"])
        assert (told["WAYBILL_ENVIRONMENT"], told["WAYBILL_CLOCK_FILE"]) == ("local", str(room / "clock"))
        assert not room.exists()

    def test_uses_the_servers_that_exist_and_starts_none_beside_them(self, existing: dict[str, str]) -> None:
        with system_of(existing) as system:
            assert {child.name for child in system.supervisor.children if child.is_running} == set(SERVICES)
            told = httpx.get(f"{system.addresses.services['payouts']}/environment").json()
            assert system.addresses.databases["billing"].owner_url == existing["DATABASE_OWNER_URL_BILLING"]
        for name in (
            "DATABASE_URL_PAYOUTS",
            "KAFKA_BOOTSTRAP_SERVERS",
            "SMTP_URL",
            "STRIPE_API_BASE",
            "STRIPE_API_KEY",
        ):
            assert told[name] == existing[name]

    def test_gives_a_real_key_to_no_simulator(self, existing: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        """A key without `STRIPE_API_BASE` is somebody's real one, left in the environment."""
        monkeypatch.setenv("STRIPE_API_KEY", "sk_live_theirs")
        existing.pop("STRIPE_API_BASE")
        with system_of(existing | {"STRIPE_API_KEY": "sk_live_theirs"}) as system:
            told = httpx.get(f"{system.addresses.services['payouts']}/environment").json()
        assert told["STRIPE_API_KEY"].startswith("sk_test_")

    def test_stops_everything_where_one_program_fails(self, existing: dict[str, str]) -> None:
        def make(name: str, addresses: Addresses) -> Program:
            if name == "billing":
                return stand_in(name, 1, "--fail", "no seller is set")
            return stand_in_service(name, addresses)

        system = System(existing, make_service=make, make_migration=no_migration)
        with pytest.raises(ChildFailed, match="billing ended with 7; its log ends:\nno seller is set"), system:
            raise AssertionError("it did not start")
        assert system.supervisor.children == ()
        assert not system.room.exists()


class TestClock:
    def test_is_moved_in_a_local_system_only(self, existing: dict[str, str]) -> None:
        with pytest.raises(PermissionError):
            _ = System(existing | {"WAYBILL_ENVIRONMENT": "staging"}).clock


class TestEndpoints:
    def test_are_complete_and_for_their_owner_alone(self, workroom: Path, postgres: PostgresAddress) -> None:
        database = ServiceDatabase("billing", postgres.url("b"), postgres.url("b"))
        addresses = Addresses("local", None, {"billing": "http://127.0.0.1:1"}, {"billing": database})
        file = workroom / "endpoints.json"
        write_endpoints(addresses.as_endpoints(), file)
        assert file.stat().st_mode & 0o777 == 0o600
        written = read_endpoints(file)
        assert written is not None
        assert written["services"]["billing"]["database_url"] == database.url
        assert {
            "kafka",
            "smtp",
            "mailbox_url",
            "webhook_sink_url",
            "stripe",
            "operators",
            "lead_sources",
        } <= written.keys()
        assert os.listdir(workroom) == ["endpoints.json"]
