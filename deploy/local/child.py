"""One program as a child process that cannot outlive us, restartable, with its output in a file."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.02
LOG_LINES_SHOWN = 25

# The kernel ends a leashed child when the *thread* that made it ends. This one lives as long as the process,
# so that a child may be started from any thread.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    """`ready` is asked until it says yes; an OSError means not yet. `death_signal` reaches the child when we die."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool] = lambda: True
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    directory: Path | None = None
    user: str | None = None
    ready_seconds: float = 30
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10
    death_signal: signal.Signals = signal.SIGKILL


class ChildFailed(Exception):
    """A program ended unasked or was not ready in time; the message carries the end of its log."""


class Child:
    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.is_wanted = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ChildFailed(f"{self.name} was not started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def has_died(self) -> bool:
        """It ended, and nobody had asked it to."""
        return self.is_wanted and not self.is_running

    def start(self) -> None:
        if self.is_running:
            return
        self._process = _spawner.submit(_spawn, self.program, self.log).result()
        self.is_wanted = True

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.program.ready_seconds
        while not self._is_ready():
            if not self.is_running:
                raise self.death()
            if time.monotonic() > deadline:
                raise self._failure(f"is not ready after {self.program.ready_seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _is_ready(self) -> bool:
        try:
            return self.is_running and self.program.ready()
        except OSError:
            return False

    def wait_until_ended(self) -> None:
        """For a program that has an end: raises where that is not a good one within `ready_seconds`."""
        if self._process is None:
            raise ChildFailed(f"{self.name} was not started")
        try:
            code = self._process.wait(self.program.ready_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._failure(f"took more than {self.program.ready_seconds:.0f} s") from None
        self.is_wanted = False
        if code != 0:
            raise self.death()

    def ask_to_stop(self, stop_signal: signal.Signals | None = None) -> None:
        """Sends the request and does not wait; asked again, nothing is sent: a second one may mean haste."""
        if not self.is_wanted:
            return
        self.is_wanted = False
        # A process that was paused (SIGSTOP) would not hear the request.
        self.send(signal.SIGCONT)
        self.send(stop_signal or self.program.stop_signal)

    def stop(self, stop_signal: signal.Signals | None = None) -> None:
        """Asks it to end and waits; what is not gone after `stop_seconds` is killed."""
        self.ask_to_stop(stop_signal)
        if self._process is None:
            return
        try:
            self._process.wait(self.program.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL, without a last word, to the program and all that share its process group."""
        self.is_wanted = False
        if self._process is None:
            return
        if self.is_running:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def send(self, number: signal.Signals) -> None:
        if self._process is not None and self.is_running:
            self._process.send_signal(number)

    def restart(self) -> None:
        self.stop()
        self.start()
        self.wait_until_ready()

    def death(self) -> ChildFailed:
        return self._failure(f"ended with {self._process.poll() if self._process else None}")

    def _failure(self, what: str) -> ChildFailed:
        return ChildFailed(f"{self.name} {what}; its log ends:\n{self.log_end()}")

    def log_end(self, lines: int = LOG_LINES_SHOWN) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def _spawn(program: Program, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            list(program.command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(program.environment),
            cwd=program.directory,
            user=program.user,
            group=_group_of(program.user),
            extra_groups=[] if program.user else None,
            start_new_session=True,
            preexec_fn=_leash(program.death_signal),  # noqa: PLW1509  # two system calls and no lock
        )


def _leash(death_signal: signal.Signals) -> Callable[[], None]:
    starter = os.getpid()

    def tie() -> None:
        """Runs in the child, after a change of user, which would loosen the leash again."""
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != starter:
            os._exit(1)

    return tie


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd  # noqa: PLC0415  # only Unix has it

    return pwd.getpwnam(user).pw_gid
