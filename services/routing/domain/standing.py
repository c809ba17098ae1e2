"""An installer with its running counts: they move as the leads of a batch are given out one by one.

What was judged is kept until what it was judged by changes: most leads of a batch ask the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

from services.routing.domain.candidate import (
    NO_HISTORY,
    Candidate,
    Coverage,
    DeliveryHealth,
    History,
    Place,
    Turn,
    WindowCount,
)
from services.routing.domain.eligibility import (
    FRESH,
    Judged,
    Rule,
    Verdict,
    Verdicts,
    allowed_by,
    backlog_is_paced,
    cap_has_room,
    cap_is_untold,
    compact,
    delivery_works,
    has_no_credit_hold,
    is_present,
    service_is_offered,
    status_takes_leads,
    territory_covers,
)
from services.routing.domain.hours import ALL_DAY, is_open, next_opening
from services.routing.domain.ordering import settled
from services.routing.domain.states import BreakerState
from services.routing.domain.windows import Moment, WindowKind


@dataclass(slots=True)
class Standing:
    """`holidays` are the days from now on that it keeps. `backlog` is what the schedule gave it within the hour."""

    candidate: Candidate
    now: datetime
    moment: Moment
    counts: Mapping[WindowKind, WindowCount]
    balance_ppm: int = 0
    last_turn: Turn | None = None
    delivery: DeliveryHealth = field(default_factory=DeliveryHealth)
    has_credit_hold: bool = False
    backlog: int = 0
    holidays: Collection[date] = ()
    capacity: int | None = field(init=False)
    """What it takes in a cycle, None without any limit."""
    head: str = field(init=False)
    """What the record of every decision says of it before all else."""
    reference: str = field(init=False)
    """And what the inputs say: who, and in which version."""
    has_moved: bool = field(default=False, init=False)
    """It took a lead or was owed one since it was read."""
    _of_services: dict[str, Judged] = field(default_factory=dict)
    _of_state: Judged | None = None
    _of_caps: Judged | None = None

    def __post_init__(self) -> None:
        who = self.candidate
        told = {"installer_id": str(who.id), "installer_name": who.name, "installer_version": who.version}
        self.head = compact({**told, "time_zone": who.time_zone})[:-1]
        self.reference = f'"{who.id}",{who.version}'
        self.capacity = who.limits.cycle_capacity(self.moment.cycle_days)

    def move_to(self, now: datetime, moment: Moment) -> None:
        """On to a later instant: windows that have ended begin anew, and what hangs on the time is judged again."""
        if moment.windows is not self.moment.windows:
            kept = self.counts
            self.counts = {
                kind: kept[kind] if kept[kind].window == window else WindowCount(window)
                for kind, window in moment.windows.items()
            }
            self.capacity = self.candidate.limits.cycle_capacity(moment.cycle_days)
            self._of_caps = None
        self.now, self.moment = now, moment
        if self.candidate.absences:
            self._of_services.clear()
        if self.candidate.hours is not None or self.holidays or self.delivery.breaker is not BreakerState.CLOSED:
            self._of_state = None

    def take(self, turn: Turn, *, is_from_backlog: bool = False) -> None:
        """One lead more, in every window at once."""
        for count in self.counts.values():
            count.reserved += 1
        self.last_turn = turn
        self.has_moved = True
        self.backlog += is_from_backlog
        self._of_caps = None
        if self.delivery.breaker is not BreakerState.CLOSED:
            self.delivery = self.delivery._replace(pending=self.delivery.pending + 1)
            self._of_state = None

    def settle(self, entitled_ppm: int, *, is_chosen: bool, most_owed_leads: int) -> None:
        self.has_moved = True
        self.balance_ppm = settled(self.balance_ppm, entitled_ppm, is_chosen=is_chosen, most_owed_leads=most_owed_leads)

    def judge_service(self, wanted: str) -> Judged:
        judged = self._of_services.get(wanted)
        if judged is None:
            status = status_takes_leads(self.candidate.status)
            present = is_present(self.candidate.absences, self.now)
            judged = Judged.of(status, present, service_is_offered(self.candidate.services, wanted))
            self._of_services[wanted] = judged
        return judged

    def judge_state(self) -> Judged:
        if self._of_state is None:
            held = has_no_credit_hold(is_held=self.has_credit_hold)
            self._of_state = Judged.of(keeps_hours(self), held, delivery_works(self.delivery, self.now))
        return self._of_state

    def judge_caps(self) -> Judged:
        if self._of_caps is None:
            self._of_caps = Judged.of(*(self._judge_cap(kind, count) for kind, count in self.counts.items()))
        return self._of_caps

    def _judge_cap(self, kind: WindowKind, count: WindowCount) -> Verdict:
        if not self.moment.is_known:
            return cap_is_untold(self.candidate.time_zone, kind)
        return cap_has_room(self.candidate.limits.of(kind), count)


def keeps_hours(standing: Standing) -> Verdict:
    """Without hours it is always open, but for the public holidays that it keeps."""
    hours, local = standing.candidate.hours, standing.moment.local
    is_holiday = local.date() in standing.holidays
    if hours is None and not is_holiday:
        return Verdict(Rule.HOURS, True, "always_open", {"hours": None})
    compared = {
        "local_time": local.isoformat(timespec="minutes"),
        "hours": None if hours is None else [list(span) for span in hours if span.weekday == local.weekday()],
        "is_public_holiday": is_holiday,
    }
    if hours is not None and is_open(hours, local, standing.holidays):
        return Verdict(Rule.HOURS, True, "open", compared)
    until = next_opening(ALL_DAY if hours is None else hours, local, standing.moment.offsets, standing.holidays)
    return Verdict(Rule.HOURS, False, "public_holiday" if is_holiday else "closed", compared, until=until)


class Considered(NamedTuple):
    """A candidate of one lead: what covers its place, and what the installer has had of it."""

    standing: Standing
    coverage: Coverage | None
    history: History = NO_HISTORY


def assess(
    considered: Considered, *, service: str, place: Place, backlog_per_hour: int | None, waived: frozenset[Rule]
) -> tuple[Judged, ...]:
    """Every rule's verdict, not the first failure alone: an operator mends all that is in the way at once.

    `backlog_per_hour` is of a lead that has waited, None for any other.
    """
    standing, coverage, history = considered
    judged = (
        standing.judge_service(service),
        territory_covers(coverage, place),
        allowed_by(history),
        standing.judge_state(),
        standing.judge_caps(),
        FRESH if backlog_per_hour is None else backlog_is_paced(standing.backlog, backlog_per_hour),
    )
    return tuple(_waive(each, waived) for each in judged) if waived else judged


def _waive(judged: Judged, waived: frozenset[Rule]) -> Judged:
    if judged.obstacle is None:
        return judged
    return Judged.of(*(replace(v, is_waived=True) if not v.passed and v.rule in waived else v for v in judged.verdicts))


def verdicts_of(judged: tuple[Judged, ...]) -> Verdicts:
    return tuple(verdict for each in judged for verdict in each.verdicts)
