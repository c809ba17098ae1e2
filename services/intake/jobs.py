"""What intake does by the clock."""

from datetime import datetime, time, timedelta

from chassis.database import Database
from chassis.schedule import Job, daily
from services.intake.commands.leads.testing import forget_tests
from services.intake.settings import Settings

AT_NIGHT = time(3, 30)


def forget_test_submissions(database: Database, settings: Settings) -> Job:
    kept = timedelta(days=settings.test_requests_days)

    async def forget(due_at: datetime) -> None:
        await forget_tests(database, due_at - kept)

    return Job("forget_test_submissions", daily(AT_NIGHT, settings.zone), forget)
