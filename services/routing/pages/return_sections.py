"""The sections of a return's page: what was said, and the evidence that the system collected."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact, Facts, Prose, Section, Table
from chassis.console.wording import words
from services.routing.domain.states import Channel, DeliveryStep
from services.routing.http.returns import ReturnView
from services.routing.pages.return_words import STATES, TONES, last_day
from services.routing.pages.telling import ASSIGNMENTS, DISPATCHES, RETURNS, STEP_TONES, told_answer


def sections_of(asked: ReturnView) -> Sequence[Section]:
    """Told as it was when the return was asked for, but for a mail that came back while it waited."""
    told = asked.evidence
    said = [Prose("What the installer says", [asked.words])] if asked.words else []
    decided = [Prose("What was decided", [asked.decision_note])] if asked.decision_note else []
    return (
        *said,
        *decided,
        _delivery_facts(told),
        _duplicates(told["duplicates"]),
        _delivery_log(told["delivery"]),
        _before("Earlier returns of this lead", told["of_the_lead"], "Nobody had returned it before."),
        _before("Its other returns in this cycle", told["of_the_installer"], "It had returned nothing else."),
    )


def _delivery_facts(told: Mapping[str, Any]) -> Facts:
    window, quota = told["window"], told["quota"]
    return Facts(
        "What the system knew when it was asked for",
        [
            Fact("Sent", _instant(told["sent_at"])),
            Fact("Could be returned till the end of", last_day(datetime.fromisoformat(window["ends_at"]))),
            Fact("Within the window", Shown(not window["is_past"], Kind.YES_NO)),
            Fact("Given by hand", Shown(told["given_by_hand"], Kind.YES_NO)),
            Fact("In its territory then", _verdict(told["territory"])),
            Fact("Its service then", _verdict(told["service"])),
            Fact("Delivered in the cycle", Shown(quota["delivered"], Kind.NUMBER)),
            Fact("Taken back in the cycle", f"{quota['accepted']} of {quota['allowed']} allowed"),
        ],
    )


def _verdict(passed: bool | None) -> Shown:
    return Shown("Not told") if passed is None else Shown(passed, Kind.YES_NO)


def _instant(told: str) -> Shown:
    return Shown(datetime.fromisoformat(told), Kind.INSTANT)


def _duplicates(found: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        "Leads of the same person that it had before",
        (("Assignment", Kind.ID), ("Lead", Kind.ID), ("Sent", Kind.INSTANT), ("How they belong together", Kind.WORD)),
        [
            (
                Shown(each["assignment_id"], Kind.ID, path=f"{ASSIGNMENTS}/{each['assignment_id']}"),
                Shown(each["lead_id"], Kind.ID, path=f"{DISPATCHES}/{each['lead_id']}"),
                _instant(each["sent_at"]),
                Shown(each["link"], Kind.WORD),
            )
            for each in found
        ],
        empty="None is known.",
    )


def _delivery_log(entries: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        "Its delivery",
        (("At", Kind.INSTANT), ("Channel", Kind.WORD), ("What came of it", Kind.CHIP), ("Answer", Kind.TEXT)),
        [
            (
                _instant(each["at"]),
                Shown(each["channel"], Kind.WORD),
                Shown(each["what"], Kind.CHIP, tones=STEP_TONES),
                Shown(_answer(each)),
            )
            for each in entries
        ],
        empty="It was delivered before this was kept.",
    )


def _answer(each: Mapping[str, Any]) -> str:
    """What was kept before mails could come back has no status of theirs."""
    answer = told_answer(Channel(each["channel"]), each["status"], each.get("enhanced_status"))
    reason = words(each["reason_code"] or "")
    return f"{reason}, {answer}" if each["what"] == DeliveryStep.BOUNCED else answer or reason


def _before(title: str, earlier: Sequence[Mapping[str, Any]], empty: str) -> Table:
    return Table(
        title,
        (("Because", Kind.TEXT), ("State then", Kind.CHIP), ("Asked for", Kind.INSTANT)),
        [
            (
                Shown(words(each["code"]), path=f"{RETURNS}/{each['return_id']}"),
                Shown(STATES[each["state"]], Kind.CHIP, TONES.get(each["state"], "")),
                _instant(each["requested_at"]),
            )
            for each in earlier
        ],
        empty=empty,
    )
