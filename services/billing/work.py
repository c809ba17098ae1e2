"""What billing does unasked: a line for each thing, by its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner, bulk_loop
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.loops import Loop
from chassis.schedule import Job, daily
from chassis.service import Measure
from services.billing.certifying import Certifier
from services.billing.commands.account_news import TellingRule
from services.billing.commands.adjustments import ApprovalRule
from services.billing.consumers import (
    assignments,
    boards,
    clients,
    installers,
    lead_deeds,
    leads,
    operators,
    payouts,
)
from services.billing.measures.books import measure_books
from services.billing.measures.certificates import measure_certificates
from services.billing.measures.deliveries import measure_held
from services.billing.measures.stripe_events import measure_stripe_events
from services.billing.rendering import Renderer
from services.billing.settings import Settings
from services.billing.settling import StripeSettler
from services.billing.stripe_gateway import StripeGateway
from services.billing.telling import AccountTeller


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to work with. Without a `gateway` there is nobody at Stripe to ask."""

    settings: Settings
    database: Database
    clock: Clock
    telling: TellingRule
    bulk: BulkRunner
    gateway: StripeGateway | None
    certifier: Certifier

    @property
    def teller(self) -> AccountTeller:
        return AccountTeller(self.database, self.clock, self.telling, self.settings.account_news_seconds)

    @property
    def renderer(self) -> Renderer:
        return Renderer(self.database, self.clock, self.settings.zone)

    @property
    def settlers(self) -> Sequence[StripeSettler]:
        return (StripeSettler(self.database, self.gateway, self.clock),) if self.gateway is not None else ()


def consumers(clock: Clock, rule: ApprovalRule) -> tuple[Consumer, ...]:
    return (
        assignments.consumer(clock, rule),
        boards.consumer(clock),
        clients.consumer(clock),
        installers.consumer(clock),
        lead_deeds.consumer(clock, rule),
        leads.CONSUMER,
        operators.CONSUMER,
        payouts.consumer(clock),
    )


def loops(means: Means) -> Sequence[Loop]:
    return (
        Loop("account_news", means.teller.step),
        bulk_loop(means.bulk),
        Loop("documents", means.renderer.step),
        *(Loop("stripe_events", settler.step) for settler in means.settlers),
    )


def jobs(means: Means) -> Sequence[Job]:
    nightly = daily(means.settings.stripe_sweep_time, means.settings.zone)
    certified = daily(means.settings.certificate_time, means.settings.zone)
    return (
        *(Job("stripe_sweep", nightly, settler.sweep) for settler in means.settlers),
        Job("certificate", certified, means.certifier.nightly),
    )


def measures(means: Means) -> Sequence[Measure]:
    return (
        measure_books(means.settings.books_check_seconds),
        measure_certificates(means.clock),
        measure_held(means.clock),
        measure_stripe_events(means.clock),
    )
