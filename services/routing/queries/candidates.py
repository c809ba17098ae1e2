"""Who may come into question for a batch of leads: by territory, for all places at once, then as each stands now."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import AustralianState, Location
from services.routing.domain.eligibility import Candidate, Coverage, Standing, TerritoryKind
from services.routing.domain.windows import Limits, WallClock, days_in_month, windows_at
from services.routing.models import Installer
from services.routing.queries.arrays import among
from services.routing.queries.counters import counts_of, lock_turns


class Place(NamedTuple):
    """What of a location a territory can hold."""

    postcode: str
    state: AustralianState

    @classmethod
    def of(cls, location: Location) -> "Place":
        return cls(location.postcode, location.state)


Territories = Mapping[Place, Mapping[UUID, Coverage]]
"""Who covers a place, and by what of their territory."""

# Each branch is one look into an index per place: no territory is ever read as a whole.
_COVERAGE = text(
    """
    SELECT place.postcode, place.state, hit.installer_id, hit.kind, hit.matched
    FROM unnest(:postcodes, :states) AS place (postcode, state)
    CROSS JOIN LATERAL (
        SELECT installer_id, 'state' AS kind, state AS matched
        FROM territory_states WHERE state = place.state
        UNION ALL
        SELECT installer_id, 'range',
            to_char(lower(postcodes), 'fm0000') || '-' || to_char(upper(postcodes) - 1, 'fm0000')
        FROM territory_ranges WHERE postcodes @> place.postcode::integer
        UNION ALL
        SELECT installer_id, 'postcode', postcode
        FROM territory_postcodes WHERE postcode = place.postcode
    ) AS hit
    """
).bindparams(bindparam("postcodes", type_=ARRAY(Text)), bindparam("states", type_=ARRAY(Text)))

_SPECIFICITY = {kind: rank for rank, kind in enumerate(TerritoryKind)}


async def territories(session: AsyncSession, locations: Iterable[Location]) -> Territories:
    """For each place of the batch the installers whose territory holds it, of whatever service and status."""
    places = sorted({Place.of(location) for location in locations})
    covering: dict[Place, dict[UUID, Coverage]] = {place: {} for place in places}
    if not places:
        return covering
    arrays = {"postcodes": [place.postcode for place in places], "states": [place.state.value for place in places]}
    for hit in await session.execute(_COVERAGE, arrays):
        found = covering[Place(hit.postcode, AustralianState(hit.state))]
        coverage = Coverage(TerritoryKind(hit.kind), hit.matched)
        known = found.get(hit.installer_id)
        if known is None or _SPECIFICITY[coverage.kind] < _SPECIFICITY[known.kind]:
            found[hit.installer_id] = coverage
    return covering


async def standings(session: AsyncSession, installer_ids: Collection[UUID], now: datetime) -> dict[UUID, Standing]:
    """The installers as they stand at `now`, by id and in id order, with the lock of their counters held.

    Three statements for any number. Both reads come after the lock: what was read before it could be of the past.
    """
    if not installer_ids:
        return {}
    turns = await lock_turns(session, installer_ids)
    candidates = await _candidates(session, turns)
    clocks = {name: WallClock.of(name) for name in {c.time_zone for c in candidates}}
    windows = {name: windows_at(now, clock.zone) for name, clock in clocks.items()}
    counts = await counts_of(session, [(c.id, w) for c in candidates for w in windows[c.time_zone].values()])
    return {
        candidate.id: Standing(
            candidate,
            {kind: counts[candidate.id, kind] for kind in windows[candidate.time_zone]},
            candidate.limits.cycle_capacity(days_in_month(now, clocks[candidate.time_zone].zone)),
            turns[candidate.id],
            clocks[candidate.time_zone].is_known,
        )
        for candidate in candidates
    }


async def _candidates(session: AsyncSession, installer_ids: Collection[UUID]) -> list[Candidate]:
    rows = await session.execute(
        select(
            Installer.id,
            Installer.name,
            Installer.version,
            Installer.email,
            Installer.status,
            Installer.services,
            Installer.time_zone,
            Installer.day_limit,
            Installer.week_limit,
            Installer.month_limit,
            Installer.channel,
        )
        .where(among(Installer.id, installer_ids))
        .order_by(Installer.id)
    )
    return [
        Candidate(
            id=row.id,
            name=row.name,
            version=row.version,
            email=row.email,
            status=row.status,
            services=frozenset(row.services),
            time_zone=row.time_zone,
            limits=Limits(row.day_limit, row.week_limit, row.month_limit),
            channel=row.channel,
        )
        for row in rows
    ]
