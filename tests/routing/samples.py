"""Candidates for the rules, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from chassis.ids import new_id
from contracts.values import AustralianState, InstallerStatus, Location
from services.routing.domain.candidate import (
    Candidate,
    Coverage,
    DeliveryHealth,
    History,
    TerritoryKind,
    Turn,
    WindowCount,
)
from services.routing.domain.decision import Decision, Request, carry_out, decide
from services.routing.domain.eligibility import CAPS, WAIVED_BY_HAND
from services.routing.domain.hours import Span
from services.routing.domain.inputs import Inputs
from services.routing.domain.policies import OrderingPolicy
from services.routing.domain.standing import Considered, Standing
from services.routing.domain.states import AbsenceKind, BreakerState, Trigger
from services.routing.domain.versions import Away
from services.routing.domain.windows import Limits, Moment

NOW = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)
SERVICE = "solar-battery"
HERE = Location(suburb="Marrickville", state=AustralianState.NSW, postcode="2204")
INSTANTS = st.integers(1_100_000_000, 2_100_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
"""From 2004 to 2036, over every turn of the clocks in between."""
COVERED = Coverage(TerritoryKind.STATE, "NSW")


def candidate(limits: Limits | None = None, **changes: Any) -> Candidate:
    given: dict[str, Any] = {
        "id": new_id(),
        "name": "Southern Sun Solar",
        "version": 1,
        "email": "leads@southernsun.example",
        "status": InstallerStatus.ACTIVE,
        "services": frozenset({SERVICE}),
        "time_zone": "Australia/Sydney",
        "limits": limits or Limits(),
        **changes,
    }
    return Candidate(**given)


def standing_of(who: Candidate, *, taken: int = 0, now: datetime = NOW, **facts: Any) -> Standing:
    """A candidate that has `taken` leads in each of its windows of now."""
    moment = Moment.at(now, who.time_zone)
    counts = {kind: WindowCount(window, used=taken) for kind, window in moment.windows.items()}
    return Standing(who, now, moment, counts, **facts)


def standing(
    limits: Limits | None = None, *, taken: int = 0, last_turn: Turn | None = None, balance_ppm: int = 0, **changes: Any
) -> Standing:
    return standing_of(candidate(limits, **changes), taken=taken, last_turn=last_turn, balance_ppm=balance_ppm)


def request(wanted_count: int = 1, lead_id: UUID | None = None, **changes: Any) -> Request:
    return Request(lead_id or new_id(), SERVICE, HERE, wanted_count, **{"decided_at": NOW, **changes})


def decided(wanted: Request, *candidates: Standing) -> Decision:
    return decide(wanted, [Considered(each, COVERED) for each in candidates])


def give_out(those: list[Standing], wanted: list[Request]) -> list[Decision]:
    """A batch as dispatch runs it: each lead sees what the ones before it took."""
    places = count(1)
    decisions = []
    for each in wanted:
        decision = decided(each, *those)
        carry_out(decision, places)
        decisions.append(decision)
    return decisions


ZONES = st.sampled_from(["Australia/Sydney", "Australia/Perth", "Australia/Lord_Howe", "Mars/Olympus"])
CAP = st.none() | st.integers(0, 6)
LIMITS = st.builds(Limits, day=CAP, week=CAP, month=CAP)
HOURS = st.none() | st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440))
    .filter(lambda span: span[1] < span[2])
    .map(lambda span: Span(*span)),
    max_size=5,
).map(tuple)
NEARBY = st.integers(-400, 400).map(lambda hours: NOW + timedelta(hours=hours))
ABSENCES = st.lists(st.builds(Away, NEARBY, st.none() | NEARBY, st.sampled_from(AbsenceKind)), max_size=2).map(tuple)
STATES = st.sampled_from(AustralianState)
CANDIDATES = st.builds(
    candidate,
    LIMITS,
    id=st.uuids(),
    name=st.text(min_size=1, max_size=12),
    version=st.integers(1, 99),
    status=st.sampled_from([*InstallerStatus, *[InstallerStatus.ACTIVE] * 3]),
    services=st.sampled_from([frozenset({SERVICE}), frozenset({SERVICE, "roofing"}), frozenset({"roofing"})]),
    time_zone=ZONES,
    share_weight=st.none() | st.integers(1, 1_000),
    hours=HOURS,
    home_state=STATES,
    keeps_public_holidays=st.booleans(),
    absences=ABSENCES,
)
TURNS = st.none() | st.builds(Turn, st.just(NOW - timedelta(days=1)), st.integers(1, 9))
DELIVERIES = st.just(DeliveryHealth()) | st.builds(
    DeliveryHealth, st.sampled_from(BreakerState), NEARBY, st.integers(0, 2)
).map(lambda health: DeliveryHealth() if health.breaker is BreakerState.CLOSED else health)
COVERAGES = st.sampled_from([COVERED, COVERED, Coverage(TerritoryKind.RANGE, "2000-2234"), None])
HISTORIES = st.just(History()) | st.builds(History, *[st.integers(0, 1)] * 4)


@st.composite
def considered(draw: st.DrawFn) -> Considered:
    """Anybody, in any state of its cycle, its delivery and its history with the lead."""
    who = draw(CANDIDATES)
    keeps = who.keeps_public_holidays
    stand = standing_of(
        who,
        taken=draw(st.integers(0, 4)),
        balance_ppm=draw(st.integers(-3_000_000, 3_000_000)),
        last_turn=draw(TURNS),
        delivery=draw(DELIVERIES),
        has_credit_hold=draw(st.booleans()) and draw(st.booleans()),
        backlog=draw(st.integers(0, 6)),
        holidays=_HOLIDAYS.get(who.home_state or AustralianState.NSW, ()) if keeps else (),
    )
    return Considered(stand, draw(COVERAGES), draw(HISTORIES))


_HOLIDAYS = {AustralianState.VIC: (date(2026, 3, 9),), AustralianState.NSW: (date(2026, 3, 3),)}
REQUESTS = st.builds(
    request,
    st.sampled_from([1, 3]),
    st.uuids(),
    trigger=st.sampled_from(Trigger),
    waived=st.sampled_from([frozenset(), frozenset(), WAIVED_BY_HAND, WAIVED_BY_HAND | CAPS]),
    policy=st.builds(OrderingPolicy, st.integers(1, 4), st.integers(1, 6), st.just(90)),
    policy_version=st.integers(1, 9),
)
WORLDS = st.builds(
    Inputs, REQUESTS, st.lists(considered(), max_size=6, unique_by=lambda each: each.standing.candidate.id)
)
"""All that one decision is made from."""


def renamed(who: Candidate, name: str) -> Candidate:
    return replace(who, name=name)
