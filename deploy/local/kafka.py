"""Apache Kafka in KRaft mode, nodes that are broker and controller: one or a quorum of our own on 127.0.0.1."""

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from contracts.topics import Topic
from deploy.local.child import Child, Program
from deploy.local.kafka_jars import VERSION, ensure_jars
from deploy.local.kafka_java import LONGEST_SECONDS, java, kept_classes, run
from deploy.local.paths import CACHE, free_port, is_listening

T = TypeVar("T")

MAX_MESSAGE_BYTES = 2_097_152
# The identity of a cluster is chosen by who formats it; ours live one at a time in directories of their own.
CLUSTER_ID = "V2F5YmlsbExvY2FsMDAwMQ"

FORMATTED = CACHE / f"kafka-{VERSION}-formatted"

SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
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

REPLICATED: Mapping[str, str] = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "min.insync.replicas": "2",
    # A broker that is killed is out of the in-sync replicas before its clients' patience ends.
    "replica.lag.time.max.ms": "3000",
}
"""What a quorum of three has instead: any one of them may die, and what was acknowledged stays."""

LOGGING = """\
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d %p %c: %m%n
rootLogger.level = WARN
rootLogger.appenderRef.stdout.ref = stdout
"""


@dataclass(frozen=True, slots=True)
class KafkaNode:
    """One node's place: its number in the quorum and its ports, which stay the same over restarts.

    Who comes in by `proxied_port` is told to find the node at `proxy_port`, where a proxy passes on to `proxied_port`.
    """

    id: int = 1
    port: int = field(default_factory=free_port)
    controller_port: int = field(default_factory=free_port)
    proxied_port: int | None = None
    proxy_port: int | None = None

    @property
    def listeners(self) -> str:
        ours = f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}"
        return ours + (f",PROXIED://127.0.0.1:{self.proxied_port}" if self.proxied_port else "")

    @property
    def advertised_listeners(self) -> str:
        proxied = f",PROXIED://127.0.0.1:{self.proxy_port}" if self.proxied_port else ""
        return f"PLAINTEXT://127.0.0.1:{self.port}{proxied}"

    @property
    def vote(self) -> str:
        return f"{self.id}@127.0.0.1:{self.controller_port}"


def _from_kept_classes() -> Sequence[str]:
    """The archive is made by a broker that starts once for it and ends."""

    def make(room: Path, recording: Sequence[str], creating: Sequence[str]) -> None:
        trained = KafkaServer(room, java_options=recording)
        # It writes down its classes as it ends.
        trained.child.program = replace(trained.child.program, stop_seconds=LONGEST_SECONDS)
        trained.start()
        trained.child.wait_until_ready()
        trained.stop()
        run(trained.java("kafka.Kafka", options=creating), room)

    return kept_classes(make)


@dataclass
class KafkaServer:
    """One node; `quorum` is all of them where there are others. `settings` are server properties over ours."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    node: KafkaNode = field(default_factory=KafkaNode)
    quorum: Sequence[KafkaNode] = ()
    java_options: Sequence[str] = field(default_factory=_from_kept_classes)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._class_path = ":".join(map(str, ensure_jars()))
        self.child = Child(self._program(), self.log or self.directory / "kafka.log")

    @property
    def port(self) -> int:
        return self.node.port

    @property
    def servers(self) -> "tuple[KafkaServer, ...]":
        return (self,)

    @property
    def replication_factor(self) -> int | None:
        """None leaves it to the environment, as with brokers that are not ours."""
        return None

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _program(self) -> Program:
        return Program(
            name=f"kafka-{self.node.id}" if self.quorum else "kafka",
            command=self.java("kafka.Kafka", str(self._properties)),
            ready=lambda: is_listening(self.port) and answers(self.bootstrap_servers),
            directory=self.directory,
            # Three seconds on a machine that does nothing else; a crowd of clients that wait for it makes it many more.
            ready_seconds=90,
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
            "node.id": str(self.node.id),
            "listeners": self.node.listeners,
            "advertised.listeners": self.node.advertised_listeners,
            "controller.quorum.voters": ",".join(node.vote for node in self.quorum or (self.node,)),
            **self.settings,
        }
        self._properties.write_text("".join(f"{name}={setting}\n" for name, setting in ours.items()))
        logs = self.directory / "logs"
        # What is kept is of a node that is alone: in a quorum each has a number and a directory id of its own.
        is_alone = not self.quorum
        if is_alone and FORMATTED.exists():
            shutil.copytree(FORMATTED, logs)
            return
        formatting = ("format", "-t", CLUSTER_ID, "-c", str(self._properties))
        run(self.java("kafka.tools.StorageTool", *formatting), self.directory)
        if is_alone:
            _keep_formatted(logs)

    def java(self, program: str, *arguments: str, options: Sequence[str] | None = None) -> list[str]:
        """The command that runs one of Kafka's programs as this node's."""
        logging = f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"
        given = self.java_options if options is None else options
        return [*java(), *given, logging, "-cp", self._class_path, program, *arguments]


@dataclass
class KafkaCluster:
    """Three nodes of which any one may die: every topic is on all of them."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    nodes: Sequence[KafkaNode] = field(default_factory=lambda: tuple(KafkaNode(number) for number in (1, 2, 3)))

    def __post_init__(self) -> None:
        settings = {**REPLICATED, **self.settings}
        log = self.log or self.directory / "kafka.log"
        self.servers = tuple(
            KafkaServer(
                self.directory / str(node.id),
                settings,
                log.with_stem(f"{log.stem}-{node.id}"),
                node,
                self.nodes,
            )
            for node in self.nodes
        )

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(server.bootstrap_servers for server in self.servers)

    @property
    def replication_factor(self) -> int | None:
        return len(self.servers)

    def server(self, node_id: int) -> KafkaServer:
        return next(server for server in self.servers if server.node.id == node_id)

    def start(self) -> None:
        """Side by side, as a node is not ready before a majority votes."""
        with ThreadPoolExecutor(max_workers=len(self.servers)) as pool:
            for started in [pool.submit(server.start) for server in self.servers]:
                started.result()

    def kill(self) -> None:
        for server in self.servers:
            server.kill()


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
