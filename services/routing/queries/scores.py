"""What installers and regions made of their leads: rolled-up days, and those since the last one as they stand now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Integer, Text, Uuid, bindparam, column, text
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
_SUMMED = (
    *("considered", "eligible", "chosen", "entitled_ppm", "sent", "failed", "returned"),
    *("deliver_seconds_sum", "within_5_min"),
)
_SUMS = ", ".join(f"coalesce(sum({name}) {_IS_NOW}, 0)::bigint AS {name}" for name in _SUMMED)
_BEFORE = f"coalesce(sum(sent + returned) {_WAS}, 0)::bigint AS before"
_BY = f"SELECT {{key}}, {_SUMS}, {_BEFORE} FROM ({_LEDGER}) AS each_day GROUP BY {{key}}"  # noqa: S608  # our own words
_COUNTS = (*_SUMMED, "before")
_BINDS = (NOW, ZONE, bindparam("days", DAYS, type_=Integer))
_ALLOTTED = [(state, each) for state in AustralianState for each in POSTCODES[state]]
BY_INSTALLER = text(_BY.format(key="installer_id")).bindparams(*_BINDS)
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


_SINCE = ":now - make_interval(hours => 24 * :days)"
BY_REGION = text(
    f"""
    SELECT region.state, coalesce(leads, 0) AS leads, coalesce(served, 0) AS served, coalesce(raised, 0) AS raised,
        coalesce(covering, 0) AS covering, median, {", ".join(f"coalesce({name}, 0) AS {name}" for name in _COUNTS)}
    FROM unnest(:regions) AS region (state)
    LEFT JOIN (
        SELECT state, count(*) AS leads, count(delivered_at) AS served,
            percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM delivered_at - received_at)::bigint)
                FILTER (WHERE delivered_at IS NOT NULL) AS median
        FROM dispatches WHERE created_at >= {_SINCE} AND created_at < :now GROUP BY state
    ) AS lead USING (state)
    LEFT JOIN (
        SELECT lead.state, count(*) AS raised
        FROM dispatch_exceptions item JOIN dispatches lead ON lead.lead_id = item.lead_id
        WHERE item.raised_at >= {_SINCE} AND item.raised_at < :now GROUP BY lead.state
    ) AS item USING (state)
    LEFT JOIN (
        SELECT state, count(DISTINCT told.installer_id) AS covering FROM (
            SELECT state, installer_id FROM territory_states
            UNION SELECT r.state, t.installer_id FROM territory_ranges t
                JOIN unnest(:states, :firsts, :lasts) AS r (state, first, last)
                ON t.postcodes && int4range(r.first, r.last + 1)
            UNION SELECT r.state, t.installer_id FROM territory_postcodes t
                JOIN unnest(:states, :firsts, :lasts) AS r (state, first, last)
                ON t.postcode::int BETWEEN r.first AND r.last
        ) AS told JOIN installers i ON i.id = told.installer_id AND i.status = 'active' GROUP BY state
    ) AS territory USING (state)
    LEFT JOIN ({_BY.format(key="state")}) AS scored USING (state)
    """  # noqa: S608  # our own words
).bindparams(
    *_BINDS,
    bindparam("regions", [state.value for state in AustralianState], type_=ARRAY(Text)),
    bindparam("states", [state.value for state, _ in _ALLOTTED], type_=ARRAY(Text)),
    bindparam("firsts", [int(each.first) for _, each in _ALLOTTED], type_=ARRAY(Integer)),
    bindparam("lasts", [int(each.last) for _, each in _ALLOTTED], type_=ARRAY(Integer)),
)
REGIONS = BY_REGION.columns(
    column("state", Text),
    *(column(name, BigInteger) for name in ("leads", "served", "raised", "covering", "median", *_COUNTS)),
).subquery("regions")
"""Of every state, also of those in which nothing was; bind `now` and `zone`."""


@dataclass(frozen=True, slots=True)
class Region:
    """What came of a state's leads: `served` are those that somebody got, `covering` the active installers.

    `median_seconds` is the time from receipt to the first delivery.
    """

    state: AustralianState
    leads: int
    served: int
    raised: int
    covering: int
    median_seconds: int | None
    sums: Sums


async def regions(session: AsyncSession, now: datetime, days: int, zone: ZoneInfo) -> list[Region]:
    """By state, also of those in which nothing was."""
    rows = await session.execute(BY_REGION, {"now": now, "zone": zone.key, "days": days})
    return [_region(row) for row in rows]


def _region(row: Sequence[Any]) -> Region:
    state, leads, served, raised, covering, median, *sums = row
    return Region(AustralianState(state), leads, served, raised, covering, median, Sums(*sums))
