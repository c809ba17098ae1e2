"""What would have become of the leads of some days: decided one by one, by the same rules as dispatch.

It begins with empty windows and nobody owed anything, with the installers as they are now; whoever is chosen is taken
to have got the lead. So a draft is told beside a control run, which differs from it in the draft alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, NamedTuple, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.values import AustralianState, InstallerStatus, Location
from services.routing.domain.candidate import (
    NO_HISTORY,
    Candidate,
    Coverage,
    History,
    Place,
    TerritoryKind,
    WindowCount,
)
from services.routing.domain.decision import Decision, Request, carry_out, decide
from services.routing.domain.eligibility import Rule
from services.routing.domain.hours import Span
from services.routing.domain.policies import OrderingPolicy
from services.routing.domain.profile import PostcodeRange, Territory
from services.routing.domain.standing import Considered, Standing
from services.routing.domain.windows import Limits, Moment, WallClock, WindowKind

IGNORABLE = (
    Rule.STATUS,
    Rule.PAUSED,
    Rule.SERVICE,
    Rule.DUPLICATE_TO_INSTALLER,
    Rule.HOURS,
    Rule.CREDIT_HOLD,
    Rule.CAP_DAY,
    Rule.CAP_WEEK,
    Rule.CAP_MONTH,
)
"""What a draft may leave out. Candidates come by territory, and none of the others is in a fresh lead's way."""


class Arrival(NamedTuple):
    """A lead as it came. `given_to` is who really got it; `others` are its person's other leads."""

    lead_id: UUID
    service: str
    location: Location
    product: str
    wanted_count: int
    received_at: datetime
    given_to: frozenset[UUID] = frozenset()
    others: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a run reads."""

    candidates: Mapping[UUID, Candidate]
    territories: Mapping[UUID, Territory]
    arrivals: Sequence[Arrival]
    policy: OrderingPolicy = field(default_factory=OrderingPolicy)
    on_hold: frozenset[UUID] = frozenset()
    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)
    waived: frozenset[Rule] = frozenset()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From JSON, as queries/simulations.py has it."""
        profiles = [(UUID(id_), version, profile) for id_, version, profile in told["profiles"]]
        return cls(
            candidates={id_: Candidate.of_profile(id_, version, profile) for id_, version, profile in profiles},
            territories={id_: territory_from(profile["territory"]) for id_, _, profile in profiles},
            arrivals=[_arrival(each) for each in told["arrivals"]],
            policy=OrderingPolicy(**told["policy"]),
            on_hold=frozenset(map(UUID, told["on_hold"])),
            holidays={state: frozenset(map(date.fromisoformat, days)) for state, days in told["holidays"].items()},
        )

    def drafted(self, draft: Mapping[str, Any]) -> Self:
        """The same world under a draft, which is JSON as http/simulations.py takes it."""
        own = {UUID(id_): changes for id_, changes in draft.get("installers", {}).items()}
        percent = draft.get("everyone", {}).get("caps_percent", 100)
        territories = {id_: territory_from(c["territory"]) for id_, c in own.items() if "territory" in c}
        return replace(
            self,
            candidates={id_: _drafted(who, own.get(id_, {}), percent) for id_, who in self.candidates.items()},
            territories={**self.territories, **territories},
            policy=replace(self.policy, **draft.get("ordering", {})),
            waived=frozenset(map(Rule, draft.get("ignore_rules", ()))),
        )


def _arrival(told: Sequence[Any]) -> Arrival:
    lead_id, service, state, postcode, product, wanted_count, received_at, given_to, others = told
    return Arrival(
        UUID(lead_id),
        service,
        Location(suburb="", state=AustralianState(state), postcode=postcode),
        product,
        wanted_count,
        datetime.fromisoformat(received_at),
        frozenset(map(UUID, given_to)),
        tuple(map(UUID, others)),
    )


def territory_from(told: Mapping[str, Any]) -> Territory:
    return Territory(
        frozenset(map(AustralianState, told["states"])),
        tuple(PostcodeRange(each["first"], each["last"]) for each in told["ranges"]),
        frozenset(told["postcodes"]),
    )


