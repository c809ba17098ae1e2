"""All that a decision was made from, as it is kept: with the profiles of the installers it makes the same one again.

A profile is kept once per version, so of each candidate its version is told, and beside it what moves by itself: its
windows, what it is owed, its delivery, what it has had of the lead. No person is named.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, Self
from uuid import UUID

from contracts.values import AustralianState, Location
from services.routing.domain.candidate import (
    Candidate,
    Coverage,
    DeliveryHealth,
    History,
    TerritoryKind,
    Turn,
    WindowCount,
)
from services.routing.domain.decision import Request
from services.routing.domain.eligibility import RULE_SET_VERSION, Rule, compact, instant_text
from services.routing.domain.offsets import Leap, Offsets
from services.routing.domain.policies import OrderingPolicy, body_of
from services.routing.domain.standing import Considered, Standing
from services.routing.domain.states import BreakerState, Trigger
from services.routing.domain.windows import Moment, WallClock, Window, WindowKind, offsets_ahead

FORMAT = 2
"""Of 1 the clocks do not tell how far they were ahead of UTC: whoever reads it asks the time zone database of today."""

Profiles = Mapping[tuple[UUID, int], Candidate]
"""By installer and version."""


class ProfileMissing(Exception):
    """A decision names a version of an installer that was not kept."""


class Inputs(NamedTuple):
    request: Request
    candidates: Sequence[Considered]

    def to_text(self) -> str:
        """One line of JSON; the candidates as arrays, in the order of `_candidate`."""
        standings = [considered.standing for considered in self.candidates]
        clocks = {s.candidate.time_zone: s.moment for s in standings}
        holidays = {s.candidate.home_state: s.holidays for s in standings if s.holidays and s.candidate.home_state}
        head = {
            "format": FORMAT,
            "rule_set": RULE_SET_VERSION,
            **_request(self.request),
            "clocks": {name: _clock(clocks[name]) for name in sorted(clocks)},
            "holidays": {state: [day.isoformat() for day in sorted(holidays[state])] for state in sorted(holidays)},
        }
        return f'{compact(head)[:-1]},"candidates":[{",".join(map(_candidate, self.candidates))}]}}'

    @classmethod
    def from_text(cls, text: str, profiles: Profiles) -> Self:
        """Raises ProfileMissing."""
        kept = json.loads(text)
        request = _request_from(kept)
        read = _clock_from if kept["format"] > 1 else _clock_without_offsets
        clocks = {name: read(name, clock) for name, clock in kept["clocks"].items()}
        holidays = {state: tuple(map(date.fromisoformat, days)) for state, days in kept["holidays"].items()}
        return cls(request, [_candidate_from(row, request, profiles, clocks, holidays) for row in kept["candidates"]])


def rule_set_of(text: str) -> str:
    version: str = json.loads(text)["rule_set"]
    return version


def versions_in(text: str) -> set[tuple[UUID, int]]:
    """The profiles that it needs."""
    return {(UUID(row[0]), row[1]) for row in json.loads(text)["candidates"]}


def _request(request: Request) -> dict[str, object]:
    location = request.location
    return {
        "decided_at": request.decided_at.isoformat(),
        "trigger": request.trigger,
        "lead": [str(request.lead_id), request.service, location.suburb, location.state, location.postcode],
        "wanted_count": request.wanted_count,
        "waived": sorted(request.waived),
        "policy": [request.policy_version, body_of(request.policy)],
    }


def _request_from(kept: Mapping[str, Any]) -> Request:
    lead_id, service, suburb, state, postcode = kept["lead"]
    policy_version, policy = kept["policy"]
    return Request(
        lead_id=UUID(lead_id),
        service=service,
        location=Location(suburb=suburb, state=AustralianState(state), postcode=postcode),
        wanted_count=kept["wanted_count"],
        decided_at=datetime.fromisoformat(kept["decided_at"]),
        trigger=Trigger(kept["trigger"]),
        policy=OrderingPolicy(**policy),
        policy_version=policy_version,
        waived=frozenset(map(Rule, kept["waived"])),
    )


def _clock(moment: Moment) -> list[object]:
    """What the clock shows, whether its zone is known, how far it is ahead of UTC with each leap, and the bounds of the
    day, the week and the month.
    """
    seconds, leaps = moment.offsets
    offsets = [seconds, *([leap.shown.isoformat(), leap.seconds] for leap in leaps)]
    bounds = [[w.starts_at.isoformat(), w.ends_at.isoformat()] for w in moment.windows.values()]
    return [moment.local.isoformat(), moment.is_known, offsets, *bounds]


def _clock_from(name: str, kept: Sequence[Any]) -> Moment:
    local, is_known, (seconds, *leaps), *bounds = kept
    offsets = Offsets(seconds, tuple(Leap(datetime.fromisoformat(shown), ahead) for shown, ahead in leaps))
    return Moment(name, datetime.fromisoformat(local), _windows_from(bounds), offsets, is_known)


def _clock_without_offsets(name: str, kept: Sequence[Any]) -> Moment:
    shown, is_known, *bounds = kept
    local = datetime.fromisoformat(shown)
    return Moment(name, local, _windows_from(bounds), offsets_ahead(WallClock.of(name), local), is_known)


def _windows_from(bounds: Sequence[Sequence[str]]) -> Mapping[WindowKind, Window]:
    return {
        kind: Window(kind, datetime.fromisoformat(starts), datetime.fromisoformat(ends))
        for kind, (starts, ends) in zip(WindowKind, bounds, strict=True)
    }


def _candidate(considered: Considered) -> str:
    """Who and in which version, its coverage, what is used and reserved of each window, what it is owed, its last turn,
    its breaker, its hold, what it had of the backlog, what it had of the lead. What most have not is 0.
    """
    standing, coverage, history = considered
    covered = _covered(coverage) if coverage else "0"
    turn = standing.last_turn
    last_turn = f'["{instant_text(turn.at)}",{turn.place}]' if turn else "0"
    breaker = _delivery(standing.delivery)
    had = compact(history) if any(history) else "0"
    counts = ",".join([f"{count.used},{count.reserved}" for count in standing.counts.values()])
    return (
        f"[{standing.reference},{covered},[{counts}],{standing.balance_ppm},"
        f"{last_turn},{breaker},{int(standing.has_credit_hold)},{standing.backlog},{had}]"
    )


@lru_cache(4096)
def _covered(coverage: Coverage) -> str:
    return compact(coverage)


def _delivery(health: DeliveryHealth) -> str:
    if health.breaker is BreakerState.CLOSED:
        return "0"
    return compact([health.breaker, health.probe_at.isoformat() if health.probe_at else 0, health.pending])


def _candidate_from(
    kept: Sequence[Any],
    request: Request,
    profiles: Profiles,
    clocks: Mapping[str, Moment],
    holidays: Mapping[str, tuple[date, ...]],
) -> Considered:
    id_, version, coverage, counts, balance_ppm, turn, delivery, hold, backlog, history = kept
    profile = profiles.get((UUID(id_), version))
    if profile is None:
        raise ProfileMissing(f"version {version} of installer {id_}")
    moment = clocks[profile.time_zone]
    keeps = profile.keeps_public_holidays and profile.home_state is not None
    standing = Standing(
        candidate=profile,
        now=request.decided_at,
        moment=moment,
        counts=_counts_from(counts, moment),
        balance_ppm=balance_ppm,
        last_turn=Turn(datetime.fromisoformat(turn[0]), turn[1]) if turn else None,
        delivery=_delivery_from(delivery) if delivery else DeliveryHealth(),
        has_credit_hold=bool(hold),
        backlog=backlog,
        holidays=holidays.get(profile.home_state or "", ()) if keeps else (),
    )
    covered = Coverage(TerritoryKind(coverage[0]), coverage[1]) if coverage else None
    return Considered(standing, covered, History(*history) if history else History())


def _counts_from(kept: Sequence[int], moment: Moment) -> Mapping[WindowKind, WindowCount]:
    pairs = zip(kept[::2], kept[1::2], strict=True)
    windows = moment.windows.items()
    return {kind: WindowCount(window, *taken) for (kind, window), taken in zip(windows, pairs, strict=True)}


def _delivery_from(kept: Sequence[Any]) -> DeliveryHealth:
    breaker, probe_at, pending = kept
    return DeliveryHealth(BreakerState(breaker), datetime.fromisoformat(probe_at) if probe_at else None, pending)
