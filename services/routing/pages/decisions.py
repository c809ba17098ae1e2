"""A decision as its page shows it: every candidate in a row, every rule in a column, and what each rule compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chassis.console.wording import words
from services.routing.domain.eligibility import Rule
from services.routing.domain.windows import WallClock
from services.routing.http.lead_views import CandidateView, DecisionView, OrderingKeyView, VerdictView
from services.routing.pages.telling import INSTALLERS, latency

TITLES: Mapping[str, str] = {
    Rule.STATUS: "Status",
    Rule.SERVICE: "Service",
    Rule.TERRITORY: "Territory",
    Rule.DUPLICATE_TO_INSTALLER: "Not twice",
    Rule.FAILED_BEFORE: "No failure",
    Rule.CAP_DAY: "Day",
    Rule.CAP_WEEK: "Week",
    Rule.CAP_MONTH: "Cycle",
}
"""A rule of another version of the rules is called by its name."""
_PPM_OF_PERCENT = 10_000


@dataclass(frozen=True, slots=True)
class Mark:
    """One rule on one candidate. `state` is passed, failed or waived; `beneath` says why, or since when it counts."""

    state: str
    value: str
    beneath: str


@dataclass(frozen=True, slots=True)
class Ordering:
    """By what the eligible were put in their order; the first that differs decides."""

    share: str
    last_assigned_at: datetime | None
    place: str
    """Within its batch, where that had more than one lead."""
    tie_break: str


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
    attempt_no: int
    trigger: str
    summary: str
    facts: Sequence[tuple[str, str]]
    decided_at: datetime
    rules: Sequence[RuleColumn]
    candidates: Sequence[ToldCandidate]
    has_all_it_wanted: bool


def told(decision: DecisionView) -> ToldDecision:
    rules = list(dict.fromkeys(verdict.rule for each in decision.candidates for verdict in each.verdicts))
    return ToldDecision(
        attempt_no=decision.attempt_no,
        trigger=words(decision.trigger),
        summary=decision.summary,
        facts=_facts(decision),
        decided_at=decision.decided_at,
        rules=[RuleColumn(TITLES.get(rule, words(rule)), _failed(decision.candidates, rule)) for rule in rules],
        candidates=[_candidate(each, rules) for each in decision.candidates],
        has_all_it_wanted=decision.shortfall is None,
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
    marks = {verdict.rule: _mark(verdict, zone) for verdict in candidate.verdicts}
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
    share = f"{key.cycle_share_ppm / _PPM_OF_PERCENT:,.1f} %"
    return Ordering(share, key.last_assigned_at, place, key.tie_break)


def _mark(verdict: VerdictView, zone: ZoneInfo) -> Mark:
    state = "passed" if verdict.passed else "waived" if verdict.is_waived else "failed"
    reason = words(verdict.reason_code)
    tell = _TELLERS.get(verdict.rule)
    try:
        value, beneath = tell(verdict, zone) if tell else (_plain(verdict.compared), reason)
    except (KeyError, TypeError, ValueError):
        # What another version of the rules compared under this name.
        value, beneath = _plain(verdict.compared), reason
    return Mark(state, value, f"{beneath}, waived" if state == "waived" else beneath)


def _plain(compared: Mapping[str, Any]) -> str:
    return ", ".join(f"{words(name)} {value}" for name, value in compared.items())


def _status(verdict: VerdictView, _zone: ZoneInfo) -> tuple[str, str]:
    return words(verdict.compared["status"]), "takes leads" if verdict.passed else "takes no leads"


def _service(verdict: VerdictView, _zone: ZoneInfo) -> tuple[str, str]:
    wanted = words(verdict.compared["wanted"]).lower()
    if verdict.passed:
        return "Offered", wanted
    offered = ", ".join(words(service).lower() for service in verdict.compared["offered"])
    return "Not offered", f"{wanted}; offers {offered or 'nothing'}"


def _territory(verdict: VerdictView, _zone: ZoneInfo) -> tuple[str, str]:
    place = verdict.compared["place"]
    if not verdict.passed:
        return "Outside", place
    matched = verdict.compared["matched"].replace("-", "–")  # noqa: RUF001  # a range, as print has it
    return matched, f"{verdict.compared['kind']}, {place}"


def _duplicate(verdict: VerdictView, _zone: ZoneInfo) -> tuple[str, str]:
    live = verdict.compared["live_assignments"]
    return f"{live} live", "first time" if verdict.passed else "has it already"


def _failed_before(verdict: VerdictView, _zone: ZoneInfo) -> tuple[str, str]:
    ended = verdict.compared["ended_assignments"]
    return f"{ended} ended", "none failed" if verdict.passed else "had it before"


def _cap(verdict: VerdictView, zone: ZoneInfo) -> tuple[str, str]:
    compared = verdict.compared
    if "time_zone" in compared:
        return "Unknown", f"no time zone {compared['time_zone']}"
    used, reserved, limit = compared["used"], compared["reserved"], compared["limit"]
    taken = f"{used:,} + {reserved:,}" if reserved else f"{used:,}"
    since = datetime.fromisoformat(compared["window_start"]).astimezone(zone)
    beneath = f"from {since.day} {since:%b}"
    if limit is None:
        return f"{taken}, no cap", beneath
    return f"{taken} of {limit:,}", beneath if verdict.passed else f"full, {beneath}"


_TELLERS: Mapping[str, Callable[[VerdictView, ZoneInfo], tuple[str, str]]] = {
    Rule.STATUS: _status,
    Rule.SERVICE: _service,
    Rule.TERRITORY: _territory,
    Rule.DUPLICATE_TO_INSTALLER: _duplicate,
    Rule.FAILED_BEFORE: _failed_before,
    Rule.CAP_DAY: _cap,
    Rule.CAP_WEEK: _cap,
    Rule.CAP_MONTH: _cap,
}
