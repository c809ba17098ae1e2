"""The one system that runs on this checkout: who keeps it, how it is started, found, stopped."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from deploy.local.paths import ENDPOINTS, ROOT, VAR, sweep_workrooms

RUN = VAR / "run"
LOCK = RUN / "keeper.lock"
STATE = RUN / "state.json"
LOGS = VAR / "logs"
KEEPER_LOG = LOGS / "keeper.log"

KEEPER = "deploy.local.keeper"

LOCK_SECONDS = 2.0
STOP_SECONDS = 90.0
POLL_SECONDS = 0.05

# What the keeper answers where another one keeps the system.
ALREADY_RUNNING = 3
STAY = "stay\n"


class NotStarted(Exception):
    """The system could not be brought up; the message says what failed, with the end of its log."""


class AlreadyRunning(Exception):
    """Another process keeps the system."""


@contextmanager
def keeping() -> Iterator[None]:
    """Held by the process that keeps the system, for as long as it lives: no crash can leave it behind."""
    with _lock_file() as lock:
        deadline = time.monotonic() + LOCK_SECONDS
        # Who only asks whether the lock is held, holds it for an instant.
        while not _try_lock(lock):
            if time.monotonic() > deadline:
                raise AlreadyRunning
            time.sleep(POLL_SECONDS)
        STATE.unlink(missing_ok=True)
        yield


def is_kept() -> bool:
    with _lock_file() as lock:
        return not _try_lock(lock)


def _lock_file() -> IO[str]:
    RUN.mkdir(parents=True, exist_ok=True)
    return LOCK.open("w")


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_state(state: dict[str, Any]) -> None:
    draft = STATE.with_suffix(".next")
    draft.write_text(json.dumps(state, indent=2) + "\n")
    draft.replace(STATE)


def read_state() -> dict[str, Any] | None:
    """None where nothing runs; what a crashed keeper left is not taken for a running one."""
    if not is_kept() or not STATE.exists():
        return None
    state: dict[str, Any] = json.loads(STATE.read_text())
    return state


def start_keeper(show: Callable[[str], None], keeper_module: str = KEEPER) -> None:
    """Returns when the system is ready, and leaves it running; should we be killed before, it stops by itself."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with KEEPER_LOG.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", keeper_module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        _follow(keeper, show)
    except BaseException:
        # The end of its standard input tells the keeper to stop; leaving the block waits for that.
        with keeper:
            raise
    # From here on it is nobody's child to wait for.
    keeper.returncode = 0


def _follow(keeper: "subprocess.Popen[str]", show: Callable[[str], None]) -> None:
    assert keeper.stdin is not None  # noqa: S101  # both are pipes
    assert keeper.stdout is not None  # noqa: S101
    for line in keeper.stdout:
        said: dict[str, str] = json.loads(line)
        if "failed" in said:
            raise NotStarted(said["failed"])
        if "ready" in said:
            keeper.stdin.write(STAY)
            keeper.stdin.close()
            keeper.stdout.close()
            return
        show(said["progress"])
    if keeper.wait() == ALREADY_RUNNING:
        raise AlreadyRunning
    raise NotStarted(f"the keeper ended with {keeper.returncode}; see {KEEPER_LOG}")


def stop_keeper() -> bool:
    """Whether there was one. Returns when it and all it kept are gone."""
    state = read_state()
    if state is None:
        forget()
        return False
    os.kill(state["pid"], signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while is_kept():
        if time.monotonic() > deadline:
            os.kill(state["pid"], signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    forget()
    return True


def forget() -> None:
    """What a system leaves on disk when it had no chance to clean up itself."""
    ENDPOINTS.unlink(missing_ok=True)
    STATE.unlink(missing_ok=True)
    sweep_workrooms()
