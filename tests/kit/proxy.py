"""A TCP proxy that does what networks do: cuts, refuses, stalls, delays, loses an answer at the worst moment.

    async with Proxy(target_port) as proxy:                 # clients connect to proxy.port
        proxy.cut(of=b"waybill-intake-relay")               # whose first bytes hold that
        lost = proxy.order(lose_the_answer(), matches=holds(b"COMMIT"))
        await lost.happened.wait()

What passes is seen in units: whatever came in one read, or whole frames where the protocol is framed (`kafka_wire`).
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from deploy.local.paths import free_port

HOST = "127.0.0.1"
CHUNK_BYTES = 256 * 1024
OPENING_BYTES = 1024
"""A client says in its first words who it is: a PostgreSQL role, a Kafka client id."""


@dataclass(frozen=True, slots=True)
class Unit:
    """`api` and `version` are of the Kafka request, or of the one that this answers; None where there are no frames."""

    data: bytes
    to_server: bool
    api: int | None = None
    version: int = 0
    number: int = 0


class Cut(Exception):
    """Raised by a deed: the connection is reset, and the unit does not pass."""


Units = AsyncIterator[Unit]
Matches = Callable[[Unit], bool]
Deed = Callable[["Connection", Unit], Awaitable[bytes | None]]
"""What passes in the unit's place; None is nothing."""


@dataclass
class Order:
    """A deed to be done to the next `times` units that match, of connections whose opening holds `of`."""

    deed: Deed
    matches: Matches
    of: bytes = b""
    times: int = 1
    skip: int = 0
    happened: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0

    def takes(self, connection: "Connection", unit: Unit) -> bool:
        if self.count >= self.times or self.of not in connection.opening or not self.matches(unit):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.count += 1
        return True

    def withdraw(self) -> None:
        self.times = 0


class Connection:
    """One client and its connection to the server."""

    def __init__(self, client: "Stream", server: "Stream") -> None:
        self.client = client
        self.server = server
        self.opening = b""
        self.loses_next_answer = False
        self.asked: dict[int, tuple[int, int]] = {}
        """Kafka's requests without an answer yet: api and version by number."""

    def note_opening(self, data: bytes) -> None:
        if len(self.opening) < OPENING_BYTES:
            self.opening += data[:OPENING_BYTES]

    def cut(self) -> None:
        """With a reset, as when a host goes away: neither side hears a goodbye."""
        for stream in (self.client, self.server):
            stream.reset()


class Stream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        raw: socket.socket | None = self.writer.get_extra_info("socket")
        if raw is not None:
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()


async def whatever_comes(connection: Connection, reader: asyncio.StreamReader, to_server: bool) -> Units:
    while data := await reader.read(CHUNK_BYTES):
        yield Unit(data, to_server)


