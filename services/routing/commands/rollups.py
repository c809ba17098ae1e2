"""Each night the days that are over are rolled up for the scorecards, in one transaction: all of them or none."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Date, DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database, locked_by_name
from chassis.schedule import Job, daily
from services.routing.queries.scores import OF_EACH_DAY

ROLL_UP_AT = time(0, 30)
MADE_ANEW_DAYS = 3
"""What came late, as from a worker that was away, is in them."""
FOLLOWED_DAYS = 60
"""So long what was given may still be returned."""

_NEWEST = text("SELECT max(day) FROM installer_days")
_FIRST = text("SELECT timezone(:zone, min(decided_at))::date FROM decisions WHERE candidate_ids IS NOT NULL")
_DELETE = text("DELETE FROM installer_days WHERE day >= :first")
_INSERT = text(
    """
    INSERT INTO installer_days (installer_id, day, state, considered, eligible, chosen, entitled_ppm, obstacles, sent,
        failed, returned, deliver_seconds_sum, within_5_min)
    """
    + OF_EACH_DAY.format(since="timezone(:zone, (:first)::timestamp)", before="timezone(:zone, (:today)::timestamp)")
).bindparams(bindparam("first", type_=Date), bindparam("today", type_=Date))
_FOLLOW = text(
    """
    UPDATE installer_days SET sent = became.sent, failed = became.failed, returned = became.returned,
        deliver_seconds_sum = became.seconds, within_5_min = became.within
    FROM (
        SELECT given.installer_id, timezone(:zone, given.created_at)::date AS day, lead.state,
            count(*) FILTER (WHERE given.status = 'sent') AS sent,
            count(*) FILTER (WHERE given.status = 'failed') AS failed,
            count(*) FILTER (WHERE given.status = 'returned') AS returned,
            coalesce(sum(extract(epoch FROM given.sent_at - given.created_at)), 0)::bigint AS seconds,
            count(*) FILTER (WHERE given.sent_at <= given.created_at + interval '5 minutes') AS within
        FROM assignments given JOIN dispatches lead ON lead.lead_id = given.lead_id
        WHERE given.created_at >= :since AND given.created_at < :before GROUP BY 1, 2, 3
    ) AS became
    WHERE installer_days.installer_id = became.installer_id AND installer_days.day = became.day
        AND installer_days.state = became.state
        AND (installer_days.sent, installer_days.failed, installer_days.returned)
            IS DISTINCT FROM (became.sent, became.failed, became.returned)
    """
).bindparams(bindparam("since", type_=DateTime(timezone=True)), bindparam("before", type_=DateTime(timezone=True)))


async def roll_up(session: AsyncSession, now: datetime, zone: ZoneInfo) -> None:
    """All days before today: the last few anew, those that no run has reached yet, and of older ones what came back."""
    await locked_by_name(session, "roll_up_days")
    today = now.astimezone(zone).date()
    newest = await session.scalar(_NEWEST)
    first = today - timedelta(days=MADE_ANEW_DAYS)
    begun = await session.scalar(_FIRST, {"zone": zone.key}) if newest is None else newest + timedelta(days=1)
    first = min(first, begun) if begun is not None else first
    await session.execute(_DELETE, {"first": first})
    await session.execute(_INSERT, {"zone": zone.key, "first": first, "today": today})
    start = datetime.combine(first, time(), zone)
    since = start - timedelta(days=FOLLOWED_DAYS)
    await session.execute(_FOLLOW, {"zone": zone.key, "since": since, "before": start})


def roll_up_days(database: Database, zone: ZoneInfo) -> Job:
    async def run(due_at: datetime) -> None:
        async with database.transaction() as session:
            await roll_up(session, due_at, zone)

    return Job("roll-up-days", daily(ROLL_UP_AT, zone), run)
