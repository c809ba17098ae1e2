"""May this installer have this lead? Each rule is a predicate with a name, and its verdict says what it compared."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from contracts.values import InstallerStatus, Location
from services.routing.domain.states import AssignmentStatus, Channel
from services.routing.domain.windows import Limits, Window, WindowKind

RULE_SET_VERSION = "2"
"""Kept with every decision. A change of a rule, of what it compares or of the ordering takes the next one."""


class Rule(StrEnum):
    STATUS = "status"
    SERVICE = "service"
    TERRITORY = "territory"
    DUPLICATE_TO_INSTALLER = "duplicate_to_installer"
    FAILED_BEFORE = "failed_before"
    CAP_DAY = "cap_day"
    CAP_WEEK = "cap_week"
    CAP_MONTH = "cap_month"


CAP_RULES: Mapping[WindowKind, Rule] = {
    WindowKind.DAY: Rule.CAP_DAY,
    WindowKind.WEEK: Rule.CAP_WEEK,
    WindowKind.MONTH: Rule.CAP_MONTH,
}

WAIVED_BY_HAND = frozenset({Rule.SERVICE, Rule.TERRITORY, Rule.FAILED_BEFORE})
"""What an operator's own choice overrules. Status, duplicates and, unless they say so, caps it never does."""
CAPS = frozenset(CAP_RULES.values())


class TerritoryKind(StrEnum):
    """From the most to the least specific; the most specific match is the one that is told."""

    POSTCODE = "postcode"
    RANGE = "range"
    STATE = "state"


class Coverage(NamedTuple):
    """What of an installer's territory holds a place: `2204`, `2000-2234` or `NSW`."""

    kind: TerritoryKind
    matched: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An installer as it stood when the decision was made."""

    id: UUID
    name: str
    version: int
    email: str
    status: InstallerStatus
    services: frozenset[str]
    time_zone: str
    limits: Limits
    channel: Channel = Channel.MAIL


@dataclass(slots=True)
class WindowCount:
    """What a window holds: `used` are delivered, `reserved` are on their way, `failed` could not be delivered."""

    window: Window
    used: int = 0
    reserved: int = 0
    failed: int = 0

    @property
    def taken(self) -> int:
        return self.used + self.reserved

    @property
    def turns(self) -> int:
        """How often it was the installer's turn, also for nothing."""
        return self.taken + self.failed


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """When an installer last got a lead; `place` orders those of one instant, as a batch has one."""

    at: datetime
    place: int


@dataclass(frozen=True)
class Verdict:
    """`reason_code` says why it passed as well as why it did not. A waived verdict failed and was overruled.

    `until` is when one that failed passes by itself, should nothing else change; None where it does not.
    """

    rule: Rule
    passed: bool
    reason_code: str
    compared: Mapping[str, object]
    is_waived: bool = False
    until: datetime | None = None

    @property
    def allows(self) -> bool:
        return self.passed or self.is_waived

    @cached_property
    def text(self) -> str:
        """As JSON: encoded once, told in the record of every lead for which it is the same."""
        plain = {"rule": self.rule, "passed": self.passed, "reason_code": self.reason_code, "compared": self.compared}
        return compact({**plain, "is_waived": True} if self.is_waived else plain)


def compact(plain: Mapping[str, object]) -> str:
    return json.dumps(plain, separators=(",", ":"))


Verdicts = tuple[Verdict, ...]


@dataclass(slots=True)
class Standing:
    """A candidate with its running counts: they move as the leads of a batch are given out one by one.

    `capacity` is what it takes in a cycle, None without any limit (`Limits.cycle_capacity`). Where its zone is not
    known, nobody can say when its windows begin.
    What was judged is kept until what it was judged by changes; most leads of a batch ask the same.
    """

    candidate: Candidate
    counts: Mapping[WindowKind, WindowCount]
    capacity: int | None
    last_turn: Turn | None = None
    has_known_zone: bool = True
    _of_places: dict[tuple[str, Location], Verdicts] = field(default_factory=dict)
    _of_caps: Verdicts | None = None

    def take(self, turn: Turn) -> None:
        """One lead more, in every window at once."""
        for count in self.counts.values():
            count.reserved += 1
        self.last_turn = turn
        self._of_caps = None

    def judge_place(self, service: str, location: Location, coverage: Coverage | None) -> Verdicts:
        """By what stands still for a whole batch."""
        verdicts = self._of_places.get((service, location))
        if verdicts is None:
            verdicts = self._of_places[service, location] = (
                status_takes_leads(self.candidate),
                service_is_offered(self.candidate, service),
                territory_covers(coverage, location),
            )
        return verdicts

    def judge_caps(self) -> Verdicts:
        if self._of_caps is None:
            self._of_caps = tuple(self._judge_cap(count) for count in self.counts.values())
        return self._of_caps

    def _judge_cap(self, count: WindowCount) -> "Verdict":
        if not self.has_known_zone:
            return cap_is_untold(self.candidate.time_zone, count)
        return cap_has_room(self.candidate.limits.of(count.window.kind), count)


