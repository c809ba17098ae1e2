"""Who may come into question for a batch of leads: by territory, for all places at once, then as each stands now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, and_, bindparam, case, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import Location
from services.routing.domain.candidate import (
    Candidate,
    Coverage,
    DeliveryHealth,
    Place,
    TerritoryKind,
    WindowCount,
)
from services.routing.domain.standing import Standing
from services.routing.domain.states import AssignmentStatus, BreakerState
from services.routing.domain.windows import Moment, WindowKind
from services.routing.models import Assignment, DeliveryEndpoint, Installer, InstallerAccount, InstallerVersion
from services.routing.queries.arrays import among
from services.routing.queries.counters import Due, counts_of, given_of_late, lock_turns, look_at_turns
from services.routing.queries.public_holidays import holidays_about

Territories = Mapping[Place, Mapping[UUID, Coverage]]
"""Who covers a place, and by what of their territory."""

# Each branch looks into an index, once per state and once per place: no territory is ever read as a whole.
_COVERAGE = text(
    """
    SELECT NULL AS postcode, state, installer_id, 'state' AS kind, state AS matched
    FROM territory_states WHERE state = ANY (:states)
    UNION ALL
    SELECT place.postcode, place.state, hit.installer_id, hit.kind, hit.matched
    FROM unnest(:postcodes, :states_of_postcodes) AS place (postcode, state)
    CROSS JOIN LATERAL (
        SELECT installer_id, 'range' AS kind,
            to_char(lower(postcodes), 'fm0000') || '-' || to_char(upper(postcodes) - 1, 'fm0000') AS matched
        FROM territory_ranges WHERE postcodes @> place.postcode::integer
        UNION ALL
        SELECT installer_id, 'postcode', postcode
        FROM territory_postcodes WHERE postcode = place.postcode
    ) AS hit
    """
).bindparams(*(bindparam(name, type_=ARRAY(Text)) for name in ("states", "postcodes", "states_of_postcodes")))

_SPECIFICITY = {kind: rank for rank, kind in enumerate(TerritoryKind)}


async def territories(session: AsyncSession, locations: Iterable[Location]) -> Territories:
    """For each place of the batch the installers whose territory holds it, of whatever service and status, by id.

    Places of a state that nothing narrower holds share one mapping.
    """
    places = sorted({Place(location.postcode, location.state) for location in locations})
    arrays = {
        "states": sorted({place.state.value for place in places}),
        "postcodes": [place.postcode for place in places],
        "states_of_postcodes": [place.state.value for place in places],
    }
    of_states: dict[str, dict[UUID, Coverage]] = {state: {} for state in arrays["states"]}
    narrower: dict[tuple[str, str], dict[UUID, Coverage]] = {}
    for postcode, state, installer_id, kind, matched in await session.execute(_COVERAGE, arrays):
        found = of_states[state] if postcode is None else narrower.setdefault((postcode, state), {})
        coverage = Coverage(TerritoryKind(kind), matched)
        known = found.get(installer_id)
        if known is None or _SPECIFICITY[coverage.kind] < _SPECIFICITY[known.kind]:
            found[installer_id] = coverage
    of_states = {state: dict(sorted(found.items())) for state, found in of_states.items()}
    return {place: _both(of_states[place.state], narrower.get(place)) for place in places}


def _both(of_state: dict[UUID, Coverage], narrower: dict[UUID, Coverage] | None) -> Mapping[UUID, Coverage]:
    return of_state if narrower is None else dict(sorted((of_state | narrower).items()))


async def standings(
    session: AsyncSession,
    installer_ids: Collection[UUID],
    now: datetime,
    *,
    with_backlog: bool = False,
    only_looks: bool = False,
) -> dict[UUID, Standing]:
    """The installers as they stand at `now`, by id and in id order, with the lock of their counters held unless
    somebody `only_looks`.

    Three statements for any number. Both reads come after the lock: what was read before it could be of the past.
    For leads that have waited it is asked besides what their schedule has given of late.
    """
    if not installer_ids:
        return {}
    due = await (look_at_turns if only_looks else lock_turns)(session, installer_ids)
    rows = await _profiles(session, due)
    moments = {row.profile["time_zone"]: Moment.at(now, row.profile["time_zone"]) for row in rows}
    wanted = [(row.id, window) for row in rows for window in moments[row.profile["time_zone"]].windows.values()]
    counts = await counts_of(session, wanted)
    stand = {row.id: _standing(row, due[row.id], moments[row.profile["time_zone"]], counts, now) for row in rows}
    if with_backlog:
        for installer_id, number in (await given_of_late(session, stand, now)).items():
            stand[installer_id].backlog = number
    return stand


def _standing(
    row: Any, due: Due, moment: Moment, counts: Mapping[tuple[UUID, WindowKind], WindowCount], now: datetime
) -> Standing:
    candidate = Candidate.of_profile(row.id, row.version, row.profile)
    keeps = candidate.home_state if candidate.keeps_public_holidays else None
    return Standing(
        candidate=candidate,
        now=now,
        moment=moment,
        counts={kind: counts[row.id, kind] for kind in moment.windows},
        balance_ppm=due.balance_ppm,
        last_turn=due.last_turn,
        delivery=DeliveryHealth(row.breaker, row.probe_at, row.pending),
        has_credit_hold=row.has_credit_hold,
        holidays=holidays_about(keeps, now.date()) if keeps else (),
    )


_IS_CLOSED = func.coalesce(DeliveryEndpoint.breaker, BreakerState.CLOSED) == BreakerState.CLOSED
_PENDING = (
    select(func.count())
    .where(Assignment.installer_id == Installer.id, Assignment.status == AssignmentStatus.PENDING)
    .correlate(Installer)
    .scalar_subquery()
)
_PROFILES = (
    select(
        Installer.id,
        InstallerVersion.version,
        InstallerVersion.profile,
        func.coalesce(DeliveryEndpoint.breaker, BreakerState.CLOSED).label("breaker"),
        DeliveryEndpoint.probe_at,
        # Only where it matters, so that nobody else's assignments are counted.
        case((_IS_CLOSED, 0), else_=_PENDING).label("pending"),
        func.coalesce(InstallerAccount.credit_hold, False).label("has_credit_hold"),
    )
    .join(
        InstallerVersion,
        and_(InstallerVersion.installer_id == Installer.id, InstallerVersion.version == Installer.version),
    )
    .outerjoin(
        DeliveryEndpoint,
        and_(DeliveryEndpoint.installer_id == Installer.id, DeliveryEndpoint.channel == Installer.channel),
    )
    .outerjoin(InstallerAccount, InstallerAccount.installer_id == Installer.id)
    .order_by(Installer.id)
)


async def _profiles(session: AsyncSession, installer_ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Each as its version in force was kept, and what others say of it: no table of its particulars is read."""
    return (await session.execute(_PROFILES.where(among(Installer.id, installer_ids)))).all()
