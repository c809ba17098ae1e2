"""What intake does unasked: a line for each thing, by its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner, bulk_loop
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.loops import Loop
from chassis.schedule import Job
from services.intake.commands.searching import SearchFiller
from services.intake.consumers import (
    assignments,
    deliveries,
    dispatches,
    invoices,
    messages,
)
from services.intake.settings import Settings


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to work with."""

    settings: Settings
    database: Database
    clock: Clock
    bulk: BulkRunner


CONSUMERS: tuple[Consumer, ...] = (
    assignments.CONSUMER,
    deliveries.CONSUMER,
    dispatches.CONSUMER,
    invoices.CONSUMER,
    messages.CONSUMER,
)


FILL_SEARCH_EVERY = timedelta(minutes=10)


def jobs(means: Means) -> Sequence[Job]:
    return (Job("fill_search", lambda instant: instant + FILL_SEARCH_EVERY, SearchFiller(means.database).run),)


def loops(means: Means) -> Sequence[Loop]:
    return (bulk_loop(means.bulk),)
