"""A service that consumes leads, as a whole process: consumers, HTTP, health, on the product's own entry."""

import argparse
from typing import Any

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.workers.service import compose
from chassis.consumer import Consumer
from chassis.process import serve
from chassis.settings import Shape
from contracts.envelope import Incoming
from contracts.intake import LeadCreated
from contracts.topics import LEADS

EFFECTS = "CREATE TABLE effects (lead_id uuid PRIMARY KEY)"
_APPLY = text("INSERT INTO effects SELECT * FROM unnest(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


async def apply(session: AsyncSession, batch: list[Incoming[LeadCreated]]) -> None:
    await session.execute(_APPLY, {"ids": [incoming.event.lead_id for incoming in batch]})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--name", required=True, help="of the service, which is in its group's")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--instance", help="static membership; without it the group's members are nobody in particular")
    options = parser.parse_args()
    given: dict[str, Any] = {"http_port": options.port, "consumer_instance": options.instance}
    consumers = [Consumer(LEADS, {LeadCreated: apply})]
    serve(compose(options.database, options.kafka, consumers, name=options.name, **given), Shape.WORKER)


if __name__ == "__main__":
    main()
