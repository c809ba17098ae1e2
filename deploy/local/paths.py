"""Where the machine room keeps things: what stays lies below `var/`, what is temporary in a workroom."""

import fcntl
import os
import secrets
import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from random import SystemRandom

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(os.environ.get("WAYBILL_VAR", ROOT / "var"))
CACHE = ROOT / "var" / "cache"
ENDPOINTS = VAR / "endpoints.json"

# Below the range from which the kernel takes the ports of outgoing connections: a server that restarts
# finds its port free again.
_PORTS = range(20_000, 32_000)
_RESERVATIONS = Path(tempfile.gettempdir()) / f"waybill-ports-{os.getuid()}"


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens now, and which is given to nobody else while this process lives.

    Whoever asks for one binds it later, and others ask meanwhile: a lock on a file of the port's name keeps it ours.
    """
    for port in SystemRandom().sample(_PORTS, 200):
        with socket.socket() as candidate, suppress(OSError):
            candidate.bind(("127.0.0.1", port))
            _reserve(port)
            return port
    raise OSError("no free port found on 127.0.0.1")


def _reserve(port: int) -> None:
    """Raises BlockingIOError where another of our processes has it, or this one already; kept open until we end."""
    _RESERVATIONS.mkdir(mode=0o700, exist_ok=True)
    reservation = os.open(_RESERVATIONS / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(reservation, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(reservation)
        raise


def is_listening(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def open_workroom() -> Path:
    """A temporary directory that belongs to this process; those that a killed process left are removed."""
    sweep_workrooms()
    room = Path(tempfile.gettempdir()) / f"waybill-{os.getpid()}-{secrets.token_hex(4)}"
    # Others may pass through, as PostgreSQL refuses to run as root and then runs as another user.
    room.mkdir()
    room.chmod(0o711)
    return room


def sweep_workrooms() -> None:
    """Removes the directories of processes that are no more."""
    for left in Path(tempfile.gettempdir()).glob("waybill-*-*"):
        owner = left.name.split("-")[1]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def close_workroom(room: Path) -> None:
    shutil.rmtree(room, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
