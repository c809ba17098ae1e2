"""A rule's verdict as a cell of the decision's table: what it compared, and why it says so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chassis.console.wording import words
from services.routing.domain.eligibility import Rule
from services.routing.http.lead_views import VerdictView

TITLES: Mapping[str, str] = {
    Rule.STATUS: "Status",
    Rule.PAUSED: "Present",
    Rule.SERVICE: "Service",
    Rule.TERRITORY: "Territory",
    Rule.DUPLICATE_TO_INSTALLER: "Not twice",
    Rule.RETURNED_BY_INSTALLER: "Not returned",
    Rule.FAILED_BEFORE: "No failure",
    Rule.HOURS: "Hours",
    Rule.CREDIT_HOLD: "Credit",
    Rule.DELIVERY_HEALTH: "Delivery",
    Rule.CAP_DAY: "Day",
    Rule.CAP_WEEK: "Week",
    Rule.CAP_MONTH: "Cycle",
    Rule.BACKLOG_PACE: "Pace",
}
"""A rule of another version of the rules is called by its name."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One rule on one candidate. `state` is passed, failed or waived; `beneath` says why, or since when it counts."""

    state: str
    value: str
    beneath: str


def mark(verdict: VerdictView, zone: ZoneInfo) -> Mark:
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


def _paused(verdict: VerdictView, zone: ZoneInfo) -> tuple[str, str]:
    absence = verdict.compared["absence"]
    if absence is None:
        return "There", "not away"
    ends_at = verdict.compared["ends_at"]
    return words(absence), f"until {_day(ends_at, zone)}" if ends_at else "until it is ended"


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
    same_person = verdict.compared.get("same_person_leads", 0)
    if not live and same_person:
        return f"{same_person} of the person", "had another lead of the person"
    return f"{live} live", "first time" if verdict.passed else "has it already"


def _returned(verdict: VerdictView, _zone: ZoneInfo) -> tuple[str, str]:
    returned = verdict.compared["returned_assignments"]
    return f"{returned} returned", "never gave it back" if verdict.passed else "gave it back"


def _failed_before(verdict: VerdictView, _zone: ZoneInfo) -> tuple[str, str]:
    ended = verdict.compared["ended_assignments"]
    return f"{ended} ended", "none failed" if verdict.passed else "had it before"


def _hours(verdict: VerdictView, zone: ZoneInfo) -> tuple[str, str]:
    compared = verdict.compared
    if compared["hours"] is None and verdict.passed:
        return "Open", "at all hours"
    hours = ", ".join(f"{_clock(start)} to {_clock(end)}" for _, start, end in compared["hours"] or ())
    at = compared["local_time"].partition("T")[2]
    if verdict.passed:
        return "Open", f"{at}, open {hours}"
    value = "Public holiday" if compared["is_public_holiday"] else "Closed"
    opens = f", opens {_day(verdict.until.isoformat(), zone)}" if verdict.until else ""
    return value, f"{at}, {f'open {hours}' if hours else 'not open that day'}{opens}"


def _clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"


def _credit_hold(verdict: VerdictView, _zone: ZoneInfo) -> tuple[str, str]:
    return ("On hold", "by billing") if verdict.compared["is_held"] else ("Good", "no credit hold")


def _delivery(verdict: VerdictView, zone: ZoneInfo) -> tuple[str, str]:
    compared = verdict.compared
    if compared["breaker"] == "closed":
        return "Works", "breaker closed"
    if verdict.passed:
        return "Probe", "the next lead tries it"
    if compared["pending"] and verdict.until is None:
        return f"{compared['pending']} pending", "a probe is under way"
    return "Failing", f"probe from {_instant(compared['probe_at'], zone)}" if compared["probe_at"] else "breaker open"


def _cap(verdict: VerdictView, zone: ZoneInfo) -> tuple[str, str]:
    compared = verdict.compared
    if "time_zone" in compared:
        return "Unknown", f"no time zone {compared['time_zone']}"
    used, reserved, limit = compared["used"], compared["reserved"], compared["limit"]
    taken = f"{used:,} + {reserved:,}" if reserved else f"{used:,}"
    beneath = f"from {_day(compared['window_start'], zone)}"
    if limit is None:
        return f"{taken}, no cap", beneath
    return f"{taken} of {limit:,}", beneath if verdict.passed else f"full, {beneath}"


def _pace(verdict: VerdictView, _zone: ZoneInfo) -> tuple[str, str]:
    compared = verdict.compared
    if not compared:
        return "Fresh", "did not wait"
    return f"{compared['given_in_last_hour']} of {compared['most']}", "waited leads of the last hour"


def _day(instant: str, zone: ZoneInfo) -> str:
    local = datetime.fromisoformat(instant).astimezone(zone)
    return f"{local.day} {local:%b}"


def _instant(instant: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(zone):%H:%M}"


_TELLERS: Mapping[str, Callable[[VerdictView, ZoneInfo], tuple[str, str]]] = {
    Rule.STATUS: _status,
    Rule.PAUSED: _paused,
    Rule.SERVICE: _service,
    Rule.TERRITORY: _territory,
    Rule.DUPLICATE_TO_INSTALLER: _duplicate,
    Rule.RETURNED_BY_INSTALLER: _returned,
    Rule.FAILED_BEFORE: _failed_before,
    Rule.HOURS: _hours,
    Rule.CREDIT_HOLD: _credit_hold,
    Rule.DELIVERY_HEALTH: _delivery,
    Rule.CAP_DAY: _cap,
    Rule.CAP_WEEK: _cap,
    Rule.CAP_MONTH: _cap,
    Rule.BACKLOG_PACE: _pace,
}
