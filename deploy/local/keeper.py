"""The process that stays: starts the system, keeps it running, stops it when told to. `up` starts it.

Until `up` has said over standard input that the system may stay, its end is the end of the system.
"""

import asyncio
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from deploy.local.addresses import record_sign_ins, write_endpoints
from deploy.local.paths import ENDPOINTS
from deploy.local.running import ALREADY_RUNNING, KEEPER_LOG, LOGS, STATE, STAY, AlreadyRunning, keeping, write_state
from deploy.local.system import System

WATCH_SECONDS = 0.5

# Several threads report; a line and its end may be written one after the other.
_one_line_at_a_time = threading.Lock()


class ToldToStop(BaseException):
    """Raised in the main thread by SIGTERM or SIGINT, wherever it is."""


def report_progress(line: str) -> None:
    _say("progress", line)


def make_system() -> System:
    """Called under the lock: what lies in the directory of logs is of a system that is no more."""
    for left in LOGS.glob("*.log"):
        if left != KEEPER_LOG:
            left.unlink()
    return System(logs=LOGS, report=report_progress)


def leave_empty(_system: System) -> None:
    """A system without anybody's rows in it."""


def play_demo(system: System) -> None:
    """The demonstration's data; who may sign in to it and which sources may send leads go into the endpoints."""
    from deploy.local.demo.play import play  # noqa: PLC0415  # only this needs its libraries

    played = asyncio.run(play(system, report_progress))
    if not played.books.tie:
        names = "; ".join(equality.name for equality in played.books.failed)
        raise RuntimeError(f"the demonstration's books do not tie: {names}")
    record_sign_ins(operators=[one.as_endpoint() for one in played.sign_ins], lead_sources=played.lead_sources)


def main(make: Callable[[], System] = make_system, populate: Callable[[System], None] = leave_empty) -> None:
    """`populate` runs when the system is up and its endpoints are written, and before `up` is told that it is ready."""
    stop_on_signals()
    stay = threading.Event()
    threading.Thread(target=_listen, args=(stay,), name="leash", daemon=True).start()
    try:
        with keeping():
            _keep(make, populate, stay)
    except AlreadyRunning:
        sys.exit(ALREADY_RUNNING)
    except ToldToStop:
        sys.exit(0)
    except Exception as fault:
        ignore_signals()
        traceback.print_exc()
        _say("failed", str(fault))
        sys.exit(1)


def stop_on_signals() -> None:
    def stop(*_: object) -> NoReturn:
        # Once: a second signal would interrupt the stopping.
        ignore_signals()
        raise ToldToStop

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def ignore_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _keep(make: Callable[[], System], populate: Callable[[System], None], stay: threading.Event) -> None:
    system = make()
    # Who wants to stop us while we start must know whom.
    _write_state(system)
    try:
        with system:
            write_endpoints(system.addresses.as_endpoints())
            _write_state(system)
            populate(system)
            _say("ready", "")
            stay.wait()
            _let_go_of_terminal()
            _watch(system)
    finally:
        ENDPOINTS.unlink(missing_ok=True)
        STATE.unlink(missing_ok=True)


def _watch(system: System) -> NoReturn:
    while True:
        if system.supervisor.mend(lambda death: print(death, file=sys.stderr, flush=True)):
            _write_state(system)
        time.sleep(WATCH_SECONDS)


def _write_state(system: System) -> None:
    supervisor = system.supervisor
    write_state(
        {
            "pid": os.getpid(),
            "environment": system.addresses.environment,
            "room": str(system.room),
            "processes": {
                child.name: {"pid": child.pid, "restarts": supervisor.restarts_of(child), "log": str(child.log)}
                for child in supervisor.children
                if child.is_wanted
            },
        }
    )


def _listen(stay: threading.Event) -> None:
    """Ends the system where standard input ends before it was said to stay."""
    for line in sys.stdin:
        if line == STAY:
            stay.set()
            return
    os.kill(os.getpid(), signal.SIGTERM)


def _say(kind: str, text: str) -> None:
    # Nobody listens any more: then the leash ends the system, or it was let go.
    with suppress(BrokenPipeError), _one_line_at_a_time:
        print(json.dumps({kind: text}), flush=True)


def _let_go_of_terminal() -> None:
    """Standard output was a pipe to `up`, which has gone: what is printed from here on goes to the log."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    main(populate=play_demo)
