"""`python -m deploy.local`, as a developer types it, over real servers and stand-ins for the services."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from deploy import SERVICES
from deploy.local.paths import ROOT
from tests.kit.databases import Databases
from tests.kit.eventually import eventually_sync
from tests.kit.kafka import KafkaAddress

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "tests.kit.stand_in_keeper"]
Done = subprocess.CompletedProcess[str]


@dataclass
class Desk:
    """Somebody's terminal in a checkout of its own."""

    var: Path
    environment: dict[str, str]

    def type(self, *words: str, **settings: str) -> Done:
        return subprocess.run(
            [*COMMAND, *words],
            env=self.environment | settings,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def up(self, **settings: str) -> Done:
        done = self.type("up", **settings)
        log = self.var / "logs" / "keeper.log"
        assert done.returncode == 0, (done.stderr, log.read_text() if log.exists() else "")
        return done

    @property
    def endpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.var / "endpoints.json").read_text())
        return found

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.var / "run" / "state.json").read_text())
        return found

    def family(self) -> list[psutil.Process]:
        keeper = psutil.Process(self.state["pid"])
        return [keeper, *keeper.children(recursive=True)]


@pytest.fixture
def desk(workroom: Path) -> Iterator[Desk]:
    desk = Desk(workroom, {**os.environ, "WAYBILL_VAR": str(workroom)})
    yield desk
    desk.type("down")


@pytest.fixture
def quick(databases: Databases, kafka: KafkaAddress) -> Iterator[dict[str, str]]:
    """Servers that run already, so that only the services start."""
    database = databases.empty("chassis")
    yield {
        **{f"DATABASE_URL_{service.upper()}": database.url for service in SERVICES},
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "SMTP_URL": "smtp://127.0.0.1:9",
        "STRIPE_API_BASE": "http://127.0.0.1:9",
    }
    databases.drop(database)


def assert_gone(family: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(family, timeout=20)
    assert left == []


class TestUp:
    def test_starts_the_system_once_says_where_and_stops_it_again(self, desk: Desk) -> None:
        up = desk.type("up")
        assert (up.returncode, up.stderr) == (0, "")
        for service in SERVICES:
            assert desk.endpoints["services"][service]["url"] in up.stdout
        assert desk.endpoints["mailbox_url"] in up.stdout
        family = desk.family()

        again = desk.type("up")
        assert (again.returncode, again.stderr, len(again.stdout.splitlines())) == (0, "", 1)
        assert "already running" in again.stdout
        assert desk.type("status").returncode == 0

        assert desk.type("down").stdout == "Waybill is stopped.\n"
        assert_gone(family)
        assert not (desk.var / "endpoints.json").exists()
        stopped = desk.type("status")
        assert (stopped.returncode, stopped.stderr) == (1, "Waybill is not running.\n")

    def test_says_what_failed_and_leaves_nothing_running(self, desk: Desk, quick: dict[str, str]) -> None:
        failed = desk.type("up", **quick, STAND_IN_FAILS="routing")
        assert failed.returncode == 1
        assert "Waybill did not start: routing ended with 7; its log ends:\nordered to fail" in failed.stderr
        assert desk.type("status").returncode == 1
        assert list(desk.var.glob("run/*.json")) == []

    def test_takes_the_system_with_it_when_it_is_killed_before_that_is_ready(
        self, desk: Desk, quick: dict[str, str]
    ) -> None:
        mute = {**desk.environment, **quick, "STAND_IN_IS_MUTE": "intake"}
        with subprocess.Popen([*COMMAND, "up"], env=mute, cwd=ROOT, stdout=subprocess.DEVNULL) as up:
            eventually_sync((desk.var / "run" / "state.json").exists)
            eventually_sync(lambda: len(desk.family()) > len(SERVICES))
            family = desk.family()
            up.kill()
        assert_gone(family)
        assert desk.type("status").returncode == 1

    def test_runs_twice_at_once_as_one(self, desk: Desk, quick: dict[str, str]) -> None:
        environment = desk.environment | quick
        both = [
            subprocess.Popen([*COMMAND, "up"], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = [up.communicate(timeout=60)[0] for up in both]
        assert [up.returncode for up in both] == [0, 0]
        assert sum("already running" in words for words in said) == 1


class TestKeeper:
    def test_leaves_no_process_when_it_is_killed_and_is_not_taken_for_running(self, desk: Desk) -> None:
        desk.up()
        family, room = desk.family(), Path(desk.state["room"])
        assert len(family) > len(SERVICES) + 5
        os.kill(desk.state["pid"], signal.SIGKILL)
        assert_gone(family)
        assert (desk.var / "run" / "state.json").exists()
        assert desk.type("status").stderr == "Waybill is not running.\n"
        assert desk.type("clock").returncode == 1
        assert desk.type("down").stdout == "Waybill was not running.\n"
        assert not room.exists()
        assert not (desk.var / "endpoints.json").exists()

    def test_starts_over_what_a_killed_one_left(self, desk: Desk, quick: dict[str, str]) -> None:
        desk.up(**quick)
        before = desk.state["pid"]
        os.kill(before, signal.SIGKILL)
        assert_gone([psutil.Process(before)] if psutil.pid_exists(before) else [])
        assert desk.type("up", **quick).returncode == 0
        assert desk.state["pid"] != before

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_stops_everything_on_a_signal(self, desk: Desk, quick: dict[str, str], number: signal.Signals) -> None:
        desk.up(**quick)
        family, room = desk.family(), Path(desk.state["room"])
        os.kill(desk.state["pid"], number)
        assert_gone(family)
        assert not room.exists()
        assert not (desk.var / "endpoints.json").exists()

    def test_starts_a_killed_service_anew(self, desk: Desk, quick: dict[str, str]) -> None:
        desk.up(**quick)
        os.kill(desk.state["processes"]["billing"]["pid"], signal.SIGKILL)
        eventually_sync(lambda: desk.state["processes"]["billing"]["restarts"] == 1)
        assert "started anew 1 times" in desk.type("status").stdout


class TestClock:
    def test_moves_forward_only(self, desk: Desk, quick: dict[str, str]) -> None:
        assert desk.type("clock", "--to", "2030-01-01").stderr == "Waybill is not running.\n"
        desk.up(**quick)
        moved = desk.type("clock", "--to", "2030-01-01T09:00")
        assert moved.stdout.startswith("2030-01-01T09:00:00+11:00")
        assert desk.type("clock").stdout.startswith("2030-01-01T09:0")
        for wrong in ("2029-12-31T09:00", "yesterday"):
            refused = desk.type("clock", "--to", wrong)
            assert refused.returncode == 1
            assert len(refused.stderr.splitlines()) == 1

    def test_is_refused_where_the_system_is_not_local(self, desk: Desk, quick: dict[str, str]) -> None:
        desk.up(**quick, WAYBILL_ENVIRONMENT="staging")
        refused = desk.type("clock", "--to", "2030-01-01T09:00")
        assert refused.returncode == 1
        assert refused.stderr == "time is moved in a local system only, and this one is staging\n"
