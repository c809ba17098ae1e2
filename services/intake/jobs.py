"""What intake does by the clock."""

from datetime import datetime, time, timedelta

from chassis.database import Database
from chassis.schedule import Job, daily
from services.intake.commands.leads.testing import forget_tests
from services.intake.commands.rejections import forget_rejections
from services.intake.settings import Settings

AT_NIGHT = time(3, 30)
REJECTIONS_KEPT = timedelta(days=400)
"""Counts without a person: a month can be held against the same of the year before."""


def forget_test_submissions(database: Database, settings: Settings) -> Job:
    kept = timedelta(days=settings.test_requests_days)

    async def forget(due_at: datetime) -> None:
        await forget_tests(database, due_at - kept)

    return Job("forget_test_submissions", daily(AT_NIGHT, settings.zone), forget)


def forget_source_rejections(database: Database, settings: Settings) -> Job:
    async def forget(due_at: datetime) -> None:
        async with database.transaction() as session:
            await forget_rejections(session, due_at - REJECTIONS_KEPT)

    return Job("forget_source_rejections", daily(AT_NIGHT, settings.zone), forget)
