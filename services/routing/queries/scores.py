"""What installers and regions made of their leads: rolled-up days, and those since the last one as they stand now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    null,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.lists.declaration import NOW, ZONE, Query
from contracts.values import AustralianState
from services.routing.domain.places import POSTCODES
from services.routing.domain.windows import WindowKind
from services.routing.errors import NoSuchInstaller
from services.routing.models import Installer, InstallerAccount
from services.routing.queries.installer_lists import LIMITS, ROWS, TAKEN, works_in

DAYS = 28
"""Of a scorecard, and of what stands beside it to compare with."""

WITH_ACCOUNTS: Query = ROWS.outerjoin(InstallerAccount, InstallerAccount.installer_id == Installer.id)
STANDING = (
    TAKEN[WindowKind.MONTH],
    LIMITS[WindowKind.MONTH],
    func.coalesce(InstallerAccount.outstanding_cents, 0),
    func.coalesce(InstallerAccount.overdue_cents, 0),
)
"""Of an installer of these rows."""

BECAME = """
count(*) FILTER (WHERE given.sent_at < {as_of} AND (given.ended_at IS NULL OR given.ended_at >= {as_of})) AS sent,
count(*) FILTER (WHERE given.status = 'failed' AND given.ended_at < {as_of}) AS failed,
count(*) FILTER (WHERE given.status = 'returned' AND given.ended_at < {as_of}) AS returned,
coalesce(sum(extract(epoch FROM given.sent_at - given.created_at)) FILTER (WHERE given.sent_at < {as_of}), 0)::bigint
    AS seconds,
count(*) FILTER (WHERE given.sent_at < {as_of} AND given.sent_at <= given.created_at + interval '5 minutes') AS within
"""
"""What had become of assignments `given` before an instant: nothing but what was returned changes once it was sent."""

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
        {became}
    FROM assignments given
    JOIN dispatches lead ON lead.lead_id = given.lead_id
    WHERE given.created_at >= {since} AND given.created_at < {before}
    GROUP BY 1, 2, 3
) AS delivered USING (installer_id, day, state)
"""
"""`since` and `before` are SQL of instants, `became` is what came of each day's assignments. By hand only the named are
candidates: no share was due there.
"""

# Whatever the job has not rolled up yet is read as it stands; and of the days before, which are as they stood when the
# last of them was over, what has become of their assignments since.
_FROM = "(SELECT timezone(:zone, (coalesce(max(day) + 1, '2000-01-01'))::timestamp) FROM installer_days)"
_STANDS = BECAME.format(as_of="'infinity'::timestamptz")
_MOVED = f"""
SELECT given.installer_id, timezone(:zone, given.created_at)::date AS day, lead.state,
    0 AS considered, 0 AS eligible, 0 AS chosen, 0::bigint AS entitled_ppm, jsonb_build_object() AS obstacles,
    (count(*) FILTER (WHERE given.status = 'sent') - count(*) FILTER (WHERE given.sent_at < {_FROM}))::int AS sent,
    count(*) FILTER (WHERE given.status = 'failed')::int AS failed,
    count(*) FILTER (WHERE given.status = 'returned')::int AS returned,
    coalesce(sum(extract(epoch FROM given.sent_at - given.created_at)) FILTER (WHERE given.sent_at >= {_FROM}), 0)
        ::bigint AS deliver_seconds_sum,
    count(*) FILTER (WHERE given.sent_at >= {_FROM} AND given.sent_at <= given.created_at + interval '5 minutes')::int
        AS within_5_min
FROM assignments given
JOIN dispatches lead ON lead.lead_id = given.lead_id
WHERE coalesce(given.ended_at, given.sent_at) >= {_FROM} AND given.created_at < {_FROM}
    AND given.created_at >= timezone(:zone, (timezone(:zone, :now)::date - 2 * :days + 1)::timestamp)
GROUP BY 1, 2, 3
"""  # noqa: S608  # our own words
_LEDGER = f"""
SELECT * FROM installer_days WHERE day > timezone(:zone, :now)::date - 2 * :days
UNION ALL ({OF_EACH_DAY.format(since=_FROM, before=":now", became=_STANDS)})
UNION ALL ({_MOVED})
"""  # noqa: S608  # our own words
_IS_NOW = "FILTER (WHERE day > timezone(:zone, :now)::date - :days)"
_WAS = "FILTER (WHERE day <= timezone(:zone, :now)::date - :days AND day > timezone(:zone, :now)::date - 2 * :days)"
_SUMMED = (
    *("considered", "eligible", "chosen", "entitled_ppm", "sent", "failed", "returned"),
    *("deliver_seconds_sum", "within_5_min"),
)
_SUMS = ", ".join(f"coalesce(sum({name}) {_IS_NOW}, 0)::bigint AS {name}" for name in _SUMMED)
_BEFORE = f"coalesce(sum(sent + returned) {_WAS}, 0)::bigint AS before"
_COUNTS = (*_SUMMED, "before")
_BINDS = (NOW, ZONE, bindparam("days", DAYS, type_=Integer))
_ALLOTTED = [(state, each) for state in AustralianState for each in POSTCODES[state]]