def status_takes_leads(candidate: Candidate) -> Verdict:
    takes = candidate.status.takes_leads
    reason = "takes_leads" if takes else f"installer_{candidate.status}"
    return Verdict(Rule.STATUS, takes, reason, {"status": candidate.status})


def service_is_offered(candidate: Candidate, service: str) -> Verdict:
    offered = service in candidate.services
    reason = "service_offered" if offered else "service_not_offered"
    return Verdict(Rule.SERVICE, offered, reason, {"wanted": service, "offered": sorted(candidate.services)})


def territory_covers(coverage: Coverage | None, location: Location) -> Verdict:
    place = f"{location.postcode} {location.state}"
    if coverage is None:
        return Verdict(Rule.TERRITORY, False, "outside_territory", {"place": place})
    compared = {"place": place, "kind": coverage.kind, "matched": coverage.matched}
    return Verdict(Rule.TERRITORY, True, "inside_territory", compared)


def is_first_time(earlier: Collection[AssignmentStatus]) -> Verdict:
    """Never the same lead twice to one installer."""
    live = [status for status in earlier if status.is_live]
    reason = "has_the_lead_already" if live else "first_time"
    return Verdict(Rule.DUPLICATE_TO_INSTALLER, not live, reason, {"live_assignments": len(live)})


def has_not_failed(earlier: Collection[AssignmentStatus]) -> Verdict:
    """What failed or was taken back once is not tried again by itself."""
    ended = [status for status in earlier if not status.is_live]
    reason = "ended_before" if ended else "no_earlier_failure"
    return Verdict(Rule.FAILED_BEFORE, not ended, reason, {"ended_assignments": len(ended)})


def cap_has_room(limit: int | None, count: WindowCount) -> Verdict:
    """Reserved places count like used ones: they are taken, whatever becomes of the mail.

    A full window gives way to the next one, unless the cap is of nothing at all.
    """
    has_room = limit is None or count.taken < limit
    reason = "uncapped" if limit is None else "below_cap" if has_room else "cap_reached"
    compared = {
        "limit": limit,
        "used": count.used,
        "reserved": count.reserved,
        "window_start": count.window.starts_at.isoformat(),
    }
    until = count.window.ends_at if not has_room and limit else None
    return Verdict(CAP_RULES[count.window.kind], has_room, reason, compared, until=until)


def cap_is_untold(time_zone: str, count: WindowCount) -> Verdict:
    """The time zone database has no such zone any more: nobody knows when the window began."""
    return Verdict(CAP_RULES[count.window.kind], False, "time_zone_unknown", {"time_zone": time_zone})


FIRST_TIME = (is_first_time(()), has_not_failed(()))


def assess(
    standing: Standing,
    *,
    service: str,
    location: Location,
    coverage: Coverage | None,
    earlier: Collection[AssignmentStatus],
    waived: frozenset[Rule] = frozenset(),
) -> Verdicts:
    """Every rule's verdict, not the first failure alone: an operator mends all that is in the way at once."""
    verdicts = (
        *standing.judge_place(service, location, coverage),
        *((is_first_time(earlier), has_not_failed(earlier)) if earlier else FIRST_TIME),
        *standing.judge_caps(),
    )
    if not waived:
        return verdicts
    return tuple(replace(v, is_waived=True) if not v.passed and v.rule in waived else v for v in verdicts)


def first_obstacle(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The rule that is in the way, or None for an eligible candidate."""
    return next((verdict for verdict in verdicts if not verdict.allows), None)


def tally(obstacles: Iterable[Verdict]) -> str:
    """Reasons by frequency, as `cap_month 3, status 1`."""
    counts = Counter(verdict.rule for verdict in obstacles)
    by_frequency = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{rule} {number}" for rule, number in by_frequency)
