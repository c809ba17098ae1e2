"""The proxy: what passes, what is cut, what is kept back, and whom it concerns."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest
from aiokafka.protocol.commit import OffsetCommitResponse_v3

from tests.kit import kafka_wire
from tests.kit.proxy import (
    Proxy,
    answers,
    cut_before,
    deliver_after,
    first,
    holds,
    lose_the_answer,
    requests,
    rewrite,
    swallow,
)

DEADLINE_SECONDS = 10


class Server:
    """Answers each line with `ok ` and the line, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self.server is not None
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A reset is what some of these tests are about.
        with suppress(ConnectionError):
            while line := await reader.readline():
                self.asked.append(line)
                writer.write(b"ok " + line)
        writer.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, line: bytes) -> bytes:
        """The answer, empty where the connection ended in order; raises ConnectionError where it was reset."""
        self.writer.write(line)
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.reader.readline()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    server.server = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    yield server
    server.server.close()


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as proxy:
        yield proxy


Connect = Callable[[Proxy], Awaitable[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def connected(proxy: Proxy) -> Client:
            client = Client(*await asyncio.open_connection("127.0.0.1", proxy.port))
            stack.callback(client.writer.close)
            return client

        yield connected


class TestPassing:
    async def test_brings_questions_and_answers_through(self, proxy: Proxy, connect: Connect) -> None:
        client = await connect(proxy)
        assert [await client.ask(b"one\n"), await client.ask(b"two\n")] == [b"ok one\n", b"ok two\n"]

    async def test_stalls_until_it_is_told_to_go_on(self, proxy: Proxy, connect: Connect, server: Server) -> None:
        client = await connect(proxy)
        proxy.stall()
        asked = asyncio.create_task(client.ask(b"one\n"))
        done, _ = await asyncio.wait([asked], timeout=0.2)
        assert (done, server.asked) == (set(), [])
        proxy.resume()
        assert await asked == b"ok one\n"


class TestCut:
    async def test_resets_those_whose_opening_holds_the_words(self, proxy: Proxy, connect: Connect) -> None:
        relay, consumer = await connect(proxy), await connect(proxy)
        await relay.ask(b"i am the relay\n")
        await consumer.ask(b"i am the consumer\n")
        assert proxy.cut(of=b"relay") == 1
        with pytest.raises(ConnectionError):
            await relay.ask(b"again\n")
        assert await consumer.ask(b"again\n") == b"ok again\n"

    async def test_refuses_and_accepts_again_on_the_same_port(self, proxy: Proxy, connect: Connect) -> None:
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await connect(proxy)
        await proxy.accept()
        assert await (await connect(proxy)).ask(b"one\n") == b"ok one\n"


class TestStop:
    async def test_ends_a_connection_that_it_had_only_just_taken(self, server: Server) -> None:
        """Before the task that serves it has had its first turn: a task that is cancelled then never runs."""
        taken: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()
        listener = await asyncio.start_server(lambda *ends: taken.set_result(ends), "127.0.0.1", 0)
        async with listener, Proxy(server.port) as proxy:
            port = listener.sockets[0].getsockname()[1]
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            proxy._take(*await taken)
            await proxy.stop()
            assert await client.ask(b"anybody there?\n") == b""
            client.writer.close()


class TestOrders:
    async def test_cut_before_keeps_the_unit_from_the_server(
        self, proxy: Proxy, connect: Connect, server: Server
    ) -> None:
        order = proxy.order(cut_before(), holds(b"COMMIT"))
        client = await connect(proxy)
        await client.ask(b"INSERT\n")
        with pytest.raises(ConnectionError):
            await client.ask(b"COMMIT\n")
        assert server.asked == [b"INSERT\n"]
        assert order.happened.is_set()

    async def test_lose_the_answer_lets_it_be_done(self, proxy: Proxy, connect: Connect, server: Server) -> None:
        proxy.order(lose_the_answer(), holds(b"COMMIT"))
        client = await connect(proxy)
        with pytest.raises(ConnectionError):
            await client.ask(b"COMMIT\n")
        assert server.asked == [b"COMMIT\n"]

    async def test_are_done_so_often_after_so_many_and_of_whom_they_say(self, proxy: Proxy, connect: Connect) -> None:
        order = proxy.order(rewrite(lambda _unit: b"NO\n"), holds(b"GO"), of=b"a", times=2, skip=1)
        a, b = await connect(proxy), await connect(proxy)
        assert await b.ask(b"b: GO\n") == b"ok b: GO\n"
        assert [await a.ask(b"a: GO\n") for _ in range(4)] == [b"ok a: GO\n", b"ok NO\n", b"ok NO\n", b"ok a: GO\n"]
        assert order.count == 2

    async def test_deliver_after_brings_it_even_where_nobody_waits_any_more(
        self, proxy: Proxy, connect: Connect, server: Server
    ) -> None:
        release = asyncio.Event()
        order = proxy.order(deliver_after(release), holds(b"late"))
        client = await connect(proxy)
        client.writer.write(b"late\n")
        await client.writer.drain()
        client.writer.close()
        release.set()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await order.happened.wait()
            while server.asked != [b"late\n"]:  # noqa: ASYNC110  # the server has no event to wait for
                await asyncio.sleep(0.01)

    async def test_swallow_tells_nobody(self, proxy: Proxy, connect: Connect, server: Server) -> None:
        order = proxy.order(swallow(), holds(b"one"))
        client = await connect(proxy)
        client.writer.write(b"one\n")
        async with asyncio.timeout(DEADLINE_SECONDS):
            await order.happened.wait()
        assert await client.ask(b"two\n") == b"ok two\n"
        assert server.asked == [b"two\n"]

    async def test_first_is_done_before_the_answer_passes(self, proxy: Proxy, connect: Connect, server: Server) -> None:
        seen: list[int] = []
        proxy.order(first(lambda: seen.append(len(server.asked))), holds(b"ok", to_server=False))
        await (await connect(proxy)).ask(b"one\n")
        assert seen == [1]


class TestKafkaFrames:
    """Over a server that answers a frame with its correlation id and a body that is given."""

    async def test_know_which_request_an_answer_is_of_and_can_say_that_it_failed(self, connect: Connect) -> None:
        body = OffsetCommitResponse_v3(0, [("leads", [(0, 0), (1, 0)])]).encode()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readexactly(4)
            frame = await reader.readexactly(struct.unpack(">i", head)[0])
            told = frame[4:8] + body
            writer.write(struct.pack(">i", len(told)) + told)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with Proxy(server.sockets[0].getsockname()[1], split=kafka_wire.frames) as proxy:
            asked = proxy.order(rewrite(lambda unit: unit.data), requests(kafka_wire.OFFSET_COMMIT))
            proxy.order(rewrite(kafka_wire.with_error(25)), answers(kafka_wire.OFFSET_COMMIT))
            client = await connect(proxy)
            request = struct.pack(">hhi", kafka_wire.OFFSET_COMMIT, 3, 7) + b"rest"
            client.writer.write(struct.pack(">i", len(request)) + request)
            async with asyncio.timeout(DEADLINE_SECONDS):
                (length,) = struct.unpack(">i", await client.reader.readexactly(4))
                frame = await client.reader.readexactly(length)
        server.close()
        assert asked.count == 1
        assert struct.unpack_from(">i", frame) == (7,)
        assert OffsetCommitResponse_v3.decode(frame[4:]).topics == [("leads", [(0, 25), (1, 25)])]
