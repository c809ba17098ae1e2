"""A lean HTTP client in a process of its own: posts leads over kept-alive connections and says how it went.

    python -m benchmarks.workers.load --port 8000 --token wbk_… --connections 32 --seconds 5 [--rate 500]

Without `--rate` each connection sends as soon as it has its answer. With it requests fall due at that rate, wait for a
free connection where there is none, and their latency counts from when they were due. `--count` ends it after so many
answers, `--record` keeps which lead was due when. Prints one JSON object.
"""

import argparse
import asyncio
import json
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter, time
from typing import cast

import httptools
import uvloop

from benchmarks.figure import percentile
from benchmarks.submissions import submissions
from contracts.values import SelectedPath

ACCEPTED = 202
CLOSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Load:
    """`rate` is answers a second; `answered` are all, the other figures are of those that came after the warm-up."""

    answered: int
    answers: int
    failures: int
    seconds: float
    rate: float
    p50_ms: float
    p99_ms: float


class Caller(asyncio.Protocol):
    """One connection, one request at a time. `due_at` is from when the running request's latency counts."""

    def __init__(self, crowd: "Crowd") -> None:
        self._crowd = crowd
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._body = b""
        self.due_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._crowd.is_free(self)

    def call(self, request: bytes, due_at: float) -> None:
        assert self._transport is not None
        self.due_at = due_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._crowd.answered(self, self._parser.get_status_code(), self._body)
        self._crowd.is_free(self)

    def connection_lost(self, _fault: Exception | None) -> None:
        self._crowd.lost(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@dataclass
class Crowd:
    """All callers of one run."""

    requests: Iterator[bytes]
    rate: float | None = None
    count: int | None = None
    is_recording: bool = False
    latencies: list[float] = field(default_factory=list)
    recorded: list[tuple[str, float]] = field(default_factory=list)
    """Ids of leads, and when each was due, in seconds since 1970."""
    answered_in_all: int = 0
    failures: int = 0

    def __post_init__(self) -> None:
        self._free: deque[Caller] = deque()
        self._due: deque[float] = deque()
        self._is_closing = False
        self._epoch = time() - perf_counter()
        self.counted = asyncio.Event()

    def is_free(self, caller: Caller) -> None:
        if self._is_closing:
            caller.close()
        elif self.rate is None:
            caller.call(next(self.requests), perf_counter())
        elif self._due:
            caller.call(next(self.requests), self._due.popleft())
        else:
            self._free.append(caller)

    def answered(self, caller: Caller, status: int, body: bytes) -> None:
        self.answered_in_all += 1
        if status != ACCEPTED:
            self.failures += 1
            return
        self.latencies.append(perf_counter() - caller.due_at)
        if self.is_recording:
            self.recorded.append((json.loads(body)["id"], self._epoch + caller.due_at))
        if self.answered_in_all == self.count:
            self.close()
            self.counted.set()

    def lost(self, caller: Caller) -> None:
        if not self._is_closing:
            self.failures += 1
        if caller in self._free:
            self._free.remove(caller)

    def forget(self) -> None:
        self.latencies.clear()
        self.failures = 0

    def close(self) -> None:
        """What is under way is still answered."""
        self._is_closing = True
        while self._free:
            self._free.popleft().close()

    async def fall_due(self) -> None:
        """Requests that fell due while the loop was busy are sent late, and counted from when they were due."""
        assert self.rate is not None
        due_at = perf_counter()
        while not self._is_closing:
            now = perf_counter()
            while due_at <= now:
                self._send_or_queue(due_at)
                due_at += 1 / self.rate
            await asyncio.sleep(max(0.0, due_at - perf_counter()))

    def _send_or_queue(self, due_at: float) -> None:
        if self._free:
            self._free.popleft().call(next(self.requests), due_at)
        else:
            self._due.append(due_at)


async def drive(crowd: Crowd, port: int, connections: int, seconds: float, warm_up_seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Caller(crowd), "127.0.0.1", port)
    pacing = asyncio.create_task(crowd.fall_due()) if crowd.rate is not None else None
    began = perf_counter()
    if crowd.count is not None:
        await crowd.counted.wait()
    else:
        await asyncio.sleep(warm_up_seconds)
        crowd.forget()
        began = perf_counter()
        await asyncio.sleep(seconds)
    took = perf_counter() - began
    latencies, failures = list(crowd.latencies), crowd.failures
    crowd.close()
    if pacing is not None:
        await pacing
    await asyncio.sleep(CLOSE_SECONDS)
    return _told(crowd.answered_in_all, latencies, failures, took)


def _told(answered: int, latencies: list[float], failures: int, seconds: float) -> Load:
    return Load(
        answered=answered,
        answers=len(latencies),
        failures=failures,
        seconds=round(seconds, 3),
        rate=round(len(latencies) / seconds, 1),
        p50_ms=_percentile_ms(latencies, 50),
        p99_ms=_percentile_ms(latencies, 99),
    )


def _percentile_ms(latencies: list[float], percent: float) -> float:
    return round(percentile(latencies, percent) * 1000, 3) if latencies else 0.0


def requests_of(token: str, run: str, path: SelectedPath | None) -> Iterator[bytes]:
    """`POST /leads` as bytes, each a lead of its own."""
    head = (
        "POST /leads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: "
    ).encode()
    for body in submissions(run, path):
        yield head + str(len(body)).encode() + b"\r\n\r\n" + body


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers.load")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--warm-up-seconds", type=float, default=1)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--count", type=int)
    parser.add_argument("--path", type=SelectedPath)
    parser.add_argument("--record", type=Path)
    print(json.dumps(asdict(uvloop.run(_run(parser.parse_args())))))


async def _run(options: argparse.Namespace) -> Load:
    requests = requests_of(options.token, secrets.token_hex(6), options.path)
    crowd = Crowd(requests, options.rate, options.count, is_recording=options.record is not None)
    load = await drive(crowd, options.port, options.connections, options.seconds, options.warm_up_seconds)
    if options.record is not None:
        options.record.write_text(json.dumps(crowd.recorded))
    return load


if __name__ == "__main__":
    main()
