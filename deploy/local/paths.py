"""Where the machine room keeps things: what stays lies below `var/`, what is temporary in a workroom."""

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


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens now."""
    for port in SystemRandom().sample(_PORTS, 200):
        with socket.socket() as candidate, suppress(OSError):
            candidate.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port found on 127.0.0.1")


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
