"""Each service migrates, starts and ends well from what its image holds, with the packages of its lock file alone."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from deploy import SERVICES
from deploy.local import programs
from deploy.local.addresses import Addresses, own_stripe
from deploy.local.child import Child, Program
from deploy.local.paths import ROOT, free_port
from deploy.local.postgres import PostgresAddress, create_database, create_role, drop_database
from tests.kit.image import install, lay_out


@dataclass(frozen=True)
class Image:
    """An image's contents on this machine, and how its container would be run."""

    service: str
    url: str
    owner: dict[str, str]
    program: Program
    log: Path

    def run(self, command: str) -> Child:
        python, *_ = self.program.command
        environment = {**self.program.environment, **(self.owner if command == "migrate" else {})}
        program = replace(self.program, command=[python, "-m", f"services.{self.service}", command])
        return Child(replace(program, environment=environment), self.log)


@pytest.fixture
def image_of(
    workroom: Path, postgres: PostgresAddress, kafka_bootstrap_servers: str
) -> Iterator[Callable[[str], Image]]:
    made: list[str] = []

    def make(service: str) -> Image:
        application = workroom / "srv"
        lay_out(service, application)
        python = install(ROOT / "requirements" / f"{service}.txt", workroom / "venv")
        create_role(postgres, service)
        made.append(f"image_{service}_{secrets.token_hex(4)}")
        addresses = Addresses("local", None, {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES})
        addresses.databases[service] = create_database(postgres, service, made[-1])
        addresses.kafka_bootstrap_servers = kafka_bootstrap_servers
        addresses.smtp_url, addresses.stripe = "smtp://127.0.0.1:9", own_stripe(9)
        program = programs.service(service, addresses)
        # Nothing of the checkout may help, and what the migration compiled is there for the service, as in an image.
        ours = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
        environment = {name: setting for name, setting in program.environment.items() if name not in ours}
        program = replace(program, command=[str(python)], directory=application, environment=environment)
        url = addresses.services[service]
        return Image(service, url, addresses.database(service), program, workroom / "log")

    yield make
    for name in made:
        drop_database(postgres, name)


@pytest.mark.parametrize("service", SERVICES)
class TestTheImage:
    def test_migrates_starts_and_ends_well(self, image_of: Callable[[str], Image], service: str) -> None:
        image = image_of(service)
        migration = image.run("migrate")
        migration.start()
        migration.wait_until_ended()
        child = image.run("all")
        child.start()
        try:
            child.wait_until_ready()
            assert httpx.get(f"{image.url}/health/live").json()["status"] == "ok"
            child.ask_to_stop()
            child.wait_until_ended()
        finally:
            child.stop()
