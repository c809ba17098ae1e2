"""Intake, put together."""

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner
from chassis.database import Database
from chassis.service import Service, clock_of, database_of
from services.intake import pages, work
from services.intake.http import ROUTES, source_routes
from services.intake.http.refusals import Refusals
from services.intake.keyring import KeyRing
from services.intake.pages.desk import desk_of
from services.intake.rates import RateLimiter
from services.intake.settings import Settings


def build(settings: Settings | None = None, *, clock: Clock | None = None, database: Database | None = None) -> Service:
    """`settings` are read from the environment unless given; a clock or a database that is given takes its place."""
    settings = settings or Settings()
    clock, database = clock or clock_of(settings), database or database_of("intake", settings)
    key_ring = KeyRing(database, settings.lead_key_cache_seconds, clock)
    rates = RateLimiter(database, settings.lead_rate_per_minute)
    refusals = Refusals(database, clock, settings.zone)
    bulk = BulkRunner(database, clock, pages.LISTINGS)
    means = work.Means(settings, database, clock, bulk)
    return Service(
        name="intake",
        settings=settings,
        clock=clock,
        database=database,
        routes=(source_routes(key_ring, rates, refusals), *ROUTES, *pages.ROUTES),
        consumers=work.CONSUMERS,
        jobs=work.jobs(means),
        loops=work.loops(means),
        measures=work.measures(means),
        dependencies={
            "bulk": bulk,
            "desk": desk_of(settings.zone),
            "key_ring": key_ring,
        },
    )
