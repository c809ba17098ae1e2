"""An application as it answers: behind a real uvicorn in a thread, or in the test's own event loop."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn
from litestar import Litestar

from tests.kit.eventually import eventually_sync


@contextmanager
def serving(app: Litestar, port: int = 0, *, until_all_left: bool = False) -> Iterator[str]:
    """The address under which `app` answers during the block; at a free port unless one is given.

    `until_all_left` waits at the end until every client has closed its connections, as a browser does after its pages.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        config = uvicorn.Config(
            app, http="httptools", ws="none", access_log=False, log_config=None, server_header=False, lifespan="on"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        eventually_sync(lambda: server.started or not thread.is_alive())
        assert server.started, "the application did not start"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        if until_all_left:
            eventually_sync(lambda: not server.server_state.connections)
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the application did not stop"


@asynccontextmanager
async def in_process(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `app` in this event loop, so that the application can use a test's sessions and engines."""
    application: Any = app
    transport = httpx.ASGITransport(application)
    up, over = asyncio.Event(), asyncio.Event()
    life = asyncio.create_task(_live(app, up, over))
    await up.wait()
    async with httpx.AsyncClient(transport=transport, base_url="http://in.process") as client:
        yield client
    over.set()
    await life


async def _live(app: Litestar, up: asyncio.Event, over: asyncio.Event) -> None:
    """In a task of its own: a fixture's begin and end run in two, which the application's scopes do not allow."""
    try:
        async with app.lifespan():
            up.set()
            await over.wait()
    finally:
        up.set()
