"""The whole system, started by one program to be read from top to bottom.

PostgreSQL, Kafka, the mail server (with installers' webhooks) and Stripe start side by side, the databases are
migrated, the topics created; then the six services. A server whose address the caller's environment holds already
(`DATABASE_URL_<SERVICE>`, `KAFKA_BOOTSTRAP_SERVERS`, `SMTP_URL`, `STRIPE_API_BASE`) is used, and ours is not started.

    with System() as system:
        system.addresses.services["intake"]     # http://127.0.0.1:…
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from chassis.clock import ShiftedClock
from contracts.topics import TOPICS
from deploy import SERVICES
from deploy.local import programs
from deploy.local.addresses import Addresses, existing_database, existing_stripe, own_stripe
from deploy.local.child import Child, Program
from deploy.local.kafka import KafkaCluster, KafkaServer, create_topics
from deploy.local.paths import close_workroom, free_port, open_workroom
from deploy.local.postgres import PostgresServer, create_database, create_role
from deploy.local.supervisor import Supervisor

Report = Callable[[str], None]
MakeKafka = Callable[[Path, Path], KafkaServer | KafkaCluster]


def make_one_broker(directory: Path, log: Path) -> KafkaServer:
    return KafkaServer(directory, log=log)


class System:
    """Stops and leaves nothing behind when the block ends; killed, it takes its children with it.

    `logs` is where the programs' output goes; by default into the temporary directory, removed at the end.
    `make_service` and `make_migration` stand for `programs.service` and `programs.migration` in tests, and `make_kafka`
    for one broker; who starts the services in another way calls `start_servers` alone.
    """

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        logs: Path | None = None,
        report: Report = lambda line: None,
        services: Sequence[str] = SERVICES,
        make_service: Callable[[str, Addresses], Program] = programs.service,
        make_migration: Callable[[Addresses], Program] = programs.migration,
        make_kafka: MakeKafka = make_one_broker,
    ) -> None:
        self._given = environment
        self._report = report
        self._make_service = make_service
        self._make_migration = make_migration
        self._make_kafka = make_kafka
        self._services = services
        self.room = open_workroom()
        self.supervisor = Supervisor(logs or self.room / "logs")
        kind = environment.get("WAYBILL_ENVIRONMENT", "local")
        self.addresses = Addresses(
            environment=kind,
            clock_file=self.room / "clock" if kind == "local" else None,
            services={name: f"http://127.0.0.1:{free_port()}" for name in services},
        )
        self.postgres: PostgresServer | None = None
        self.kafka: KafkaServer | KafkaCluster | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _fault: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self.start_servers()
        self.supervisor.begin_tier()
        children = [self.supervisor.start(self._make_service(name, self.addresses)) for name in self._services]
        self._in_parallel([partial(self._await, child, child.name) for child in children])

    def start_servers(self) -> None:
        """All that the services stand on, with migrated databases and the topics."""
        self._in_parallel([self._prepare_databases, self._prepare_kafka, self._prepare_mail, self._prepare_stripe])

    def stop(self) -> None:
        self.supervisor.stop()
        close_workroom(self.room)

    @property
    def clock(self) -> ShiftedClock:
        """Business time of the whole system; moving it is for a local one."""
        if self.addresses.clock_file is None:
            raise PermissionError("only a local system's clock can be moved")
        return ShiftedClock(self.addresses.clock_file)

    def _prepare_databases(self) -> None:
        for service in self._services:
            if (existing := existing_database(service, self._given)) is not None:
                self.addresses.databases[service] = existing
        missing = [service for service in self._services if service not in self.addresses.databases]
        if missing:
            self._start_postgres(missing)
        migrate = Child(self._make_migration(self.addresses), self.supervisor.log_of("migrate"))
        self._timed("migrations", lambda: self._run(migrate))

    def _run(self, program: Child) -> None:
        """A program that has an end; should we be told to stop meanwhile, it is stopped like the others."""
        self.supervisor.adopt(program)
        program.start()
        program.wait_until_ended()

    def _start_postgres(self, services: Sequence[str]) -> None:
        self.postgres = PostgresServer(self.room / "postgres", log=self.supervisor.log_of("postgres"))
        self.supervisor.adopt(self.postgres.child)
        self._timed(f"PostgreSQL on port {self.postgres.address.port}", self.postgres.start, self.postgres.child)
        for service in services:
            create_role(self.postgres.address, service)
            self.addresses.databases[service] = create_database(self.postgres.address, service)

    def _prepare_kafka(self) -> None:
        if servers := self._given.get("KAFKA_BOOTSTRAP_SERVERS"):
            self.addresses.kafka_bootstrap_servers = servers
            create_topics(servers, TOPICS)
            return
        self.kafka = self._make_kafka(self.room / "kafka", self.supervisor.log_of("kafka"))
        self.addresses.kafka_bootstrap_servers = self.kafka.bootstrap_servers
        for server in self.kafka.servers:
            self.supervisor.adopt(server.child)
        self.kafka.start()
        for server in self.kafka.servers:
            self._await(server.child, f"Kafka on port {server.port}")
        create_topics(self.kafka.bootstrap_servers, TOPICS, replication_factor=self.kafka.replication_factor)

    def _prepare_mail(self) -> None:
        if url := self._given.get("SMTP_URL"):
            self.addresses.smtp_url = url
            return
        smtp_port, http_port = free_port(), free_port()
        self.addresses.smtp_url = f"smtp://127.0.0.1:{smtp_port}"
        self.addresses.mailbox_url = f"http://127.0.0.1:{http_port}"
        self._await(self.supervisor.start(programs.smtp_sink(smtp_port, http_port)), "mail server")
        self._prepare_webhooks()

    def _prepare_webhooks(self) -> None:
        """Installers' servers, beside their mailboxes."""
        port = free_port()
        self.addresses.webhook_sink_url = f"http://127.0.0.1:{port}"
        self._await(self.supervisor.start(programs.webhook_sink(port)), "installers' webhooks")

    def _prepare_stripe(self) -> None:
        self.addresses.stripe = existing_stripe(self._given)
        if self.addresses.stripe is None:
            self.addresses.stripe = own_stripe(free_port())
            self._await(self.supervisor.start(programs.stripe(self.addresses, self.addresses.stripe)), "Stripe")

    def _await(self, child: Child, title: str) -> None:
        self._timed(title, lambda: None, child)

    def _timed(self, title: str, work: Callable[[], None], child: Child | None = None) -> None:
        began = time.monotonic()
        work()
        if child is not None:
            child.wait_until_ready()
        self._report(f"{title}: ready after {time.monotonic() - began:.1f} s")

    def _in_parallel(self, steps: Sequence[Callable[[], None]]) -> None:
        """Raises the first fault, after having stopped everything: the other steps then have nothing to wait for."""
        with ThreadPoolExecutor(max_workers=len(steps)) as pool:
            try:
                done, _ = wait([pool.submit(step) for step in steps], return_when=FIRST_EXCEPTION)
                for step in done:
                    step.result()
            except BaseException:
                self.supervisor.stop()
                raise
