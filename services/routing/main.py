"""The composition root of routing: the only place where engine, clock, consumers and routes meet."""

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner, bulk_loop
from chassis.database import Database
from chassis.service import Service, clock_of, database_of
from services.routing import pages
from services.routing.consumers import consumers
from services.routing.http import ROUTES
from services.routing.measures import measure_exceptions
from services.routing.pages.desk import DESK
from services.routing.proving import prove_decisions
from services.routing.settings import Settings


def build(settings: Settings | None = None, *, clock: Clock | None = None, database: Database | None = None) -> Service:
    """Tests give a clock that stands still and a database of their own; nothing else is replaced by anyone."""
    settings = settings or Settings()
    clock = clock or clock_of(settings)
    database = database or database_of("routing", settings)
    bulk = BulkRunner(database, clock, pages.BULK_LISTINGS)
    return Service(
        name="routing",
        settings=settings,
        clock=clock,
        database=database,
        routes=(*ROUTES, *pages.ROUTES),
        consumers=consumers(clock),
        loops=(bulk_loop(bulk),),
        jobs=(prove_decisions(database, settings.zone),),
        measures=(measure_exceptions(clock),),
        dependencies={"bulk": bulk, "desk": DESK},
    )
