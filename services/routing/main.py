"""The composition root of routing: the only place where engine, clock, consumers and routes meet."""

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner, bulk_loop
from chassis.database import Database
from chassis.loops import Loop
from chassis.service import Service, clock_of, database_of
from services.routing import pages
from services.routing.commands.rollups import roll_up_days
from services.routing.consumers import consumers
from services.routing.http import ROUTES
from services.routing.measures import measure_waiting
from services.routing.pages.desk import DESK
from services.routing.proving import prove_decisions
from services.routing.retries import QueueKeeper
from services.routing.settings import Settings
from services.routing.simulations import Simulator, simulation_loop
from services.routing.webhook_gateway import WebhookGateway, gateway_of
from services.routing.webhooks import WebhookSender


def build(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    database: Database | None = None,
    gateway: WebhookGateway | None = None,
) -> Service:
    """Tests give a clock that stands still, a database of their own and a way out to installers of theirs."""
    settings = settings or Settings()
    clock = clock or clock_of(settings)
    database = database or database_of("routing", settings)
    gateway = gateway or gateway_of(settings)
    sender = WebhookSender(database, clock, settings, gateway)
    bulk = BulkRunner(database, clock, pages.BULK_LISTINGS, {"zone": settings.zone})
    return Service(
        name="routing",
        settings=settings,
        clock=clock,
        database=database,
        routes=(*ROUTES, *pages.ROUTES),
        consumers=consumers(clock),
        loops=(
            bulk_loop(bulk),
            *QueueKeeper(database, clock).loops(),
            simulation_loop(Simulator(database, clock, settings.simulation_tries)),
            Loop("webhooks", sender.step),
        ),
        jobs=(prove_decisions(database, settings.zone), roll_up_days(database, settings.zone)),
        measures=(measure_waiting(clock),),
        dependencies={"bulk": bulk, "desk": DESK, "gateway": gateway},
        on_stop=(sender.close,),
    )
