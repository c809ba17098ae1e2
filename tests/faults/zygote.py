"""A process that has loaded all six services and forks one at each order: a start takes a fraction of loading them.

`python -m tests.faults.zygote SOCKET` listens for one caller, who sends a line of JSON per order and gets one per birth
and per death. A child runs the service's own `__main__` with the environment, the log and the points of its order.
Everything ends with the caller's connection; the children are leashed to this process besides.
"""

import ctypes
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from deploy import SERVICES
from deploy.local.child import PR_SET_PDEATHSIG
from tests.faults.points import Point, install

_libc = ctypes.CDLL(None, use_errno=True)


def load() -> None:
    """All that a service would import. Nothing is run: no thread, no loop, no random number before the fork."""
    for service in SERVICES:
        import_module(f"services.{service}.main")
    for late in ("chassis.process", "chassis.telemetry.logs", "chassis.telemetry.traces", "chassis.http.openapi"):
        import_module(late)
    for library in ("uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.on", "uvloop", "asyncpg"):
        import_module(library)
    import_module("sqlalchemy.dialects.postgresql.asyncpg")
    gc.collect()
    gc.freeze()


class Zygote:
    def __init__(self, listener: socket.socket) -> None:
        self._caller, _ = listener.accept()
        listener.close()
        self._deaths, self._note_death = socket.socketpair()
        self._note_death.setblocking(False)
        self._unread = b""
        self._pid = os.getpid()

    def run(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._note_death.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._caller, selectors.EVENT_READ)
            waiting.register(self._deaths, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    if key.fileobj is self._deaths:
                        self._deaths.recv(4096)
                        self._reap()
                    elif not self._obey():
                        return

    def _obey(self) -> bool:
        """False when the caller is gone."""
        data = self._caller.recv(1 << 20)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            self._tell({"order": order["order"], "pid": self._fork(order)})
        return bool(data)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._tell({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _tell(self, news: dict[str, Any]) -> None:
        self._caller.sendall(json.dumps(news).encode() + b"\n")

    def _fork(self, order: dict[str, Any]) -> int:
        pid = os.fork()
        if pid == 0:
            self._become(order)
        return pid

    def _become(self, order: dict[str, Any]) -> NoReturn:
        code = 1
        try:
            self._leave_the_zygote(order)
            code = _serve(order)
        except BaseException:  # whatever it is, the child must not go on as a second zygote
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            sys.stdout.flush()
            os._exit(code)

    def _leave_the_zygote(self, order: dict[str, Any]) -> None:
        os.setsid()
        _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != self._pid:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self._caller, self._deaths, self._note_death):
            end.close()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, replaced in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(number, replaced)
        os.environ.clear()
        os.environ.update(order["environment"])


def _serve(order: dict[str, Any]) -> int:
    """The exit code of the service's own main."""
    for point in order["points"]:
        install(Point(**point))
    sys.argv = [f"services.{order['service']}", order["shape"]]
    try:
        runpy.run_module(f"services.{order['service']}", run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        if isinstance(ending.code, str):
            sys.stderr.write(ending.code + "\n")
            return 1
        return ending.code or 0
    return 0


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("zygote: expected the path of a socket")
    load()
    path = Path(sys.argv[1])
    listener = socket.socket(socket.AF_UNIX)
    # Under another name first: who sees the socket finds somebody listening.
    draft = path.with_suffix(".next")
    listener.bind(str(draft))
    listener.listen(1)
    draft.rename(path)
    Zygote(listener).run()


if __name__ == "__main__":
    main()