class Proxy:
    """`port` stays the same while it refuses and takes connections again."""

    def __init__(self, target_port: int, port: int | None = None, split: Callable[..., Units] = whatever_comes) -> None:
        self.target_port = target_port
        self.port = port or free_port()
        self.connections: set[Connection] = set()
        self.orders: list[Order] = []
        self.delay_seconds = 0.0
        self._split = split
        self._stalled: set[bytes] = set()
        self._moved = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _fault: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.stop()

    async def accept(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._take, HOST, self.port)

    def refuse(self) -> None:
        """New connections are refused; those that are there stay until they are cut."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def stop(self) -> None:
        self.refuse()
        self.resume()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self, of: bytes = b"") -> int:
        """Resets the connections whose opening holds `of`, and says how many there were."""
        found = [connection for connection in self.connections if of in connection.opening]
        for connection in found:
            connection.cut()
        return len(found)

    def stall(self, of: bytes = b"") -> None:
        """From now on nothing passes either way, and nobody is told."""
        self._stalled.add(of)

    def resume(self, of: bytes | None = None) -> None:
        self._stalled = set() if of is None else self._stalled - {of}
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def order(self, deed: Deed, matches: Matches, *, of: bytes = b"", times: int = 1, skip: int = 0) -> Order:
        made = Order(deed, matches, of, times, skip)
        self.orders.append(made)
        return made

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Stream(reader, writer)
        if self._server is None:
            # It was on its way when we stopped listening: nobody would wait for its end.
            client.reset()
            return
        task = asyncio.create_task(self._serve(client))
        self._tasks.add(task)

        def end(_: asyncio.Task[None]) -> None:
            # Whoever is cancelled before the first turn has closed nothing.
            client.close()
            self._tasks.discard(task)

        task.add_done_callback(end)

    async def _serve(self, client: Stream) -> None:
        try:
            server = Stream(*await asyncio.open_connection(HOST, self.target_port))
        except OSError:
            client.reset()
            return
        connection = Connection(client, server)
        self.connections.add(connection)
        try:
            await self._pass_both_ways(connection)
        finally:
            self.connections.discard(connection)

    async def _pass_both_ways(self, connection: Connection) -> None:
        ways = [
            asyncio.create_task(self._pass(connection, connection.client, connection.server, to_server=True)),
            asyncio.create_task(self._pass(connection, connection.server, connection.client, to_server=False)),
        ]
        try:
            await asyncio.gather(*ways)
        except Cut:
            connection.cut()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            connection.client.close()
            connection.server.close()

    async def _pass(self, connection: Connection, source: Stream, sink: Stream, *, to_server: bool) -> None:
        """Until one side has ended; the other is closed with it, as no protocol here lives on half a connection."""
        # An ended connection is no news to a proxy: the other side is told by the close.
        with suppress(OSError, asyncio.IncompleteReadError):
            async for unit in self._split(connection, source.reader, to_server):
                if to_server:
                    connection.note_opening(unit.data)
                data = await self._treat(connection, unit)
                if data:
                    await sink.send(data)
        sink.close()

    async def _treat(self, connection: Connection, unit: Unit) -> bytes | None:
        while any(of in connection.opening for of in self._stalled):
            await self._moved.wait()
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if connection.loses_next_answer and not unit.to_server:
            raise Cut
        data: bytes | None = unit.data
        for order in [order for order in self.orders if order.takes(connection, unit)]:
            try:
                data = await order.deed(connection, unit)
            finally:
                order.happened.set()
        return data


# --- what can be ordered


def cut_before() -> Deed:
    """The connection is reset before the unit has passed."""

    async def deed(_connection: Connection, _unit: Unit) -> bytes:
        raise Cut

    return deed


def lose_the_answer() -> Deed:
    """The unit passes, what it asks for is done, and the connection is reset in the place of the answer."""

    async def deed(connection: Connection, unit: Unit) -> bytes:
        connection.loses_next_answer = True
        return unit.data

    return deed


def pass_on() -> Deed:
    """Nothing but the knowledge that it came by."""

    async def deed(_connection: Connection, unit: Unit) -> bytes:
        return unit.data

    return deed


def swallow() -> Deed:
    """The unit does not pass, and nobody is told."""

    async def deed(_connection: Connection, _unit: Unit) -> None:
        return None

    return deed


def rewrite(change: Callable[[Unit], bytes]) -> Deed:
    async def deed(_connection: Connection, unit: Unit) -> bytes:
        return change(unit)

    return deed


def deliver_after(release: asyncio.Event) -> Deed:
    """The unit is held back until `release`, and then delivered even where the client has given up meanwhile."""

    async def deed(_connection: Connection, unit: Unit) -> bytes:
        await release.wait()
        return unit.data

    return deed


def first(do: Callable[[], None]) -> Deed:
    """Something is done to the world before the unit passes, such as the death of who waits for it."""

    async def deed(_connection: Connection, unit: Unit) -> bytes:
        do()
        return unit.data

    return deed


# --- which units


def holds(pattern: bytes, *, to_server: bool = True) -> Matches:
    return lambda unit: unit.to_server is to_server and pattern in unit.data


def requests(api: int) -> Matches:
    return lambda unit: unit.to_server and unit.api == api


def answers(api: int) -> Matches:
    return lambda unit: not unit.to_server and unit.api == api
