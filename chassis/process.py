"""The process entry of every service: `python -m services.<name> [api | worker | all | migrate | check | openapi]`."""

from chassis import lean  # noqa: I001  # isort: split
import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
import uvicorn
from litestar import Litestar

from chassis.collecting import collect_less
from chassis.errors import NoDatabase
from chassis.http.app import build_app
from chassis.http.health import Health
from chassis.pacing import Patience
from chassis.replay import Replayer
from chassis.runtime import ConsumerRuntime
from chassis.service import Service
from chassis.settings import Shape
from chassis.telemetry import start_telemetry
from chassis.worker import Worker

log = structlog.get_logger(__name__)

STUCK_SECONDS = 30.0


def runtimes_of(service: Service) -> dict[str, ConsumerRuntime]:
    """The consumers by name; a process that only serves requests has them too, to replay what is parked."""
    settings = service.settings
    return {
        service.consumer_name(consumer): ConsumerRuntime(
            name=service.consumer_name(consumer),
            consumer=consumer,
            database=service.database,
            max_event_bytes=settings.max_event_bytes,
            patience=Patience(attempts=settings.handler_attempts),
        )
        for consumer in service.consumers
    }


def assemble(service: Service, shape: Shape) -> Litestar:
    """The whole process as one ASGI application: its lifespan starts and stops the worker half."""
    runtimes = runtimes_of(service)
    worker = Worker(service, runtimes) if shape.works else None

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        try:
            if worker is None:
                yield
            else:
                async with worker.running():
                    yield
        finally:
            for close in service.on_stop:
                await close()
            await service.database.close()

    return build_app(
        name=service.name,
        settings=service.settings,
        routes=service.routes if shape.serves_requests else (),
        dependencies={
            "database": service.database,
            "clock": service.clock,
            "settings": service.settings,
            "replayer": Replayer(service.database, runtimes),
            **service.dependencies,
        },
        health=Health(
            live=partial(worker.stuck, STUCK_SECONDS) if worker else list,
            ready=worker.unready if worker else list,
            database=service.database,
        ),
        lifespan=lifespan,
    )


IDLE_SECONDS = 75
"""How long a connection may be idle: longer than clients and proxies keep theirs (60 s at the most, as a rule).

Whoever sends on one just when we close it cannot know whether the request was read.
"""


def serve(service: Service, shape: Shape) -> None:
    settings = service.settings
    start_telemetry(service.name, settings)
    config = uvicorn.Config(
        assemble(service, shape),
        host=settings.http_host,
        port=settings.http_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        # Whoever calls can write X-Forwarded-For: it is believed from the proxies that are named, and from nobody else.
        proxy_headers=settings.forwarded_allow_ips is not None,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=int(settings.graceful_timeout_seconds),
    )
    collect_less()
    log.info("process_started", service=service.name, shape=shape, port=settings.http_port)
    server = uvicorn.Server(config)
    _end_well(server)
    server.run()


def _end_well(server: uvicorn.Server) -> None:
    """Uvicorn raises the signal that ended it once more, which would make a stop in good order look like a kill."""

    def stop(*_: object) -> None:
        server.should_exit = True

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, stop)


def run(name: str, build: Callable[[], Service], arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 and one line on stderr where the command or the environment is wrong."""
    lean.let_in()
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}")
    parser.add_argument(
        "command", nargs="?", default="all", choices=[*Shape, "migrate", "check", "openapi", "revision"]
    )
    parser.add_argument("-m", "--message", default="", help="what a new revision is about")
    options = parser.parse_args(arguments)
    try:
        _run(name, build, options)
    except (NoDatabase, ValueError) as wrong:
        print(f"{name}: {_one_line(wrong)}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


def _run(name: str, build: Callable[[], Service], options: argparse.Namespace) -> None:
    if options.command in {"migrate", "check", "revision"}:
        _migrate(name, options)
        return
    match options.command:
        case "openapi":
            asyncio.run(_print_openapi(build()))
        case shape:
            serve(build(), Shape(shape))


def _migrate(name: str, options: argparse.Namespace) -> None:
    from chassis import migrate  # noqa: PLC0415  # eleven megabytes that a process which serves can spare

    config = migrate.from_environment(name)
    match options.command:
        case "migrate":
            migrate.upgrade(config)
        case "check":
            migrate.check(config)
        case _:
            migrate.revision(config, options.message)


async def _print_openapi(service: Service) -> None:
    from chassis.http.openapi import openapi_document  # noqa: PLC0415  # only this command needs it

    print(json.dumps(openapi_document(assemble(service, Shape.API)), indent=2, sort_keys=True))  # noqa: T201
    await service.database.close()


def _one_line(wrong: Exception) -> str:
    """Settings that do not validate are told by their names alone: a value may be a secret."""
    faults = getattr(wrong, "errors", None)
    if faults is None:
        return str(wrong).replace("\n", " ")
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults(include_input=False))
