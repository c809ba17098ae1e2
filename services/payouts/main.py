"""The composition root of payouts: the only place where engine, gateway and routes meet."""

from chassis.clock import Clock
from chassis.database import Database
from chassis.loops import Loop
from chassis.schedule import Job
from chassis.service import Service, clock_of, database_of
from services.payouts import pages
from services.payouts.consumers import consumers
from services.payouts.http import ROUTES
from services.payouts.measures import measure_payouts
from services.payouts.pages.desk import desk_of
from services.payouts.sending import Sender
from services.payouts.settings import Settings
from services.payouts.stripe_gateway import LiveStripe, StripeGateway
from services.payouts.sweeping import JOB, Sweeper, sweep_times


def build(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    database: Database | None = None,
    gateway: StripeGateway | None = None,
) -> Service:
    """Without a key there is no gateway: nothing is sent, and each sweep says what is left."""
    settings = settings or Settings()
    clock, database = clock or clock_of(settings), database or database_of("payouts", settings)
    gateway = gateway or _stripe(settings)
    sender = Sender(database, gateway, clock, settings)
    questions = (
        Loop("open_attempts", sender.resolve_open),
        Loop("account_notices", sender.check_account),
    )
    return Service(
        name="payouts",
        settings=settings,
        clock=clock,
        database=database,
        routes=(*ROUTES, *pages.routes(settings)),
        consumers=consumers(settings, clock),
        jobs=(Job(JOB, sweep_times(settings), Sweeper(sender).run),),
        loops=questions if gateway is not None else (),
        measures=(measure_payouts(clock),),
        dependencies={"sender": sender, "desk": desk_of(settings)},
        on_stop=(gateway.close,) if gateway is not None else (),
    )


def _stripe(settings: Settings) -> StripeGateway | None:
    if not settings.stripe_key:
        return None
    return LiveStripe(settings.stripe_key, settings.stripe_api_base, settings.stripe_timeout_seconds)
