"""A decision as its page shows it: every candidate in a row, every rule in a column, and what each rule compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.console.wording import words
from services.routing.domain.ordering import LEAD_PPM
from services.routing.domain.replaying import ASKS_TODAYS_ZONES
from services.routing.domain.windows import WallClock
from services.routing.http.lead_views import CandidateView, DecisionView, OrderingKeyView
from services.routing.http.replays import ReplayView
from services.routing.pages.telling import INSTALLERS, latency
from services.routing.pages.verdicts import TITLES, Mark, mark

_PPM_OF_PERCENT = 10_000
ZONE_LAW = (
    ". Its record does not keep when the clocks of its installers change: that is asked as it is known today, and the "
    "difference may come from there."
)


@dataclass(frozen=True, slots=True)
class Ordering:
    """By what the eligible were put in their order; the first that differs decides."""

    value: str
    beneath: str
    last_assigned_at: datetime | None
    place: str
    """Within its batch, where that had more than one lead."""


@dataclass(frozen=True, slots=True)
class ToldCandidate:
    name: str
    path: str
    about: str
    outcome: str
    tone: str
    rank: str
    marks: Sequence[Mark | None]
    ordering: Ordering | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class RuleColumn:
    title: str
    failed: int


@dataclass(frozen=True, slots=True)
class ToldDecision:
    id: UUID
    attempt_no: int
    trigger: str
    summary: str
    facts: Sequence[tuple[str, str]]
    decided_at: datetime
    rules: Sequence[RuleColumn]
    candidates: Sequence[ToldCandidate]
    has_all_it_wanted: bool
    can_be_replayed: bool
    replay: ReplayView | None

    @property
    def first_difference(self) -> str:
        """With what may be its cause, where that is known."""
        if self.replay is None or self.replay.first_difference is None:
            return ""
        cause = ZONE_LAW if self.replay.rule_set in ASKS_TODAYS_ZONES else ""
        return f"{self.replay.first_difference}{cause}"


def told(decision: DecisionView, replay: ReplayView | None = None) -> ToldDecision:
    """`replay` is the same decision made again, where an operator asked for it."""
    rules = list(dict.fromkeys(verdict.rule for each in decision.candidates for verdict in each.verdicts))
    return ToldDecision(
        id=decision.id,
        attempt_no=decision.attempt_no,
        trigger=words(decision.trigger),
        summary=decision.summary,
        facts=_facts(decision),
        decided_at=decision.decided_at,
        rules=[RuleColumn(TITLES.get(rule, words(rule)), _failed(decision.candidates, rule)) for rule in rules],
        candidates=[_candidate(each, rules) for each in decision.candidates],
        has_all_it_wanted=decision.shortfall is None,
        can_be_replayed=decision.can_be_replayed,
        replay=replay,
    )


def _facts(decision: DecisionView) -> list[tuple[str, str]]:
    facts = [
        ("Given to", f"{decision.chosen_count} of {decision.wanted_count} wanted"),
        ("After receipt", latency(decision.latency_ms)),
        ("Made by", decision.operator_name or "Dispatch"),
        ("Rules", f"Version {decision.rule_set_version}"),
    ]
    if decision.shortfall is not None:
        facts.insert(1, ("Why not more", words(decision.shortfall)))
    if decision.reason_text:
        title = "Beyond the caps because" if decision.override_reason else "Reason"
        facts.append((title, decision.reason_text))
    return facts


def _failed(candidates: Sequence[CandidateView], rule: str) -> int:
    return sum(not verdict.passed for each in candidates for verdict in each.verdicts if verdict.rule == rule)


def _candidate(candidate: CandidateView, rules: Sequence[str]) -> ToldCandidate:
    zone = WallClock.of(candidate.time_zone).zone
    marks = {verdict.rule: mark(verdict, zone) for verdict in candidate.verdicts}
    outcome, tone = ("Chosen", "positive") if candidate.is_chosen else ("Not eligible", "")
    if candidate.is_eligible and not candidate.is_chosen:
        outcome, tone = "Eligible", "info"
    return ToldCandidate(
        name=candidate.installer_name,
        path=f"{INSTALLERS}/{candidate.installer_id}",
        about=f"{candidate.time_zone.rsplit('/', 1)[-1].replace('_', ' ')} time, version {candidate.installer_version}",
        outcome=outcome,
        tone=tone,
        rank="" if candidate.rank is None else str(candidate.rank),
        marks=[marks.get(rule) for rule in rules],
        ordering=_ordering(candidate.ordering_key) if candidate.ordering_key else None,
        is_chosen=candidate.is_chosen,
    )


def _ordering(key: OrderingKeyView) -> Ordering:
    place = f" (no. {key.last_assigned_place + 1})" if key.last_assigned_place else ""
    value, beneath = _owed(key) if key.owed_ppm is not None else _by_rule_set_2(key)
    return Ordering(value, beneath, key.last_assigned_at, place)


def _owed(key: OrderingKeyView) -> tuple[str, str]:
    """A share of nothing is of a lead that was given by hand."""
    owed, share = (key.owed_ppm or 0) / LEAD_PPM, (key.entitled_ppm or 0) / LEAD_PPM
    before = f"owed {owed:.2f}" if owed >= 0 else f"ahead {-owed:.2f}"
    return f"{owed + share:.2f}", f"{before}, share {share:.2f}"


def _by_rule_set_2(key: OrderingKeyView) -> tuple[str, str]:
    return f"{(key.cycle_share_ppm or 0) / _PPM_OF_PERCENT:,.1f} % of cycle", f"tie {(key.tie_break or '')[:6]}"
