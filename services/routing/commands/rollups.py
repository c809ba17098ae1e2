"""Each night the days that are over are rolled up for the scorecards, in one transaction: all of them or none."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Date, DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database, locked_by_name
from chassis.schedule import Job, daily
from services.routing.queries.scores import BECAME, OF_EACH_DAY

ROLL_UP_AT = time(0, 30)
MADE_ANEW_DAYS = 3
"""What came late, as from a worker that was away, is in them."""
FOLLOWED_DAYS = 60
"""So long what was given may still be returned."""

_NEWEST = text("SELECT max(day) FROM installer_days")
_FIRST = text("SELECT timezone(:zone, min(decided_at))::date FROM decisions WHERE candidate_ids IS NOT NULL")
_DELETE = text("DELETE FROM installer_days WHERE day >= :first")
_TODAY = "timezone(:zone, (:today)::timestamp)"
_INSERT = text(
    """
    INSERT INTO installer_days (installer_id, day, state, considered, eligible, chosen, entitled_ppm, obstacles, sent,
        failed, returned, deliver_seconds_sum, within_5_min)
    """
    + OF_EACH_DAY.format(
        since="timezone(:zone, (:first)::timestamp)", before=_TODAY, became=BECAME.format(as_of=_TODAY)
    )
).bindparams(bindparam("first", type_=Date), bindparam("today", type_=Date))
# A lead that was given back may be of another state since: its old day has one less, and the other may not be there.
_FOLLOW = text(
    f"""
    WITH became AS (
        SELECT given.installer_id, timezone(:zone, given.created_at)::date AS day, lead.state,
            {BECAME.format(as_of=":before")}
        FROM assignments given JOIN dispatches lead ON lead.lead_id = given.lead_id
        WHERE given.created_at >= :since AND given.created_at < :before GROUP BY 1, 2, 3
    ), stands AS (
        SELECT told.installer_id, told.day, told.state, coalesce(became.sent, 0) AS sent,
            coalesce(became.failed, 0) AS failed, coalesce(became.returned, 0) AS returned,
            coalesce(became.seconds, 0) AS seconds, coalesce(became.within, 0) AS within
        FROM installer_days told LEFT JOIN became USING (installer_id, day, state)
        WHERE told.day >= timezone(:zone, :since)::date AND told.day < timezone(:zone, :before)::date
    ), followed AS (
        UPDATE installer_days SET sent = stands.sent, failed = stands.failed, returned = stands.returned,
            deliver_seconds_sum = stands.seconds, within_5_min = stands.within
        FROM stands
        WHERE installer_days.installer_id = stands.installer_id AND installer_days.day = stands.day
            AND installer_days.state = stands.state
            AND (installer_days.sent, installer_days.failed, installer_days.returned,
                    installer_days.deliver_seconds_sum, installer_days.within_5_min)
                IS DISTINCT FROM (stands.sent, stands.failed, stands.returned, stands.seconds, stands.within)
    )
    INSERT INTO installer_days (installer_id, day, state, considered, eligible, chosen, entitled_ppm, obstacles, sent,
        failed, returned, deliver_seconds_sum, within_5_min)
    SELECT installer_id, day, state, 0, 0, 0, 0, jsonb_build_object(), sent, failed, returned, seconds, within
    FROM became
    ON CONFLICT DO NOTHING
    """  # noqa: S608  # our own words
).bindparams(bindparam("since", type_=DateTime(timezone=True)), bindparam("before", type_=DateTime(timezone=True)))


async def roll_up(session: AsyncSession, now: datetime, zone: ZoneInfo) -> None:
    """All days before today: the last few anew, and those that no run has reached yet; of all of them what they came to
    by the end of the newest. What has moved since is read beside them.
    """
    await locked_by_name(session, "roll_up_days")
    today = now.astimezone(zone).date()
    newest = await session.scalar(_NEWEST)
    first = today - timedelta(days=MADE_ANEW_DAYS)
    begun = await session.scalar(_FIRST, {"zone": zone.key}) if newest is None else newest + timedelta(days=1)
    first = min(first, begun) if begun is not None else first
    await session.execute(_DELETE, {"first": first})
    await session.execute(_INSERT, {"zone": zone.key, "first": first, "today": today})
    # Readers know by the newest day until when the figures are told: of days without a lead there is no row.
    told = await session.scalar(_NEWEST)
    if told is not None:
        before = datetime.combine(told + timedelta(days=1), time(), zone)
        since = datetime.combine(first, time(), zone) - timedelta(days=FOLLOWED_DAYS)
        await session.execute(_FOLLOW, {"zone": zone.key, "since": since, "before": before})


def roll_up_days(database: Database, zone: ZoneInfo) -> Job:
    async def run(due_at: datetime) -> None:
        async with database.transaction() as session:
            await roll_up(session, due_at, zone)

    return Job("roll-up-days", daily(ROLL_UP_AT, zone), run)
