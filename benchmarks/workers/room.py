"""A page of one room and its bare SQL in turn, in a process that is the service's own but for its port."""

import argparse
import asyncio
import json
import os
from importlib import import_module

import uvloop

from benchmarks.rooms import path_of_page, speed_of
from chassis.collecting import collect_less
from chassis.process import assemble
from chassis.settings import Shape
from chassis.telemetry import start_telemetry

TOKEN = "ROOM_TOKEN"  # noqa: S105  # the name of a variable


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--service", required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--page", type=int, default=1)
    parser.add_argument("--requests", type=int, required=True)
    options = parser.parse_args()
    service = import_module(f"services.{options.service}.main").build()
    start_telemetry(service.name, service.settings)
    app = assemble(service, Shape.API)
    collect_less()
    token = os.environ[TOKEN]
    async with app.lifespan():
        speed = await speed_of(
            app,
            service.database.engine,
            service.settings.database_url.get_secret_value(),
            await path_of_page(app, options.path, token, options.page),
            token,
            requests=options.requests,
        )
    page, bare = speed.p95()
    print(json.dumps({"page": page, "bare": bare, "statements": speed.statements}), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
