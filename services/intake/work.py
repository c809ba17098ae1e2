"""What intake does unasked: a line for each thing, by its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner, bulk_loop
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.loops import Loop
from chassis.schedule import Job
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


def jobs(_means: Means) -> Sequence[Job]:
    return ()


def loops(means: Means) -> Sequence[Loop]:
    return (bulk_loop(means.bulk),)
