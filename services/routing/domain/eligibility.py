"""May this installer have this lead? Each rule is a predicate with a name, and its verdict says what it compared.

A predicate that most candidates of a lead, or most leads of a batch, ask alike keeps its answers.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

from contracts.values import InstallerStatus
from services.routing.domain.candidate import Coverage, DeliveryHealth, History, Place, WindowCount
from services.routing.domain.states import BreakerState
from services.routing.domain.versions import Away
from services.routing.domain.windows import WindowKind

RULE_SET_VERSION = "4"
"""Kept with every decision. A change of a rule, of what it compares or of the ordering takes the next one."""


class Rule(StrEnum):
    """In the order in which they are told; the first that fails is the obstacle."""

    STATUS = "status"
    PAUSED = "paused"
    SERVICE = "service"
    TERRITORY = "territory"
    DUPLICATE_TO_INSTALLER = "duplicate_to_installer"
    RETURNED_BY_INSTALLER = "returned_by_installer"
    FAILED_BEFORE = "failed_before"
    HOURS = "hours"
    CREDIT_HOLD = "credit_hold"
    DELIVERY_HEALTH = "delivery_health"
    CAP_DAY = "cap_day"
    CAP_WEEK = "cap_week"
    CAP_MONTH = "cap_month"
    BACKLOG_PACE = "backlog_pace"


CAP_RULES: Mapping[WindowKind, Rule] = {
    WindowKind.DAY: Rule.CAP_DAY,
    WindowKind.WEEK: Rule.CAP_WEEK,
    WindowKind.MONTH: Rule.CAP_MONTH,
}

WAIVED_BY_HAND = frozenset({Rule.SERVICE, Rule.TERRITORY, Rule.FAILED_BEFORE, Rule.HOURS, Rule.BACKLOG_PACE})
"""What an operator's own choice overrules. Caps only where they say so, and all the others never."""
CAPS = frozenset(CAP_RULES.values())


@dataclass(frozen=True)
class Verdict:
    """`reason_code` says why it passed as well as why it did not. A waived verdict failed and was overruled.

    `until` is when a failed one passes by itself; None where it does not.
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
        waived = {"is_waived": True} if self.is_waived else {}
        return compact({**plain, **waived, **({"until": self.until.isoformat()} if self.until else {})})


compact: Callable[[object], str] = json.JSONEncoder(separators=(",", ":")).encode
"""JSON without a blank, by an encoder that is made once."""


@lru_cache(4096)
def instant_text(instant: datetime) -> str:
    """Most candidates of a batch have one of a few."""
    return instant.isoformat()


Verdicts = tuple[Verdict, ...]


class Judged(NamedTuple):
    """Verdicts that belong together, with the first that is in the way and their text, made once."""

    verdicts: Verdicts
    obstacle: Verdict | None
    text: str

    @classmethod
    def of(cls, *verdicts: Verdict) -> "Judged":
        return cls(verdicts, first_obstacle(verdicts), ",".join([verdict.text for verdict in verdicts]))


@lru_cache(64)
def status_takes_leads(status: InstallerStatus) -> Verdict:
    takes = status.takes_leads
    return Verdict(Rule.STATUS, takes, "takes_leads" if takes else f"installer_{status}", {"status": status})


def is_present(absences: Iterable[Away], now: datetime) -> Verdict:
    """Where absences overlap, until the last of them has ended."""
    held = [a for a in absences if a.starts_at <= now and (a.ends_at is None or now < a.ends_at)]
    if not held:
        return Verdict(Rule.PAUSED, True, "not_away", {"absence": None})
    first = min(held, key=lambda absence: absence.starts_at)
    compared = {
        "absence": first.kind,
        "starts_at": first.starts_at.isoformat(),
        "ends_at": first.ends_at.isoformat() if first.ends_at else None,
    }
    ends = [absence.ends_at for absence in held if absence.ends_at is not None]
    until = max(ends) if len(ends) == len(held) else None
    return Verdict(Rule.PAUSED, False, f"away_for_{first.kind}", compared, until=until)


@lru_cache(4096)
def service_is_offered(services: frozenset[str], wanted: str) -> Verdict:
    offered = wanted in services
    reason = "service_offered" if offered else "service_not_offered"
    return Verdict(Rule.SERVICE, offered, reason, {"wanted": wanted, "offered": sorted(services)})


@lru_cache(4096)
def territory_covers(coverage: Coverage | None, place: Place) -> Judged:
    told = {"place": f"{place.postcode} {place.state}"}
    if coverage is None:
        return Judged.of(Verdict(Rule.TERRITORY, False, "outside_territory", told))
    compared = {**told, "kind": coverage.kind, "matched": coverage.matched}
    return Judged.of(Verdict(Rule.TERRITORY, True, "inside_territory", compared))


@lru_cache(1024)
def allowed_by(history: History) -> Judged:
    return Judged.of(is_first_time(history), was_not_returned(history), has_not_failed(history))


def is_first_time(history: History) -> Verdict:
    """Never the same lead twice to one installer, nor the same person's other lead for the same service."""
    reason = "first_time"
    if history.live:
        reason = "has_the_lead_already"
    elif history.same_person:
        reason = "had_the_person_already"
    compared = {"live_assignments": history.live, "same_person_leads": history.same_person}
    return Verdict(Rule.DUPLICATE_TO_INSTALLER, not (history.live or history.same_person), reason, compared)


