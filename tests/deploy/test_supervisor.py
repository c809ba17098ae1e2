"""Children: started, watched, mended, stopped in order, and never left behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from deploy.local.child import Child, ChildFailed
from deploy.local.paths import ROOT, free_port, is_listening
from deploy.local.supervisor import Stopping, Supervisor
from tests.kit.eventually import eventually_sync
from tests.kit.stand_in import stand_in

pytestmark = pytest.mark.slow


@pytest.fixture
def supervisor(workroom: Path) -> Iterator[Supervisor]:
    with Supervisor(workroom) as supervisor:
        yield supervisor


def started(supervisor: Supervisor, name: str = "one", *flags: str, stop_seconds: float = 10) -> Child:
    child = supervisor.start(stand_in(name, free_port(), *flags, ready_seconds=20, stop_seconds=stop_seconds))
    child.wait_until_ready()
    return child


class TestStart:
    def test_is_ready_when_the_program_says_so(self, supervisor: Supervisor) -> None:
        port = free_port()
        child = supervisor.start(stand_in("one", port))
        child.wait_until_ready()
        assert is_listening(port)

    def test_tells_how_a_program_ended_that_was_to_run(self, supervisor: Supervisor) -> None:
        child = supervisor.start(stand_in("one", free_port(), "--fail", "the port is taken"))
        with pytest.raises(ChildFailed, match=r"one ended with 7; its log ends:\nthe port is taken"):
            child.wait_until_ready()

    def test_gives_up_on_a_program_that_is_never_ready(self, supervisor: Supervisor) -> None:
        child = supervisor.start(stand_in("one", free_port(), "--mute", ready_seconds=0.2))
        with pytest.raises(ChildFailed, match="one is not ready after 0 s"):
            child.wait_until_ready()

    def test_starts_nothing_once_it_was_told_to_stop(self, supervisor: Supervisor) -> None:
        supervisor.stop()
        with pytest.raises(Stopping):
            supervisor.start(stand_in("late", free_port()))


class TestStop:
    def test_ends_the_last_tier_first(self, supervisor: Supervisor, workroom: Path) -> None:
        note = workroom / "order"
        below, above = free_port(), free_port()
        for port in (below, above):
            supervisor.start(stand_in(str(port), port, "--note", str(note))).wait_until_ready()
            supervisor.begin_tier()
        supervisor.stop()
        assert note.read_text().split() == [str(above), str(below)]

    def test_kills_a_program_that_does_not_listen(self, supervisor: Supervisor) -> None:
        child = started(supervisor, "deaf", "--deaf", stop_seconds=0.2)
        supervisor.stop()
        assert not child.is_running
        assert not child.has_died

    def test_stops_a_program_that_was_paused(self, supervisor: Supervisor) -> None:
        child = started(supervisor)
        child.send(signal.SIGSTOP)
        supervisor.stop()
        assert not child.is_running


class TestMend:
    def test_starts_what_was_killed_and_reports_it(self, supervisor: Supervisor) -> None:
        child, deaths = started(supervisor), list[str]()
        before = child.pid
        child.send(signal.SIGKILL)
        eventually_sync(lambda: supervisor.mend(deaths.append))
        child.wait_until_ready()
        assert child.pid != before
        assert supervisor.restarts_of(child) == 1
        assert deaths == [f"one ended with {-signal.SIGKILL}; its log ends:\n"]

    def test_waits_longer_each_time(self, supervisor: Supervisor) -> None:
        child = supervisor.start(stand_in("one", free_port(), "--fail", "broken"))
        eventually_sync(lambda: supervisor.restarts_of(child) == 0 and supervisor.mend(lambda death: None))
        began = time.monotonic()
        eventually_sync(lambda: supervisor.mend(lambda death: None))
        assert time.monotonic() - began >= 0.9

    def test_leaves_alone_what_was_stopped(self, supervisor: Supervisor) -> None:
        child = started(supervisor)
        child.stop()
        assert not supervisor.mend(lambda death: None)

    def test_says_which_child_has_died(self, supervisor: Supervisor) -> None:
        child = started(supervisor)
        supervisor.check()
        child.send(signal.SIGKILL)
        eventually_sync(lambda: child.has_died)
        with pytest.raises(ChildFailed, match="one ended with -9"):
            supervisor.check()


# Starts two real servers and a stand-in below a supervisor, says their pids, and waits to be killed.
STARTER = """
import signal, sys
from pathlib import Path
from deploy.local.kafka import KafkaServer
from deploy.local.postgres import PostgresServer
from deploy.local.supervisor import Supervisor
from tests.kit.stand_in import stand_in

room = Path(sys.argv[1])
supervisor = Supervisor(room)
servers = PostgresServer(room / "postgres"), KafkaServer(room / "kafka")
for server in servers:
    supervisor.adopt(server.child)
    server.start()
supervisor.start(stand_in("deaf", int(sys.argv[2]), "--deaf"))
for child in supervisor.children:
    child.wait_until_ready()
print(*[child.pid for child in supervisor.children], flush=True)
signal.pause()
"""


@pytest.mark.slow
class TestKilledStarter:
    def test_leaves_no_process_behind(self, workroom: Path) -> None:
        command = [sys.executable, "-c", STARTER, str(workroom), str(free_port())]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
            assert starter.stdout is not None
            children = [psutil.Process(int(pid)) for pid in starter.stdout.readline().split()]
            family = children + [grandchild for child in children for grandchild in child.children(recursive=True)]
            assert len(children) == 3
            assert len(family) > 5
            starter.kill()
        _, left = psutil.wait_procs(family, timeout=15)
        assert left == []
