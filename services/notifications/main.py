"""The composition root of notifications."""

from datetime import time

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner, bulk_loop
from chassis.database import Database
from chassis.loops import Loop
from chassis.schedule import Job, daily
from chassis.service import Service, clock_of, database_of
from services.notifications import pages
from services.notifications.consumers import Consumers
from services.notifications.http import ROUTES
from services.notifications.measures import measure_mail
from services.notifications.pages.desk import desk_of
from services.notifications.rendering import House, Renderer
from services.notifications.retention import Retention
from services.notifications.sender import Sender, SenderParts
from services.notifications.settings import Settings
from services.notifications.smtp_gateway import AiosmtplibGateway, SmtpGateway

ERASE_AT = time(3, 30)


def build(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    database: Database | None = None,
    gateway: SmtpGateway | None = None,
) -> Service:
    """The service from the environment; tests give what they want to hold in their hands."""
    settings = settings or Settings()
    clock = clock or clock_of(settings)
    database = database or database_of("notifications", settings)
    gateway = gateway or smtp_gateway_of(settings)
    renderer = Renderer(house_of(settings))
    sender = Sender(SenderParts(database, clock, settings, gateway, renderer))
    bulk = BulkRunner(database, clock, pages.LISTINGS)
    retention = Retention(database, clock, settings.content_retention_days)

    def wake() -> None:
        sender.wake()
        service.wake_loops()

    service = Service(
        name="notifications",
        settings=settings,
        clock=clock,
        database=database,
        routes=(*ROUTES, *pages.ROUTES),
        dependencies={"renderer": renderer, "bulk": bulk, "desk": desk_of(settings.zone)},
        consumers=Consumers(clock, settings, wake).all(),
        loops=(Loop("sender", sender.step), bulk_loop(bulk)),
        measures=(measure_mail(clock, settings.zone),),
        jobs=(Job("erase-contents", daily(ERASE_AT, settings.zone), retention.run),),
        on_stop=(sender.close,),
    )
    return service


def smtp_gateway_of(settings: Settings) -> AiosmtplibGateway:
    return AiosmtplibGateway(
        connections=settings.smtp_connections,
        timeout_seconds=settings.smtp_timeout_seconds,
        local_hostname=settings.mail_domain,
    )


def house_of(settings: Settings) -> House:
    return House(
        brand=settings.mail_from_name,
        support_address=settings.support_address,
        zone=settings.zone,
        payment_instructions=settings.payment_instructions,
    )
