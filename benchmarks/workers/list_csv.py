"""A list's CSV, read as fast as it comes, and the memory of the process that makes it all the while."""

import argparse
import asyncio
import json
import os
from dataclasses import dataclass, field
from importlib import import_module
from time import perf_counter
from typing import Any

import psutil  # type: ignore[import-untyped]
import uvloop
from litestar import Litestar

from benchmarks.rooms import PageFailed, scope_of
from benchmarks.workers.room import TOKEN
from chassis.collecting import collect_less
from chassis.process import assemble
from chassis.settings import Shape
from chassis.telemetry import start_telemetry
from tests.kit.identity import CSRF

BYTES_PER_MB = 1_000_000
FIRST_ROWS = 2_000
"""By then all is loaded that a CSV needs, whatever its length."""


@dataclass
class Reader:
    """Takes the answer's parts and keeps none of them."""

    rows: int = -1
    first_bytes: int = 0
    peak_bytes: int = 0
    status: int = 0
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.rows += message.get("body", b"").count(b"\n")
        memory = psutil.Process().memory_info().rss
        self.peak_bytes = max(self.peak_bytes, memory)
        if self.rows <= FIRST_ROWS or not self.first_bytes:
            self.first_bytes = memory
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.is_over.set()


async def read(app: Litestar, path: str, token: str) -> Reader:
    body = f"csrf={CSRF}&query=".encode()
    scope = scope_of(f"{path}/export", token, method="POST", length=len(body))
    sent = iter([{"type": "http.request", "body": body, "more_body": False}])
    reader = Reader()

    async def receive() -> Any:
        """After the form nothing more comes; who reads leaves once the answer has ended."""
        if (message := next(sent, None)) is not None:
            return message
        await reader.is_over.wait()
        return {"type": "http.disconnect"}

    application: Any = app
    await application(scope, receive, reader.take)
    if reader.status != 200:
        raise PageFailed(f"{path}/export answered {reader.status}")
    return reader


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--service", required=True)
    parser.add_argument("--path", required=True)
    options = parser.parse_args()
    service = import_module(f"services.{options.service}.main").build()
    start_telemetry(service.name, service.settings)
    app = assemble(service, Shape.API)
    collect_less()
    async with app.lifespan():
        began = perf_counter()
        reader = await read(app, options.path, os.environ[TOKEN])
        seconds = perf_counter() - began
    told = {"first_mb": reader.first_bytes / BYTES_PER_MB, "peak_mb": reader.peak_bytes / BYTES_PER_MB}
    print(json.dumps({**told, "rows": reader.rows, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
