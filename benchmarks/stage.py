"""Where a program is measured: servers and processes of its own, gone when it ends."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from chassis.migrations import whole_chassis
from contracts.topics import Topic
from deploy.local.child import Child, ChildFailed, Program
from deploy.local.kafka import KafkaServer, create_topics
from deploy.local.kafka_jars import VERSION as KAFKA_VERSION
from deploy.local.paths import ROOT, close_workroom, open_workroom
from deploy.local.postgres import PostgresServer, ServiceDatabase, create_database, create_role, drop_database

READY = "ready"
PATIENCE_SECONDS = 300
"""For a process to be ready, and for one with an end to end."""
POLL_SECONDS = 0.05
OWNER = "bench"
PARTITIONS = 6
"""As many as the product's topics have."""

_numbers = count(1)


class Servers:
    """A broker and databases, each started when first asked for and gone with `close`."""

    def __init__(self, room: Path) -> None:
        self._room = room
        self.described: dict[str, str] = {}
        """What runs, for the record: PostgreSQL's version and whether it is durable, Kafka's version."""
        self._postgres: dict[str, PostgresServer] = {}
        self._kafka: KafkaServer | None = None
        self._topics: set[str] = set()

    def postgres(self, name: str, settings: Mapping[str, str]) -> PostgresServer:
        if name not in self._postgres:
            server = self._postgres[name] = PostgresServer(self._room / f"postgres-{name}", settings)
            server.start()
            server.child.wait_until_ready()
            self.described[f"PostgreSQL ({name})"] = _described(server)
        return self._postgres[name]

    def kafka(self) -> str:
        if self._kafka is None:
            self._kafka = KafkaServer(self._room / "kafka")
            self._kafka.child.program = replace(self._kafka.child.program, ready_seconds=PATIENCE_SECONDS)
            self._kafka.start()
            self._kafka.child.wait_until_ready()
            self.described["Kafka"] = KAFKA_VERSION
        return self._kafka.bootstrap_servers

    def topics(self, topics: Sequence[Topic]) -> None:
        """Makes them on the broker, without what was written to topics of these names before."""
        again = [topic.name for topic in topics if topic.name in self._topics]
        if again:
            asyncio.run(_deleted(self.kafka(), again))
        create_topics(self.kafka(), topics)
        self._topics.update(topic.name for topic in topics)

    def close(self) -> None:
        if self._kafka is not None:
            self._kafka.kill()
        for server in self._postgres.values():
            server.stop_immediately()


class Stage:
    """`scale` multiplies sizes (`sized`)."""

    def __init__(self, room: Path, scale: float, servers: Servers) -> None:
        self.room = room
        self.scale = scale
        self.servers = servers
        self._children: list[Child] = []

    def sized(self, number: int, at_least: int = 1) -> int:
        return max(at_least, round(number * self.scale))

    def postgres(self, name: str = "ours", settings: Mapping[str, str] | None = None) -> PostgresServer:
        """A server as the product's machine room starts it, with `settings` over those; one per name."""
        return self.servers.postgres(name, settings or {})

    def kafka(self) -> str:
        """The bootstrap servers of the one broker."""
        return self.servers.kafka()

    def database(self, *statements: str, server: PostgresServer | None = None) -> ServiceDatabase:
        """A new database with the chassis's tables; `statements` are run by its owner after those."""
        address = (server or self.postgres()).address
        create_role(address, OWNER)
        name = f"bench_{next(_numbers)}"
        database = create_database(address, OWNER, name)
        address.execute(f"SET ROLE {OWNER}_owner", *whole_chassis(), *statements, database=name)
        return database

    def clone(self, database: ServiceDatabase, server: PostgresServer | None = None) -> ServiceDatabase:
        """A copy of `database`, to which nobody may be connected; on disk before this returns."""
        address, template = (server or self.postgres()).address, database.url.rpartition("/")[2]
        copy = create_database(address, OWNER, f"bench_{next(_numbers)}", template)
        address.execute("CHECKPOINT")
        return copy

    def drop(self, database: ServiceDatabase, server: PostgresServer | None = None) -> None:
        drop_database((server or self.postgres()).address, database.url.rpartition("/")[2])

    def topic(self, partitions: int = PARTITIONS) -> Topic:
        """A new one, as the product creates its own."""
        topic = Topic(f"bench.{next(_numbers)}", OWNER, "id", "", partitions=partitions)
        self.servers.topics([topic])
        return topic

    async def contract_topics(self, *topics: Topic) -> None:
        """The product's own, empty."""
        await asyncio.to_thread(self.servers.topics, topics)

    def start(self, module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Child:
        """Runs a module as a process of its own; returns when it has printed `ready`."""
        child = self.launch(module, *arguments, environment=environment)
        child.wait_until_ready()
        return child

    def launch(self, module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Child:
        """The same without waiting."""
        log = self.room / f"{module.rpartition('.')[2]}-{next(_numbers)}.log"
        command = [sys.executable, "-m", module, *map(str, arguments)]
        child = Child(
            Program(
                module,
                command,
                ready=lambda: READY in _lines(log),
                environment=_environment(environment or {}),
                directory=ROOT,
                ready_seconds=PATIENCE_SECONDS,
            ),
            log,
        )
        self._children.append(child)
        child.start()
        return child

    async def result_of(self, child: Child) -> dict[str, Any]:
        """Waits for its end; the last line that it printed is its result."""
        await asyncio.to_thread(child.wait_until_ended)
        try:
            result: dict[str, Any] = json.loads(_lines(child.log)[-1])
        except (IndexError, ValueError) as fault:
            raise ChildFailed(f"{child.name} printed no result:\n{child.log_end()}") from fault
        return result

    def close(self) -> None:
        """Ends the processes; the servers are whoever's opened them."""
        for child in self._children:
            child.kill()


@contextmanager
def open_servers() -> Iterator[Servers]:
    room = open_workroom()
    servers = Servers(room)
    try:
        yield servers
    finally:
        servers.close()
        close_workroom(room)


@contextmanager
def open_stage(scale: float, servers: Servers) -> Iterator[Stage]:
    room = open_workroom()
    stage = Stage(room, scale, servers)
    try:
        yield stage
    finally:
        stage.close()
        close_workroom(room)


async def _deleted(kafka: str, names: Sequence[str]) -> None:
    """Returns when the broker knows them no longer, and so takes their names for new ones."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics(names)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while set(names) & set(await admin.list_topics()):  # noqa: ASYNC110  # the broker tells nobody
                await asyncio.sleep(POLL_SECONDS)
    finally:
        await admin.close()


def _described(server: PostgresServer) -> str:
    shown = ("server_version", "fsync", "synchronous_commit", "wal_level")
    version, *settings = (server.address.execute(f"SHOW {name}").strip() for name in shown)
    return ", ".join([version, *(f"{name} {setting}" for name, setting in zip(shown[1:], settings, strict=True))])


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines() if log.exists() else []


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **ours}
