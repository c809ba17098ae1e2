"""What billing does unasked: a line for each thing, by its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner, bulk_loop
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.loops import Loop
from chassis.schedule import Job, daily
from chassis.service import Measure
from services.billing.certifying import Certifier
from services.billing.closing import CloseRunner
from services.billing.collecting import PromiseJudge
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
from services.billing.measures.differences import measure_differences
from services.billing.measures.stripe_events import measure_stripe_events
from services.billing.measures.unrecorded import measure_unrecorded
from services.billing.reconciling import Reconciler
from services.billing.rendering import Renderer
from services.billing.settings import Settings
from services.billing.settling import KeylessSettler, StripeSettler
from services.billing.snapshotting import SnapshotTaker
from services.billing.stripe_gateway import StripeGateway
from services.billing.telling import AccountTeller
from services.billing.watching import BooksWatch

AFTER_MIDNIGHT = time(0, 10)
"""When what a day leaves behind is looked at: what was under way at its end is in the books by then."""


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to work with. Without a `gateway` there is nobody at Stripe to ask."""

    settings: Settings
    database: Database
    clock: Clock
    telling: TellingRule
    bulk: BulkRunner
    closing: CloseRunner
    gateway: StripeGateway | None
    certifier: Certifier

    @property
    def teller(self) -> AccountTeller:
        return AccountTeller(self.database, self.clock, self.telling, self.settings.account_news_seconds)

    @property
    def watch(self) -> BooksWatch:
        return BooksWatch(self.database, self.clock, self.settings.books_watch_seconds)

    @property
    def renderer(self) -> Renderer:
        return Renderer(self.database, self.clock, self.settings.zone)

    @property
    def promises(self) -> PromiseJudge:
        return PromiseJudge(self.database, self.clock, self.settings.zone)

    @property
    def snapshots(self) -> SnapshotTaker:
        return SnapshotTaker(self.database, self.clock, self.settings.zone)

    @property
    def reconciler(self) -> Reconciler:
        return Reconciler(self.database, self.gateway, self.clock)

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
        Loop("account_news", means.teller.step, hears_commits=False),
        bulk_loop(means.bulk),
        Loop("books_watch", means.watch.step, hears_commits=False),
        Loop("close_runs", means.closing.step, hears_commits=False),
        Loop("documents", means.renderer.step),
        Loop("reconciliation", means.reconciler.step, hears_commits=False),
        *(Loop("stripe_events", settler.step) for settler in means.settlers or (KeylessSettler(means.database),)),
    )


def jobs(means: Means) -> Sequence[Job]:
    settings = means.settings
    asked = daily(settings.stripe_sweep_time, settings.zone)
    compared = daily(settings.stripe_compare_time, settings.zone)
    after_midnight = daily(AFTER_MIDNIGHT, settings.zone)
    of_stripe = (
        job
        for settler in means.settlers
        for job in (
            Job("stripe_sweep", asked, settler.sweep),
            Job("stripe_gaps", asked, settler.fill_gaps),
            Job("reconciliation", compared, means.reconciler.start),
        )
    )
    certified = daily(settings.certificate_time, settings.zone)
    return (
        Job("certificate", certified, means.certifier.nightly),
        Job("promises", after_midnight, means.promises.run),
        Job("receivables_snapshots", after_midnight, means.snapshots.run),
        *of_stripe,
    )


def measures(means: Means) -> Sequence[Measure]:
    return (
        measure_books(means.settings.books_check_seconds),
        measure_certificates(means.clock),
        measure_differences(means.clock),
        measure_held(means.clock),
        measure_unrecorded,
        measure_stripe_events(means.clock),
    )
