"""The system under fault: its servers, a proxy before each that can be cut, and its services as processes to kill.

What the services are told of Kafka and PostgreSQL leads through the proxies; the checker and the load go straight.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx

from chassis.settings import Shape
from deploy import SERVICES
from deploy.local import programs
from deploy.local.kafka import KafkaCluster, KafkaNode, KafkaServer
from deploy.local.paths import free_port
from deploy.local.postgres import PostgresServer
from deploy.local.system import System
from tests.faults.gates import install_gates
from tests.faults.points import Point
from tests.faults.processes import Nursery, Process
from tests.faults.witness import install_witness
from tests.flows.operators import SignedIn, create_and_sign_in
from tests.flows.running import KNOBS, Running
from tests.kit import kafka_wire
from tests.kit.eventually import eventually
from tests.kit.proxy import Deed, Matches, Order, Proxy

SESSION_TIMEOUT_SECONDS = float(KNOBS["KAFKA_SESSION_TIMEOUT_MS"]) / 1_000

ANSWER_SECONDS = 120
BROKER_SECONDS = 120

# Who comes back after a kill takes its place in its groups at once, as a replica with a stable name does.
STATIC_MEMBER = {"KAFKA_GROUP_INSTANCE": "one"}


@dataclass(frozen=True, slots=True)
class Orders:
    """The same of each broker's proxy; what happens at one is withdrawn from the others."""

    orders: Sequence[Order]

    @property
    def count(self) -> int:
        return sum(order.count for order in self.orders)

    async def happened(self, deadline_seconds: float) -> None:
        waits = [asyncio.create_task(order.happened.wait()) for order in self.orders]
        try:
            done, _ = await asyncio.wait(waits, timeout=deadline_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        assert done, f"nothing came by in {deadline_seconds} s that the order is about"

    def withdraw(self) -> None:
        for order in self.orders:
            order.withdraw()


@dataclass
class Rig:
    """`processes` are the first of each service; others that a fault starts are its own to end."""

    system: System
    nursery: Nursery
    postgres_proxy: Proxy
    kafka_proxies: Mapping[int, Proxy]
    """By node."""
    running: Running
    pools: Mapping[str, asyncpg.Pool]
    """As superuser, straight to each database; they outlive a restart of the server."""
    room: Path
    processes: dict[str, Process] = field(default_factory=dict)
    _second: SignedIn | None = None
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    @property
    def postgres(self) -> PostgresServer:
        assert self.system.postgres is not None
        return self.system.postgres

    @property
    def kafka(self) -> KafkaServer | KafkaCluster:
        assert self.system.kafka is not None
        return self.system.kafka

    @property
    def is_cluster(self) -> bool:
        return len(self.kafka.servers) > 1

    @property
    def bootstrap_servers(self) -> str:
        """Straight to the brokers."""
        return self.system.addresses.kafka_bootstrap_servers

    def hold(self, service: str) -> asyncio.Lock:
        """For whoever starts and ends a service's processes: one fault at a time."""
        return self._locks.setdefault(service, asyncio.Lock())

    async def start(
        self,
        service: str,
        *,
        points: Sequence[Point] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Process:
        """The service's first process, all of it, in the place of the one before, which has ended or is killed now."""
        before = self.processes.get(service)
        if before is not None:
            await before.kill()
        url = self.system.addresses.services[service]
        told = {**STATIC_MEMBER, **(environment or {})}
        self.processes[service] = await self.bear(service, Shape.ALL, url, points, told)
        return self.processes[service]

    async def start_another(
        self,
        service: str,
        *,
        points: Sequence[Point] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Process:
        """Another worker of the service beside the first, at a port of its own, with no fixed place in its groups."""
        url = f"http://127.0.0.1:{free_port()}"
        return await self.bear(service, Shape.WORKER, url, points, environment or {})

    async def bear(
        self, service: str, shape: Shape, url: str, points: Sequence[Point], environment: Mapping[str, str]
    ) -> Process:
        told = {**self.environment_of(service), "HTTP_PORT": str(urlsplit(url).port), **environment}
        log = self.system.supervisor.log_of(service)
        return await self.nursery.bear(service, shape, url, told, points, log)

    def environment_of(self, service: str) -> dict[str, str]:
        addresses = self.system.addresses
        url = urlsplit(addresses.databases[service].url)
        through_proxy = url._replace(netloc=f"{url.netloc.rpartition(':')[0]}:{self.postgres_proxy.port}")
        return {
            **programs.service(service, addresses).environment,
            **KNOBS,
            f"DATABASE_URL_{service.upper()}": through_proxy.geturl(),
            "KAFKA_BOOTSTRAP_SERVERS": ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.kafka_proxies.values()),
        }

    def order_of_relay(self, service: str, deed: Deed, matches: Matches, *, times: int = 1, skip: int = 0) -> Orders:
        """At whichever broker its requests come to."""
        return self.order_of_kafka(f"waybill-{service}-relay", deed, matches, times=times, skip=skip)

    def order_of_kafka(self, client: str, deed: Deed, matches: Matches, *, times: int = 1, skip: int = 0) -> Orders:
        return Orders(
            [
                proxy.order(deed, matches, of=client.encode(), times=times, skip=skip)
                for proxy in self.kafka_proxies.values()
            ]
        )

    async def start_broker(self, broker: KafkaServer) -> None:
        """All clients besiege it at once, so that it may take longer than its program's own deadline."""

        async def ready() -> bool:
            with suppress(OSError):
                return await asyncio.to_thread(broker.child.program.ready)
            return False

        await asyncio.to_thread(broker.start)
        await eventually(ready, BROKER_SECONDS)

    async def mend(self) -> list[str]:
        """Starts what has ended anew and waits until all are ready; the names of those that had ended."""
        dead = [service for service, process in self.processes.items() if not process.is_running]
        for service in dead:
            await self.start(service)
        await asyncio.gather(*(process.until_ready() for process in self.processes.values()))
        return dead

    async def second_operator(self) -> SignedIn:
        """Who approves what the first has asked for."""
        if self._second is None:
            directory = self.room / "second"
            directory.mkdir()
            self._second = await create_and_sign_in(self.system.addresses, self.running.client, directory)
        return self._second

    def pass_time(self, step: timedelta) -> None:
        """Of business time, for all processes at once."""
        clock = self.system.clock
        clock.move_to(clock.now() + step)

    async def told(
        self,
        method: str,
        service: str,
        path: str,
        body: Any = None,
        *,
        also: Collection[int] = (),
        by: SignedIn | None = None,
    ) -> Any:
        """As an operator, again and again until it is done: the service may just be dead. `also` are codes that do."""

        async def done() -> list[Any]:
            try:
                headers = await by.headers() if by else {}
                answer = await self.running.ask(method, service, path, json=body, headers=headers)
            except httpx.TransportError as away:
                raise AssertionError(f"{service} is away") from away
            assert answer.status_code < 500, f"{method} {service}{path}: {answer.status_code} {answer.text}"
            if answer.status_code not in also:
                answer.raise_for_status()
            return [answer.json()]

        (told,) = await eventually(done, ANSWER_SECONDS)
        return told

    async def number(self, service: str, query: str, *arguments: Any) -> int:
        return int(await self.pools[service].fetchval(query, *arguments) or 0)

    async def rows(self, service: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Asked again while the server is away, as one is that was just restarted."""

        async def found() -> list[list[asyncpg.Record]]:
            try:
                return [await self.pools[service].fetch(query, *arguments)]
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as away:
                raise AssertionError(f"PostgreSQL is away: {type(away).__name__}") from away
            except asyncpg.OperatorInterventionError as ending:
                raise AssertionError("PostgreSQL ends or starts") from ending

        (rows,) = await eventually(found, ANSWER_SECONDS)
        return rows

    async def execute(self, service: str, *statements: str) -> None:
        """Each wholly or not at all: where it and a service wait for each other, it gives way and is done again."""
        async with self.pools[service].acquire() as connection:
            for statement in statements:
                await _execute(connection, statement)


async def _execute(connection: Any, statement: str) -> None:
    async def done() -> bool:
        try:
            await connection.execute(statement)
        except asyncpg.DeadlockDetectedError as deadlock:
            raise AssertionError("a service was in its way") from deadlock
        return True

    await eventually(done, ANSWER_SECONDS)


@asynccontextmanager
async def open_rig(room: Path, *, is_cluster: bool = False) -> AsyncIterator[Rig]:
    """Everything started and ready, with a witness in each database; `room` is for logs."""
    async with AsyncExitStack() as stack:
        nodes = [
            KafkaNode(number, proxied_port=free_port(), proxy_port=free_port())
            for number in ((1, 2, 3) if is_cluster else (1,))
        ]
        system = System({}, logs=room / "logs", make_kafka=lambda at, log: _kafka(nodes, at, log))
        stack.push_async_callback(asyncio.to_thread, system.stop)
        nursery = Nursery(system.room, system.supervisor)
        await asyncio.gather(asyncio.to_thread(system.start_servers), nursery.open())
        stack.push_async_callback(nursery.close)
        postgres_proxy, kafka_proxies = await _proxies(system, nodes, stack)
        pools = await _pools(system, stack)
        await asyncio.gather(*(install_witness(pool) for pool in pools.values()), install_gates(pools["intake"]))
        running = await _running(system, room, pools, stack)
        rig = Rig(system, nursery, postgres_proxy, kafka_proxies, running, pools, room)
        await asyncio.gather(*(rig.start(service) for service in SERVICES))
        await rig.mend()
        await _sign_in(rig, room)
        yield rig


def _kafka(nodes: Sequence[KafkaNode], directory: Path, log: Path) -> KafkaServer | KafkaCluster:
    if len(nodes) > 1:
        return KafkaCluster(directory, log=log, nodes=nodes)
    return KafkaServer(directory, log=log, node=nodes[0])


async def _proxies(system: System, nodes: Sequence[KafkaNode], stack: AsyncExitStack) -> tuple[Proxy, dict[int, Proxy]]:
    assert system.postgres is not None
    postgres = await stack.enter_async_context(Proxy(system.postgres.address.port))
    kafka = {
        node.id: await stack.enter_async_context(
            Proxy(node.proxied_port or 0, node.proxy_port, split=kafka_wire.frames)
        )
        for node in nodes
    }
    return postgres, kafka


async def _pools(system: System, stack: AsyncExitStack) -> dict[str, asyncpg.Pool]:
    assert system.postgres is not None
    address = system.postgres.address
    return {
        service: await stack.enter_async_context(
            asyncpg.create_pool(address.url(f"waybill_{service}"), min_size=0, max_size=8)
        )
        for service in SERVICES
    }


async def _running(system: System, room: Path, pools: Mapping[str, asyncpg.Pool], stack: AsyncExitStack) -> Running:
    """Its operator and its source are made when the services run."""
    limits = httpx.Limits(max_connections=200)
    client = await stack.enter_async_context(httpx.AsyncClient(timeout=30, limits=limits, trust_env=False))
    databases: Any = pools
    nobody: Any = None
    return Running(system, client, room / "traces.jsonl", databases, databases, nobody)


async def _sign_in(rig: Rig, room: Path) -> None:
    rig.running.operator = await create_and_sign_in(rig.system.addresses, rig.running.client, room)
    source = await rig.running.told("POST", "intake", "/admin/lead-sources", json={"name": "Quotes under fault"})
    rig.running.source_key = source["api_key"]