def was_not_returned(history: History) -> Verdict:
    """Whoever gave a lead back never gets it again."""
    reason = "returned_it_before" if history.returned else "never_returned"
    compared = {"returned_assignments": history.returned}
    return Verdict(Rule.RETURNED_BY_INSTALLER, not history.returned, reason, compared)


def has_not_failed(history: History) -> Verdict:
    """What failed or was taken back once is not tried again by itself."""
    reason = "ended_before" if history.ended else "no_earlier_failure"
    return Verdict(Rule.FAILED_BEFORE, not history.ended, reason, {"ended_assignments": history.ended})


@lru_cache(4)
def has_no_credit_hold(*, is_held: bool) -> Verdict:
    return Verdict(Rule.CREDIT_HOLD, not is_held, "on_credit_hold" if is_held else "no_hold", {"is_held": is_held})


def delivery_works(health: DeliveryHealth, now: datetime) -> Verdict:
    """An open breaker lets one lead through once its probe is due, and no second while that one is under way."""
    breaker, probe_at, pending = health
    if breaker is BreakerState.CLOSED:
        return Verdict(Rule.DELIVERY_HEALTH, True, "delivery_works", {"breaker": breaker})
    compared = {"breaker": breaker, "probe_at": probe_at.isoformat() if probe_at else None, "pending": pending}
    if breaker is BreakerState.OPEN and (probe_at is None or now < probe_at):
        return Verdict(Rule.DELIVERY_HEALTH, False, "breaker_open", compared, until=probe_at)
    reason = "probe_under_way" if pending else "probe_due"
    return Verdict(Rule.DELIVERY_HEALTH, not pending, reason, compared)


def cap_has_room(limit: int | None, count: WindowCount) -> Verdict:
    """Reserved places count like used ones: they are taken, whatever becomes of the mail."""
    has_room = limit is None or count.taken < limit
    reason = "uncapped" if limit is None else "below_cap" if has_room else "cap_reached"
    compared = {
        "limit": limit,
        "used": count.used,
        "reserved": count.reserved,
        "window_start": count.window.starts_at.isoformat(),
    }
    # A limit of 0 takes none in the next window either.
    until = count.window.ends_at if not has_room and limit else None
    return Verdict(CAP_RULES[count.window.kind], has_room, reason, compared, until=until)


def cap_is_untold(time_zone: str, kind: WindowKind) -> Verdict:
    """The time zone database has no such zone any more: nobody knows when the window began."""
    return Verdict(CAP_RULES[kind], False, "time_zone_unknown", {"time_zone": time_zone})


@lru_cache(1024)
def backlog_is_paced(given: int, most: int) -> Judged:
    """Leads that waited are given on slowly: `given` is what their schedule gave within the hour."""
    reason = "within_pace" if given < most else "enough_for_this_hour"
    return Judged.of(Verdict(Rule.BACKLOG_PACE, given < most, reason, {"given_in_last_hour": given, "most": most}))


def first_obstacle(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The rule that is in the way, or None for an eligible candidate."""
    return next((verdict for verdict in verdicts if not verdict.allows), None)


def tally(obstacles: Iterable[Verdict]) -> str:
    """Reasons by frequency, as `cap_month 3, status 1`."""
    counts = Counter(verdict.rule for verdict in obstacles)
    by_frequency = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{rule} {number}" for rule, number in by_frequency)


FRESH = Judged.of(Verdict(Rule.BACKLOG_PACE, True, "not_from_the_backlog", {}))
"""A lead that has not waited is not held back by those that have."""
