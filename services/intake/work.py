"""What intake does unasked: a line for each thing, by its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.clock import Clock
from chassis.console.bulk.running import BulkRunner, bulk_loop
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.loops import Loop
from chassis.schedule import Job
from chassis.service import Measure
from services.intake.commands import escalating, giving_on
from services.intake.commands.filling import FILLS, Filler
from services.intake.commands.screening import Screener
from services.intake.consumers import (
    assignments,
    deliveries,
    dispatches,
    invoices,
    messages,
    operators,
)
from services.intake.jobs import forget_source_rejections, forget_test_submissions
from services.intake.measures import measure_screening
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
    operators.CONSUMER,
)


def jobs(means: Means) -> Sequence[Job]:
    async def escalate(due_at: datetime) -> None:
        await escalating.escalate(means.database, due_at)

    async def give_on(due_at: datetime) -> None:
        await giving_on.give_on(means.database, due_at)

    return (
        Job("escalate", each_minute, escalate),
        Job("give_on", each_minute, give_on),
        forget_source_rejections(means.database, means.settings),
        forget_test_submissions(means.database, means.settings),
    )


def each_minute(instant: datetime) -> datetime:
    """On the minute."""
    return instant.replace(second=0, microsecond=0) + timedelta(minutes=1)


SCREEN_IDLE_SECONDS = (0.05, 0.25)
"""Where the requests are another process's, a lead waits for a look: a person may be waiting at the other end."""


def loops(means: Means) -> Sequence[Loop]:
    return (
        bulk_loop(means.bulk),
        *(
            Loop(f"fill_{fill.name}", Filler(means.database, means.clock, fill).step, hears_commits=False)
            for fill in FILLS
        ),
        Loop("screen", Screener(means.database, means.clock).step, SCREEN_IDLE_SECONDS),
    )


def measures(means: Means) -> Sequence[Measure]:
    return (measure_screening(means.clock),)
