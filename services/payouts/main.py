"""The composition root of payouts: the only place where engine, gateway and routes meet."""

from chassis.clock import Clock
from chassis.database import Database
from chassis.loops import Loop
from chassis.schedule import Job, weekly
from chassis.service import Service, clock_of, database_of
from services.payouts.consumers import consumers
from services.payouts.http import ROUTES
from services.payouts.measures import measure_payouts
from services.payouts.sending import Sender
from services.payouts.settings import Settings
from services.payouts.stripe_gateway import StripeGateway, TransferGateway


def build(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    database: Database | None = None,
    gateway: TransferGateway | None = None,
) -> Service:
    settings = settings or Settings()
    clock, database = clock or clock_of(settings), database or database_of("payouts", settings)
    gateway = gateway or _stripe(settings)
    sender = Sender(database, gateway, clock, settings)
    sweep = weekly(settings.sweep_weekday, settings.sweep_time, settings.zone)
    return Service(
        name="payouts",
        settings=settings,
        clock=clock,
        database=database,
        routes=ROUTES,
        consumers=consumers(settings, clock),
        jobs=(Job("payout_sweep", sweep, sender.sweep),),
        loops=(
            Loop("open_attempts", sender.resolve_open, idle_seconds=1.0),
            Loop("account_notices", sender.check_account, idle_seconds=1.0),
        ),
        measures=(measure_payouts(clock),),
        dependencies={"sender": sender},
        on_stop=(gateway.close,),
    )


def _stripe(settings: Settings) -> TransferGateway:
    key = settings.stripe_api_key.get_secret_value() if settings.stripe_api_key else ""
    return StripeGateway(key or "sk_not_configured", settings.stripe_api_base, settings.stripe_timeout_seconds)
