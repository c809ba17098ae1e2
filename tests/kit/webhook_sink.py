"""A receiver of webhooks that can be as bad as receivers are: each answer is raw bytes, as slow as it is told to be."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Received:
    request_line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Sink:
    """`answers` are used up one by one, the last one stays."""

    port: int = 0
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    answers: list[Answering] = field(default_factory=lambda: [answers(200)])
    connections: int = 0
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/leads"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self.serving.add(task)

        def end(_: asyncio.Task[None]) -> None:
            # Whoever is cancelled before the first turn has closed nothing.
            writer.close()
            self.serving.discard(task)

        task.add_done_callback(end)

    async def close(self) -> None:
        for task in set(self.serving):
            task.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(HEAD_END)).decode()
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in rest)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.received.append(Received(line, headers, body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            await answer(writer)
            await writer.drain()


@asynccontextmanager
async def webhook_sink(tls: ssl.SSLContext | None = None) -> AsyncIterator[Sink]:
    sink = Sink(scheme="https" if tls else "http")
    server = await asyncio.start_server(sink.accept, "127.0.0.1", 0, ssl=tls)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()
        await sink.close()


def raw(*parts: bytes) -> Answering:
    async def write(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return write


def answers(status: int, body: bytes = b"", **headers: str) -> Answering:
    told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return raw(f"HTTP/1.1 {status} As told\r\n{told}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def never(until: asyncio.Event) -> Answering:
    """Takes the request and says nothing."""

    async def wait(_writer: asyncio.StreamWriter) -> None:
        await until.wait()

    return wait


def dripping(first: bytes, until: asyncio.Event, seconds: float = 0.02) -> Answering:
    """A byte now and then: no read ever waits for long, and the answer never ends."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not until.is_set():
            writer.write(b"a")
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), seconds)

    return drip


def endless(first: bytes, megabytes: int = 10) -> Answering:
    """More than anybody wants to read."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        for _ in range(megabytes * 16):
            writer.write(b"x" * 65_536)
            await writer.drain()

    return write