def _drafted(who: Candidate, changes: Mapping[str, Any], percent: int) -> Candidate:
    """Its own caps are taken as they are drafted; the percentage is of everybody else's."""
    limits = who.limits
    if "caps" in changes:
        limits = Limits(**changes["caps"])
    elif percent != 100:  # the whole
        limits = Limits(*(None if n is None else n * percent // 100 for n in (limits.day, limits.week, limits.month)))
    more: dict[str, Any] = {name: changes[name] for name in ("share_weight",) if name in changes}
    if "status" in changes:
        more["status"] = InstallerStatus(changes["status"])
    if "services" in changes:
        more["services"] = frozenset(changes["services"])
    if "hours" in changes:
        more["hours"] = None if changes["hours"] is None else tuple(Span(*span) for span in changes["hours"])
    return replace(who, limits=limits, **more)


def simulate(world: World) -> Iterator[Decision]:
    """One decision per arrival, in their order, which is that of their receipt."""
    clocks = _Clocks()
    standings: dict[UUID, Standing] = {}
    had: Had = {}
    covering = _covering(world)
    turns = count(1)
    for arrival in world.arrivals:
        place = Place(arrival.location.postcode, arrival.location.state)
        now = arrival.received_at
        considered = []
        for id_, coverage in covering(place):
            moment = clocks.at(now, world.candidates[id_].time_zone)
            standing = _stand(world, standings, moment, id_, now)
            considered.append(Considered(standing, coverage, _history(had, arrival, id_, world.policy)))
        decision = decide(_request(world, arrival), considered)
        carry_out(decision, turns)
        for other in arrival.others if world.policy.same_person_days else ():
            had.setdefault(other, {}).update((standing.candidate.id, now) for standing in decision.chosen)
        yield decision


def _request(world: World, arrival: Arrival) -> Request:
    return Request(
        arrival.lead_id,
        arrival.service,
        arrival.location,
        arrival.wanted_count,
        arrival.received_at,
        policy=world.policy,
        waived=world.waived,
    )


Had = dict[UUID, dict[UUID, datetime]]
"""Of each lead who has had another of its person, and when last."""
HAD_ANOTHER = History(same_person=1)


def _history(had: Had, arrival: Arrival, installer_id: UUID, policy: OrderingPolicy) -> History:
    """What was given before the policy's time is forgotten."""
    last = had.get(arrival.lead_id, {}).get(installer_id)
    is_known = last is not None and last >= arrival.received_at - timedelta(days=policy.same_person_days)
    return HAD_ANOTHER if is_known else NO_HISTORY


class _Clocks:
    """What the clocks of each zone show at one instant; the windows are one object until the local day is over."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[datetime, ZoneInfo, Moment]] = {}

    def at(self, now: datetime, time_zone: str) -> Moment:
        instant, zone, moment = self._shown.get(time_zone) or (None, WallClock.of(time_zone).zone, None)
        if moment is None or now >= moment.windows[WindowKind.DAY].ends_at:
            moment = Moment.at(now, time_zone)
        elif instant != now:
            moment = replace(moment, local=now.astimezone(zone).replace(tzinfo=None))
        self._shown[time_zone] = (now, zone, moment)
        return moment


def _stand(world: World, standings: dict[UUID, Standing], moment: Moment, id_: UUID, now: datetime) -> Standing:
    """The installer at that instant, with what it has taken so far."""
    standing = standings.get(id_)
    if standing is None:
        who = world.candidates[id_]
        counts = {kind: WindowCount(window) for kind, window in moment.windows.items()}
        holidays = world.holidays.get(who.home_state or "", frozenset()) if who.keeps_public_holidays else frozenset()
        held = id_ in world.on_hold
        standing = standings[id_] = Standing(who, now, moment, counts, has_credit_hold=held, holidays=holidays)
    elif standing.now != now:
        standing.move_to(now, moment)
    return standing


def _covering(world: World) -> Callable[[Place], Sequence[tuple[UUID, Coverage]]]:
    @cache
    def covering(place: Place) -> Sequence[tuple[UUID, Coverage]]:
        found = ((id_, coverage_of(territory, place)) for id_, territory in sorted(world.territories.items()))
        return [(id_, coverage) for id_, coverage in found if coverage is not None]

    return covering


def coverage_of(territory: Territory, place: Place) -> Coverage | None:
    """By the most specific part of the territory that holds the place."""
    if place.postcode in territory.postcodes:
        return Coverage(TerritoryKind.POSTCODE, place.postcode)
    held = next((r for r in territory.ranges if r.first <= place.postcode <= r.last), None)
    if held is not None:
        return Coverage(TerritoryKind.RANGE, f"{held.first}-{held.last}")
    if place.state in territory.states:
        return Coverage(TerritoryKind.STATE, place.state)
    return None


def chosen_in(decision: Decision) -> frozenset[UUID]:
    return frozenset(standing.candidate.id for standing in decision.chosen)


def paired(control: World, draft: World) -> Iterable[tuple[Arrival, Decision, Decision]]:
    """Both runs side by side, so that neither is held in memory."""
    return zip(control.arrivals, simulate(control), simulate(draft), strict=True)