def _by(key: str, where: str = "TRUE") -> str:
    return f"SELECT {key}, {_SUMS}, {_BEFORE} FROM ({_LEDGER}) AS each_day WHERE {where} GROUP BY {key}"  # noqa: S608


def _by_installer(where: str = "TRUE", *binds: BindParameter[Any]) -> Subquery:
    summed = text(_by("installer_id", where)).bindparams(*_BINDS, *binds)
    return summed.columns(column("installer_id", Uuid), *(column(name, BigInteger) for name in _COUNTS)).subquery(
        "scores"
    )


SCORES = _by_installer()
"""Of each installer that had anything in the days; bind `now` and `zone`."""
SCORES_OF_ONE = _by_installer("installer_id = :installer_id", bindparam("installer_id", type_=Uuid))
SCORES_IN_STATE = _by_installer("state = :state", bindparam("state", type_=Text))


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


@dataclass(frozen=True, slots=True)
class Standing:
    """What is taken of the caps of the cycle that is now, and what billing is owed; without a cap there is no limit."""

    cap_taken: int
    cap_limit: int | None
    outstanding_cents: int
    overdue_cents: int


async def sums_by_installer(session: AsyncSession, now: datetime, days: int, zone: ZoneInfo) -> dict[UUID, Sums]:
    rows = await session.execute(select(SCORES), {"now": now, "zone": zone.key, "days": days})
    return {row[0]: Sums(*row[1:]) for row in rows}


@dataclass(frozen=True, slots=True)
class Scored:
    """An installer; `works_there` is whether it does in the state that was asked for, None where none was."""

    installer_id: UUID
    name: str
    works_there: bool | None
    standing: Standing
    sums: Sums


def _scored(scores: Subquery, works_there: ColumnElement[Any], *, is_outer: bool = False) -> Select[Any]:
    sums = [func.coalesce(scores.c[name], 0) for name in _COUNTS]
    rows: Select[Any] = WITH_ACCOUNTS.join(scores, scores.c.installer_id == Installer.id, isouter=is_outer)
    return rows.with_only_columns(Installer.id, Installer.name, works_there, *STANDING, *sums)


async def installers(session: AsyncSession, now: datetime, days: int, zone: ZoneInfo) -> list[Scored]:
    """Each that had a lead to be asked for in the days, or in as many before."""
    return await _read(session, _scored(SCORES, null()), {"now": now, "zone": zone.key, "days": days})


async def installer(session: AsyncSession, id_: UUID, now: datetime, days: int, zone: ZoneInfo) -> Scored:
    """Of zeros where it had nothing."""
    query = _scored(SCORES_OF_ONE, null(), is_outer=True).where(Installer.id == id_)
    found = await _read(session, query, {"now": now, "zone": zone.key, "days": days, "installer_id": id_})
    return NoSuchInstaller.unless(next(iter(found), None), "no such installer", installer_id=id_)


async def installers_in(
    session: AsyncSession, state: AustralianState, now: datetime, days: int, zone: ZoneInfo
) -> list[Scored]:
    """Each that works in the state or was asked for a lead of it, by its leads there; its standing is the whole one."""
    works = works_in(state)
    was_asked = SCORES_IN_STATE.c.installer_id.is_not(None)
    query = _scored(SCORES_IN_STATE, works, is_outer=True).where(or_(works, was_asked))
    return await _read(session, query, {"now": now, "zone": zone.key, "days": days, "state": state.value})


