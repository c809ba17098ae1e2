"""What installers and regions made of their leads: rolled-up days, and those since the last one as they stand now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, DateTime, Integer, Text, Uuid, bindparam, column, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.lists.declaration import NOW, ZONE
from contracts.values import AustralianState
from services.routing.domain.places import POSTCODES

DAYS = 28
"""Of a scorecard, and of what stands beside it to compare with."""

OF_EACH_DAY = """
SELECT installer_id, day, state,
    coalesce(considered, 0)::int AS considered, coalesce(eligible, 0)::int AS eligible,
    coalesce(chosen, 0)::int AS chosen, coalesce(entitled_ppm, 0)::bigint AS entitled_ppm,
    coalesce(obstacles, jsonb_build_object()) AS obstacles,
    coalesce(sent, 0)::int AS sent, coalesce(failed, 0)::int AS failed, coalesce(returned, 0)::int AS returned,
    coalesce(seconds, 0)::bigint AS deliver_seconds_sum, coalesce(within, 0)::int AS within_5_min
FROM (
    SELECT installer_id, day, state, sum(n) AS considered,
        sum(n) FILTER (WHERE outcome IN ('chosen', 'eligible')) AS eligible,
        sum(n) FILTER (WHERE outcome = 'chosen') AS chosen, sum(ppm) AS entitled_ppm,
        jsonb_object_agg(outcome, n) FILTER (WHERE outcome NOT IN ('chosen', 'eligible')) AS obstacles
    FROM (
        SELECT told.installer_id, timezone(:zone, made.decided_at)::date AS day, lead.state, told.outcome,
            count(*) AS n, sum(told.ppm) AS ppm
        FROM decisions made
        JOIN dispatches lead ON lead.lead_id = made.lead_id
        CROSS JOIN LATERAL unnest(made.candidate_ids, made.outcomes, made.entitled_ppm)
            AS told (installer_id, outcome, ppm)
        WHERE made.trigger <> 'by_hand' AND made.decided_at >= {since} AND made.decided_at < {before}
        GROUP BY 1, 2, 3, 4
    ) AS counted
    GROUP BY 1, 2, 3
) AS decided
FULL JOIN (
    SELECT given.installer_id, timezone(:zone, given.created_at)::date AS day, lead.state,
        count(*) FILTER (WHERE given.status = 'sent') AS sent,
        count(*) FILTER (WHERE given.status = 'failed') AS failed,
        count(*) FILTER (WHERE given.status = 'returned') AS returned,
        sum(extract(epoch FROM given.sent_at - given.created_at))::bigint AS seconds,
        count(*) FILTER (WHERE given.sent_at <= given.created_at + interval '5 minutes') AS within
    FROM assignments given
    JOIN dispatches lead ON lead.lead_id = given.lead_id
    WHERE given.created_at >= {since} AND given.created_at < {before}
    GROUP BY 1, 2, 3
) AS delivered USING (installer_id, day, state)
"""
"""`since` and `before` are SQL of instants. By hand only the named are candidates: no share was due there."""

# Whatever the job has not rolled up yet is read as it stands.
_FROM = "(SELECT timezone(:zone, (coalesce(max(day) + 1, '2000-01-01'))::timestamp) FROM installer_days)"
_LEDGER = f"""
SELECT * FROM installer_days WHERE day > timezone(:zone, :now)::date - 2 * :days
UNION ALL ({OF_EACH_DAY.format(since=_FROM, before=":now")})
"""  # noqa: S608  # our own words
_IS_NOW = "FILTER (WHERE day > timezone(:zone, :now)::date - :days)"
_WAS = "FILTER (WHERE day <= timezone(:zone, :now)::date - :days AND day > timezone(:zone, :now)::date - 2 * :days)"
_SUMS = ", ".join(
    f"coalesce(sum({name}) {_IS_NOW}, 0)::bigint AS {name}"
    for name in (
        *("considered", "eligible", "chosen", "entitled_ppm", "sent", "failed", "returned"),
        *("deliver_seconds_sum", "within_5_min"),
    )
)
_BEFORE = f"coalesce(sum(sent + returned) {_WAS}, 0)::bigint AS before"
_BY = f"SELECT {{key}}, {_SUMS}, {_BEFORE} FROM ({_LEDGER}) AS each_day GROUP BY {{key}}"  # noqa: S608  # our own words
_COUNTS = (
    *("considered", "eligible", "chosen", "entitled_ppm", "sent", "failed", "returned"),
    *("deliver_seconds_sum", "within_5_min", "before"),
)
_BINDS = (NOW, ZONE, bindparam("days", DAYS, type_=Integer))
BY_INSTALLER = text(_BY.format(key="installer_id")).bindparams(*_BINDS)
BY_REGION = text(_BY.format(key="state")).bindparams(*_BINDS)
SCORES = BY_INSTALLER.columns(column("installer_id", Uuid), *(column(name, BigInteger) for name in _COUNTS)).subquery(
    "scores"
)
"""Of each installer that had anything in the days; bind `now` and `zone`."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some days: `before` is what was delivered in as many days before them."""

    considered: int = 0
    eligible: int = 0
    chosen: int = 0
    entitled_ppm: int = 0
    sent: int = 0
    failed: int = 0
    returned: int = 0
    deliver_seconds_sum: int = 0
    within_5_min: int = 0
    before: int = 0


