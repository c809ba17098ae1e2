"""The smallest service that the product can run: composed, configured and started as the six of it are."""

import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from traceback import print_exc

from chassis.consumer import Consumer
from chassis.loops import Loop
from chassis.process import serve
from chassis.service import Service, clock_of, database_of
from chassis.settings import ServiceSettings, Shape
from chassis.telemetry import start_telemetry

Work = Callable[[Service], Awaitable[Mapping[str, object]]]


def compose(
    url: str, kafka: str, consumers: Sequence[Consumer] = (), *, name: str = "bench", **settings: object
) -> Service:
    """Every setting is the product's default unless given."""
    given = ServiceSettings.model_validate({"database_url": url, "kafka_bootstrap_servers": kafka, **settings})
    start_telemetry(name, given)
    return Service(
        name=name,
        settings=given,
        clock=clock_of(given),
        database=database_of(name, given),
        consumers=consumers,
    )


def serve_while_working(service: Service, work: Work) -> Mapping[str, object]:
    """The product's own process entry, with `work` as one of its loops; ends when the work is done.

    Returns what the work returned. A fault of the work ends the process too, with 1.
    """
    result: dict[str, object] = {}
    begun = False

    async def step() -> bool:
        nonlocal begun
        if begun:
            # The process is about to end, and the loop comes round again.
            return False
        begun = True
        try:
            result.update(await work(service))
        except Exception:
            print_exc()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
        return False

    service.loops = [Loop("work", step)]
    serve(service, Shape.ALL)
    if not result:
        raise SystemExit(1)
    return result
