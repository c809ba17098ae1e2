"""The composition root of identity."""

from datetime import datetime, time

from chassis.clock import SystemClock
from chassis.database import Database
from chassis.http.app import TOKEN_KEYS
from chassis.schedule import Job, daily
from chassis.service import Service, clock_of, database_of
from services.identity import pages
from services.identity.commands.housekeeping import purge
from services.identity.commands.signing_keys import rotate_when_due
from services.identity.commands.telling import telling_loop
from services.identity.http import ROUTES
from services.identity.http.signing_keys import OwnKeys
from services.identity.pages.desk import DESK
from services.identity.security import Security, security_of
from services.identity.settings import Settings

NIGHT = time(3)


def build(
    settings: Settings | None = None, *, security: Security | None = None, database: Database | None = None
) -> Service:
    """`security` runs on the machine's clock; business time, which a laptop can move, is none of its business."""
    settings = settings or Settings()
    database = database or database_of("identity", settings)
    security = security or security_of(settings, SystemClock())
    return Service(
        name="identity",
        settings=settings,
        clock=clock_of(settings),
        database=database,
        routes=(*ROUTES, *pages.ROUTES),
        jobs=_jobs(settings, database, security),
        loops=(telling_loop(database),),
        dependencies={"security": security, "desk": DESK, TOKEN_KEYS: OwnKeys(database, security)},
        on_stop=(security.passwords.close,),
    )


def _jobs(settings: Settings, database: Database, security: Security) -> tuple[Job, ...]:
    """When they run is business time; what they find due is decided by the machine's clock."""

    async def rotate(_due_at: datetime) -> None:
        async with database.transaction() as session:
            await rotate_when_due(session, security)

    async def clean(_due_at: datetime) -> None:
        async with database.transaction() as session:
            await purge(session, security)

    nightly = daily(NIGHT, settings.zone)
    return Job("rotate_signing_key", nightly, rotate), Job("purge", nightly, clean)