async def _read(session: AsyncSession, query: Select[Any], bound: Mapping[str, Any]) -> list[Scored]:
    rows = await session.execute(query, bound)
    return [Scored(row[0], row[1], row[2], Standing(*row[3:7]), Sums(*row[7:])) for row in rows]


_SINCE = "timezone(:zone, (timezone(:zone, :now)::date - :days + 1)::timestamp)"
_ACTIVE = "i.status = 'active'"
_STANDING = ("cap_taken", "cap_limit", "outstanding_cents", "overdue_cents")
BY_REGION = text(
    f"""
    SELECT region.state, coalesce(leads, 0) AS leads, coalesce(served, 0) AS served, coalesce(raised, 0) AS raised,
        coalesce(covering, 0) AS covering, median, coalesce(cap_taken, 0) AS cap_taken, cap_limit,
        coalesce(outstanding_cents, 0) AS outstanding_cents, coalesce(overdue_cents, 0) AS overdue_cents,
        {", ".join(f"coalesce({name}, 0) AS {name}" for name in _COUNTS)}
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
        SELECT state, count(*) FILTER (WHERE {_ACTIVE}) AS covering,
            (sum(c.used + c.reserved) FILTER (WHERE {_ACTIVE} AND i.month_limit IS NOT NULL))::bigint AS cap_taken,
            (sum(i.month_limit) FILTER (WHERE {_ACTIVE}))::bigint AS cap_limit,
            sum(account.outstanding_cents)::bigint AS outstanding_cents,
            sum(account.overdue_cents)::bigint AS overdue_cents
        FROM (
            SELECT state, installer_id FROM territory_states
            UNION SELECT r.state, t.installer_id FROM territory_ranges t
                JOIN unnest(:states, :firsts, :lasts) AS r (state, first, last)
                ON t.postcodes && int4range(r.first, r.last + 1)
            UNION SELECT r.state, t.installer_id FROM territory_postcodes t
                JOIN unnest(:states, :firsts, :lasts) AS r (state, first, last)
                ON t.postcode::int BETWEEN r.first AND r.last
        ) AS told
        JOIN installers i ON i.id = told.installer_id
        LEFT JOIN cap_windows c ON c.installer_id = i.id AND c.kind = 'month'
            AND c.window_start <= :now AND c.window_start > :now - interval '32 days' AND c.window_end > :now
        LEFT JOIN installer_accounts account ON account.installer_id = i.id
        GROUP BY state
    ) AS territory USING (state)
    LEFT JOIN ({_by("state")}) AS scored USING (state)
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
    *(column(name, BigInteger) for name in ("leads", "served", "raised", "covering", "median", *_STANDING, *_COUNTS)),
).subquery("regions")
"""Of every state, also of those in which nothing was; bind `now` and `zone`."""


@dataclass(frozen=True, slots=True)
class Region:
    """What came of a state's leads: `served` are those that somebody got, `covering` the active installers.

    `median_seconds` is the time from receipt to the first delivery. The standing is of the installers that work there:
    the caps of the active ones that have one, and what all of them owe, each whole in every state of its own.
    """

    state: AustralianState
    leads: int
    served: int
    raised: int
    covering: int
    median_seconds: int | None
    standing: Standing
    sums: Sums


async def regions(
    session: AsyncSession,
    now: datetime,
    days: int,
    zone: ZoneInfo,
    states: Sequence[AustralianState] = tuple(AustralianState),
) -> list[Region]:
    """By state, also of those in which nothing was."""
    bound = {"now": now, "zone": zone.key, "days": days, "regions": [state.value for state in states]}
    return [_region(row) for row in await session.execute(BY_REGION, bound)]


def _region(row: Sequence[Any]) -> Region:
    state, leads, served, raised, covering, median, *figures = row
    standing, sums = Standing(*figures[:4]), Sums(*figures[4:])
    return Region(AustralianState(state), leads, served, raised, covering, median, standing, sums)
