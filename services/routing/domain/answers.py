""" "Why not me?", as an installer may read it: from its own part of a decision's record, and from nothing else.

No name, number, rank or figure of another installer comes in here, so none can come out. Its own share of a lead and
its rank would tell how many others there were: they are left out as well.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.routing.domain.eligibility import Rule
from services.routing.domain.windows import WallClock

CHOSEN, ELIGIBLE = "chosen", "eligible"

Own = Mapping[str, Any]
"""What a decision's record says of one installer, as domain/record.py writes it."""


class OwnPart(NamedTuple):
    """One attempt at a lead, as far as it concerns the installer; None where it was no candidate."""

    own: Own | None
    is_by_hand: bool


def answer(attempts: Sequence[OwnPart], *, place: str, wanted: str) -> list[str]:
    """Sentences on one lead, in the order of its attempts. `wanted` is its service."""
    if not attempts:
        return ["Nobody has been given this lead yet."]
    if any(own is not None and own["is_chosen"] for own, _ in attempts):
        return ["You were given this lead."]
    by_rule = [own for own, is_by_hand in attempts if not is_by_hand]
    if not by_rule:
        return ["Our staff decided about this lead by hand."]
    own = next((own for own in reversed(by_rule) if own is not None), None)
    if own is None:
        return [f"This lead was in {place}, which was outside your territory."]
    failed = [verdict for verdict in own["verdicts"] if not verdict["passed"] and not verdict.get("is_waived")]
    if not failed:
        return [
            "You met every condition for this lead.",
            "Leads go in turn, by what each installer has had of its share. This time it was not your turn; "
            "what you did not get of your share counts towards your next leads.",
        ]
    asked = f"This lead asked for {_plain(wanted)} in {place}."
    return [asked, *(_why(verdict, own["time_zone"]) for verdict in failed)]


def summary(outcomes: Mapping[str, int]) -> list[str]:
    """On a period, from how often each outcome was the installer's: chosen, eligible, or the rule in its way."""
    leads = sum(outcomes.values())
    if not leads:
        return ["There were no leads in your area in this time."]
    met = outcomes.get(CHOSEN, 0) + outcomes.get(ELIGIBLE, 0)
    told = [
        f"Of {_leads(leads)} in your area you met every condition for {met:,} and were given "
        f"{outcomes.get(CHOSEN, 0):,}."
    ]
    in_the_way = [rule for rule in Rule if outcomes.get(rule)]
    if in_the_way:
        parts = [f"{_IN_SUM[rule]} for {outcomes[rule]:,}" for rule in in_the_way]
        told.append(f"Of the others: {'; '.join(parts)}.")
    return told


def _leads(number: int) -> str:
    return f"{number:,} lead" if number == 1 else f"{number:,} leads"


_IN_SUM: Mapping[str, str] = {
    Rule.STATUS: "your account was paused or suspended",
    Rule.PAUSED: "you were away",
    Rule.SERVICE: "the service is not one of yours",
    Rule.TERRITORY: "the place was outside your territory",
    Rule.DUPLICATE_TO_INSTALLER: "you had the lead or the person already",
    Rule.RETURNED_BY_INSTALLER: "you had given the lead back",
    Rule.FAILED_BEFORE: "the lead had not reached you or was taken back",
    Rule.HOURS: "you were closed",
    Rule.CREDIT_HOLD: "there was a credit hold on your account",
    Rule.DELIVERY_HEALTH: "leads could not be delivered to you",
    Rule.CAP_DAY: "your cap of the day was full",
    Rule.CAP_WEEK: "your cap of the week was full",
    Rule.CAP_MONTH: "your cap of the cycle was full",
    Rule.BACKLOG_PACE: "you had just had your share of leads that waited",
}


def _why(verdict: Mapping[str, Any], time_zone: str) -> str:
    tell = _TELLERS.get(verdict["rule"])
    return tell(verdict["compared"], time_zone) if tell else f"It did not pass: {_plain(verdict['rule'])}."


def _plain(code: str) -> str:
    return code.replace("-", " ").replace("_", " ")


def _day(instant: str, time_zone: str) -> str:
    local = datetime.fromisoformat(instant).astimezone(WallClock.of(time_zone).zone)
    return f"{local.day} {local:%B %Y}"


def _away(compared: Mapping[str, Any], time_zone: str) -> str:
    until = f" until {_day(ends_at, time_zone)}" if (ends_at := compared["ends_at"]) else ""
    return f"You were away{until}."


def _service(compared: Mapping[str, Any], _zone: str) -> str:
    return f"{_plain(compared['wanted']).capitalize()} was not one of your services."


def _duplicate(compared: Mapping[str, Any], _zone: str) -> str:
    if compared["live_assignments"]:
        return "You had this lead already."
    return "You had been given another lead of the same person for the same service."


def _hours(compared: Mapping[str, Any], _zone: str) -> str:
    if compared["is_public_holiday"]:
        return "It was a public holiday, which you keep."
    return f"You were closed: it was {compared['local_time'].partition('T')[2]} by your clock."


def _cap(period: str) -> Callable[[Mapping[str, Any], str], str]:
    def tell(compared: Mapping[str, Any], _zone: str) -> str:
        if "limit" not in compared:
            return (
                f"Your time zone, {compared['time_zone']}, was not known, so your cap of the {period} was not either."
            )
        taken = compared["used"] + compared["reserved"]
        return f"Your cap of the {period} was full: {taken:,} of {compared['limit']:,}."

    return tell


_TELLERS: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    Rule.STATUS: lambda compared, _zone: f"Your account was {compared['status']}.",
    Rule.PAUSED: _away,
    Rule.SERVICE: _service,
    Rule.TERRITORY: lambda compared, _zone: f"{compared['place']} was outside your territory.",
    Rule.DUPLICATE_TO_INSTALLER: _duplicate,
    Rule.RETURNED_BY_INSTALLER: lambda _compared, _zone: "You had given this lead back before.",
    Rule.FAILED_BEFORE: lambda _compared, _zone: "This lead had not reached you before, or was taken back.",
    Rule.HOURS: _hours,
    Rule.CREDIT_HOLD: lambda _compared, _zone: "There was a credit hold on your account.",
    Rule.DELIVERY_HEALTH: lambda _compared, _zone: "Leads could not be delivered to you at that time.",
    Rule.CAP_DAY: _cap("day"),
    Rule.CAP_WEEK: _cap("week"),
    Rule.CAP_MONTH: _cap("cycle"),
    Rule.BACKLOG_PACE: lambda _compared, _zone: "You had just had your share of leads that had waited.",
}
