"""Where a program is measured: servers and processes of its own, gone when it ends."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

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
OWNER = "bench"
PARTITIONS = 6
"""As many as the product's topics have."""


class Stage:
    """`scale` multiplies sizes (`sized`); servers are started when first asked for."""

    def __init__(self, room: Path, scale: float) -> None:
        self.room = room
        self.scale = scale
        self.servers: dict[str, str] = {}
        """What runs, for the record: PostgreSQL's version and whether it is durable, Kafka's version."""
        self._postgres: dict[str, PostgresServer] = {}
        self._kafka: KafkaServer | None = None
        self._children: list[Child] = []
        self._numbers = count(1)

    def sized(self, number: int, at_least: int = 1) -> int:
        return max(at_least, round(number * self.scale))

    def postgres(self, name: str = "ours", settings: Mapping[str, str] | None = None) -> PostgresServer:
        """A server as the product's machine room starts it, with `settings` over those; one per name."""
        if name not in self._postgres:
            server = self._postgres[name] = PostgresServer(self.room / f"postgres-{name}", settings or {})
            server.start()
            server.child.wait_until_ready()
            self.servers[f"PostgreSQL ({name})"] = _described(server)
        return self._postgres[name]

    def kafka(self) -> str:
        """The bootstrap servers of the one broker."""
        if self._kafka is None:
            self._kafka = KafkaServer(self.room / "kafka")
            self._kafka.child.program = replace(self._kafka.child.program, ready_seconds=PATIENCE_SECONDS)
            self._kafka.start()
            self._kafka.child.wait_until_ready()
            self.servers["Kafka"] = KAFKA_VERSION
        return self._kafka.bootstrap_servers

    def database(self, *statements: str, server: PostgresServer | None = None) -> ServiceDatabase:
        """A new database with the chassis's tables; `statements` are run by its owner after those."""
        address = (server or self.postgres()).address
        create_role(address, OWNER)
        name = f"bench_{next(self._numbers)}"
        database = create_database(address, OWNER, name)
        address.execute(f"SET ROLE {OWNER}_owner", *whole_chassis(), *statements, database=name)
        return database

    def clone(self, database: ServiceDatabase, server: PostgresServer | None = None) -> ServiceDatabase:
        """A copy of `database`, to which nobody may be connected; on disk before this returns."""
        address, template = (server or self.postgres()).address, database.url.rpartition("/")[2]
        copy = create_database(address, OWNER, f"bench_{next(self._numbers)}", template)
        address.execute("CHECKPOINT")
        return copy

    def drop(self, database: ServiceDatabase, server: PostgresServer | None = None) -> None:
        drop_database((server or self.postgres()).address, database.url.rpartition("/")[2])

    def topic(self, partitions: int = PARTITIONS) -> Topic:
        """A new one, as the product creates its own."""
        topic = Topic(f"bench.{next(self._numbers)}", OWNER, "id", "", partitions=partitions)
        create_topics(self.kafka(), [topic])
        return topic

    def contract_topic(self, topic: Topic) -> Topic:
        """One of the product's own."""
        create_topics(self.kafka(), [topic])
        return topic

    def start(self, module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Child:
        """Runs a module as a process of its own; returns when it has printed `ready`."""
        child = self.launch(module, *arguments, environment=environment)
        child.wait_until_ready()
        return child

    def launch(self, module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Child:
        """The same without waiting."""
        log = self.room / f"{module.rpartition('.')[2]}-{next(self._numbers)}.log"
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
        for child in self._children:
            child.kill()
        if self._kafka is not None:
            self._kafka.kill()
        for server in self._postgres.values():
            server.stop_immediately()


@asynccontextmanager
async def open_stage(scale: float) -> AsyncIterator[Stage]:
    room = open_workroom()
    stage = Stage(room, scale)
    try:
        yield stage
    finally:
        stage.close()
        close_workroom(room)


def _described(server: PostgresServer) -> str:
    shown = ("server_version", "fsync", "synchronous_commit", "wal_level")
    version, *settings = (server.address.execute(f"SHOW {name}").strip() for name in shown)
    return ", ".join([version, *(f"{name} {setting}" for name, setting in zip(shown[1:], settings, strict=True))])


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines() if log.exists() else []


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **ours}
