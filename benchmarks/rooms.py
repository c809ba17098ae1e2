"""A room's first page: how long the server needs for it beside its bare SQL, and what a browser has to load."""

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from html import unescape
from http import HTTPStatus
from time import perf_counter
from typing import Any

import asyncpg
from litestar import Litestar
from playwright.async_api import BrowserContext, Response
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.figure import percentile
from chassis.http.auth import ACCESS_COOKIE

LIMIT_KB = 150
"""For all that a browser loads of a room at its first visit, zipped."""
BYTES_PER_KB = 1_000
COMPRESSED_ALREADY = "font/"

# Of a whole loading: what moved under the reader's eyes without having been asked to.
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver(list => list.getEntries().forEach(each => { window.shifted += each.value }))
    .observe({ type: "layout-shift", buffered: true });
"""
SETTLED = """
document.fonts.ready.then(() => new Promise(done =>
    requestAnimationFrame(() => requestAnimationFrame(() => done(window.shifted)))))
"""

Statement = tuple[str, tuple[Any, ...]]


class PageFailed(Exception):
    """What was to be measured is not the page: the message says what came instead."""


@dataclass(frozen=True, slots=True)
class Speed:
    """In milliseconds, of the same requests in turn: `page` as the application answers, `bare` its SQL alone."""

    page: list[float]
    bare: list[float]
    statements: int

    def p95(self) -> tuple[float, float]:
        return percentile(self.page, 95), percentile(self.bare, 95)


@dataclass(frozen=True, slots=True)
class FirstLoad:
    """`zipped_kb` is all of it as gzip makes it (a font is as it is), `sent_kb` what the server itself sent."""

    zipped_kb: float
    sent_kb: float
    shift: float


async def speed_of(
    app: Litestar, engine: AsyncEngine, database_url: str, path: str, token: str, *, requests: int
) -> Speed:
    """`engine` is the one that `app` uses. A page and its bare SQL take turns, after a few of each to warm up."""
    statements = await _captured(engine, lambda: answer(app, path, token))
    connection = await asyncpg.connect(database_url)
    try:
        page, bare = [], []
        for number in range(-max(3, requests // 10), requests):
            taken = (
                await _timed(lambda: answer(app, path, token)),
                await _timed(lambda: _replay(connection, statements)),
            )
            if number >= 0:
                page.append(taken[0])
                bare.append(taken[1])
        return Speed(page, bare, len(statements))
    finally:
        await connection.close()


async def answer(app: Litestar, path: str, token: str) -> bytes:
    """The page, straight from the application: no client and no socket in between."""
    scope = scope_of(path, token)
    status, body = 0, b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status, body
        status = message.get("status", status)
        body += message.get("body", b"")

    application: Any = app
    await application(scope, receive, send)
    if status != HTTPStatus.OK:
        raise PageFailed(f"{path} answered {status}")
    return body


def scope_of(path: str, token: str, *, method: str = "GET", length: int = 0) -> dict[str, Any]:
    """A request as a server hands it over; `length` is that of a form's body."""
    asked = path.partition("?")
    form = [
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", str(length).encode()),
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": asked[0],
        "raw_path": asked[0].encode(),
        "query_string": asked[2].encode(),
        "root_path": "",
        "headers": [
            (b"host", b"in.process"),
            (b"cookie", f"{ACCESS_COOKIE}={token}".encode()),
            *(form if length else ()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


NEXT = re.compile(r'href="([^"]+)" rel="next"')


async def path_of_page(app: Litestar, path: str, token: str, number: int) -> str:
    """The address of a list's page of that number, found as an operator finds it: from each to the next."""
    for _ in range(number - 1):
        found = NEXT.search((await answer(app, path, token)).decode())
        if found is None:
            raise PageFailed(f"there is no page {number} of {path}")
        path = unescape(found[1])
    return path


async def first_load(context: BrowserContext, url: str) -> FirstLoad:
    """In a profile that has nothing of ours in its cache."""
    page = await context.new_page()
    answered: list[Response] = []

    def keep(response: Response) -> None:
        answered.append(response)

    page.on("response", keep)
    await page.add_init_script(WATCH_SHIFTS)
    document = await page.goto(url, wait_until="load")
    if document is None or not document.ok or page.url != url:
        raise PageFailed(f"{url} led to {page.url}")
    shift = float(await page.evaluate(SETTLED))
    sizes = await asyncio.gather(*(_sizes(response) for response in answered if response.url.startswith("http")))
    await page.close()
    return FirstLoad(_total_kb([zipped for zipped, _ in sizes]), _total_kb([sent for _, sent in sizes]), shift)


async def _sizes(response: Response) -> tuple[int, int]:
    body = await response.body()
    is_zipped = response.headers.get("content-type", "").startswith(COMPRESSED_ALREADY)
    return len(body) if is_zipped else len(gzip.compress(body)), (await response.request.sizes())["responseBodySize"]


def _total_kb(sizes: Sequence[int]) -> float:
    return sum(sizes) / BYTES_PER_KB


async def _captured(engine: AsyncEngine, ask: Callable[[], Awaitable[Any]]) -> list[Statement]:
    """What one request sends to the database, as the driver gets it; the second one, as the first fills caches."""
    statements: list[Statement] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, tuple(parameters)))

    await ask()
    event.listen(engine.sync_engine, "before_cursor_execute", keep)
    try:
        await ask()
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", keep)
    return statements


async def _replay(connection: asyncpg.Connection, statements: Sequence[Statement]) -> None:
    for statement, parameters in statements:
        await connection.fetch(statement, *parameters)


async def _timed(work: Callable[[], Awaitable[Any]]) -> float:
    began = perf_counter()
    await work()
    return (perf_counter() - began) * 1_000
