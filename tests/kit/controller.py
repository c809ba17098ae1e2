"""The servers of a test run: started once, by the process that controls the run, when the first test asks.

Workers ask over a socket whose path is in the environment, so that `pytest tests/contracts` starts nothing and two
workers never start two. What cannot be started fails every test that needs it, with the server's own words.
"""

import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any, cast

from chassis import migrate
from chassis.migrations import whole_chassis
from deploy.local.kafka import KafkaServer
from deploy.local.paths import close_workroom, open_workroom
from deploy.local.postgres import PostgresServer, create_database, create_role

SOCKET_VARIABLE = "WAYBILL_TEST_CONTROLLER"
CHASSIS = "chassis"

Answer = dict[str, Any]


class Unavailable(Exception):
    """The controller could not start what a test needs."""


class Controller:
    """Owns the servers. What was asked once is answered the same for the whole run, a failure too."""

    def __init__(self) -> None:
        self._room = open_workroom()
        self._answers: dict[str, Answer] = {}
        self._locks = {"postgres": threading.Lock(), "kafka": threading.Lock(), "template": threading.Lock()}
        self._postgres: PostgresServer | None = None
        self._kafka: KafkaServer | None = None
        self._listener = _Listener(str(self._room / "controller.socket"), self)
        threading.Thread(target=self._listener.serve_forever, name="test-controller", daemon=True).start()

    @property
    def socket_path(self) -> str:
        return str(self._room / "controller.socket")

    def answer(self, wish: str) -> Answer:
        """`postgres`, `kafka` or `template <service>`."""
        kind, _, argument = wish.partition(" ")
        with self._locks[kind]:
            if wish not in self._answers:
                self._answers[wish] = self._grant(kind, argument)
            return self._answers[wish]

    def _grant(self, kind: str, argument: str) -> Answer:
        makers: dict[str, Callable[[], Answer]] = {
            "postgres": self._start_postgres,
            "kafka": self._start_kafka,
            "template": lambda: self._make_template(argument),
        }
        try:
            return makers[kind]()
        except Exception as fault:
            # Whatever it is, the test that asked must hear of it: it runs in another process.
            return {"error": f"{kind} {argument}: {type(fault).__name__}: {fault}"}

    def _start_postgres(self) -> Answer:
        self._postgres = PostgresServer(self._room / "postgres")
        self._postgres.start()
        self._postgres.child.wait_until_ready()
        address = self._postgres.address
        return {"port": address.port, "password": address.password}

    def _start_kafka(self) -> Answer:
        self._kafka = KafkaServer(self._room / "kafka")
        self._kafka.start()
        self._kafka.child.wait_until_ready()
        return {"bootstrap_servers": self._kafka.bootstrap_servers}

    def _make_template(self, service: str) -> Answer:
        """A migrated database, for the workers to clone; nobody may stay connected to it."""
        started = self.answer("postgres")
        if self._postgres is None or "error" in started:
            return started
        address, name = self._postgres.address, f"waybill_{service}_template"
        create_role(address, service)
        database = create_database(address, service, name)
        if service == CHASSIS:
            granted = f"GRANT EXECUTE ON FUNCTION redact_audit TO {service}"
            address.execute(f"SET ROLE {service}_owner", *whole_chassis(), granted, database=name)
        else:
            # Here, one after the other: to start a program for each takes longer than what it does.
            migrate.upgrade(migrate.configuration(service, database.owner_url, service))
        return {"name": name}

    def close(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        if self._kafka is not None:
            self._kafka.kill()
        if self._postgres is not None:
            self._postgres.stop_immediately()
        close_workroom(self._room)


class _Listener(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, controller: Controller) -> None:
        self.controller = controller
        super().__init__(path, _Request)


class _Request(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        wish = self.rfile.readline().decode().strip()
        answer = cast("_Listener", self.server).controller.answer(wish)
        self.wfile.write(json.dumps(answer).encode() + b"\n")


def ask(wish: str) -> Answer:
    """Asks the controller of this run; raises with its words where it could not."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(120)
        line.connect(os.environ[SOCKET_VARIABLE])
        line.sendall(wish.encode() + b"\n")
        with line.makefile() as answers:
            answer: Answer = json.loads(answers.readline())
    if "error" in answer:
        raise Unavailable(answer["error"])
    return answer


def forget_existing_servers() -> None:
    """Tests kill servers and drop databases: the addresses of real ones do not reach them."""
    theirs = ("DATABASE_URL_", "DATABASE_OWNER_URL_", "KAFKA_", "SMTP_", "STRIPE_", "WAYBILL_", "IDENTITY_")
    for name in list(os.environ):
        if name.startswith(theirs):
            del os.environ[name]