async def sums_by_installer(session: AsyncSession, now: datetime, days: int, zone: ZoneInfo) -> dict[UUID, Sums]:
    rows = await session.execute(BY_INSTALLER, {"now": now, "zone": zone.key, "days": days})
    return {row[0]: Sums(*row[1:]) for row in rows}


async def sums_by_region(
    session: AsyncSession, now: datetime, days: int, zone: ZoneInfo
) -> dict[AustralianState, Sums]:
    rows = await session.execute(BY_REGION, {"now": now, "zone": zone.key, "days": days})
    return {AustralianState(row[0]): Sums(*row[1:]) for row in rows}


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """Of a state in some days: its leads, those somebody got, items raised, who may get leads there, and the median of
    the time from receipt to the first delivery, in seconds.
    """

    state: AustralianState
    leads: int
    delivered: int
    exceptions: int
    covering: int
    median_seconds: int | None


_REGIONS = text(
    """
    SELECT lead.state, count(*) AS leads, count(lead.delivered_at) AS delivered,
        (SELECT count(*) FROM dispatch_exceptions item JOIN dispatches of ON of.lead_id = item.lead_id
          WHERE of.state = lead.state AND item.raised_at >= :since AND item.raised_at < :now) AS exceptions,
        percentile_disc(0.5) WITHIN GROUP (
            ORDER BY extract(epoch FROM lead.delivered_at - lead.received_at)::bigint
        ) FILTER (WHERE lead.delivered_at IS NOT NULL) AS median
    FROM dispatches lead WHERE lead.created_at >= :since AND lead.created_at < :now GROUP BY lead.state
    """
).bindparams(bindparam("since", type_=DateTime(timezone=True)), bindparam("now", type_=DateTime(timezone=True)))
_COVERING = text(
    """
    SELECT state, count(DISTINCT told.installer_id) FROM (
        SELECT state, installer_id FROM territory_states
        UNION SELECT r.state, t.installer_id FROM territory_ranges t
            JOIN unnest(:states, :firsts, :lasts) AS r (state, first, last)
            ON t.postcodes && int4range(r.first, r.last + 1)
        UNION SELECT r.state, t.installer_id FROM territory_postcodes t
            JOIN unnest(:states, :firsts, :lasts) AS r (state, first, last)
            ON t.postcode::int BETWEEN r.first AND r.last
    ) AS told JOIN installers i ON i.id = told.installer_id AND i.status = 'active' GROUP BY state
    """
)


async def regions(session: AsyncSession, since: datetime, now: datetime) -> list[RegionFacts]:
    """By state, also of those in which nothing was."""
    found = {row.state: row for row in await session.execute(_REGIONS, {"since": since, "now": now})}
    covering = await _covering(session)
    return [_region(state, found.get(state), covering.get(state, 0)) for state in AustralianState]


def _region(state: AustralianState, row: object, covering: int) -> RegionFacts:
    if row is None:
        return RegionFacts(state, 0, 0, 0, covering, None)
    leads, delivered, exceptions, median = (getattr(row, n) for n in ("leads", "delivered", "exceptions", "median"))
    return RegionFacts(state, leads, delivered, exceptions, covering, median)


async def _covering(session: AsyncSession) -> dict[str, int]:
    ranges: Sequence[tuple[str, int, int]] = [
        (state.value, int(each.first), int(each.last)) for state in AustralianState for each in POSTCODES[state]
    ]
    bound = _COVERING.bindparams(
        bindparam("states", [each[0] for each in ranges], type_=ARRAY(Text)),
        bindparam("firsts", [each[1] for each in ranges], type_=ARRAY(Integer)),
        bindparam("lasts", [each[2] for each in ranges], type_=ARRAY(Integer)),
    )
    return {row[0]: row[1] for row in await session.execute(bound)}
