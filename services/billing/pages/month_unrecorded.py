"""The step of a month's close for deliveries that billing was told of and could not write: its sums lack them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Note, Table, Told
from chassis.console.siblings import PARKED_EVENTS
from chassis.console.wording import counted, sentence, words
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen, said
from services.billing.queries import month_steps

SHOWN_EVENTS = 20
PARKED = PARKED_EVENTS.path("billing")
QUEUE = f"{PARKED}?state=parked&q=assignment.sent"


async def _show(close: Close) -> Screen:
    found = await month_steps.unrecorded(close.session, SHOWN_EVENTS)
    number = close.counts.unrecorded
    if not found:
        note = Note("Every delivery that billing was told of is written", tone="positive")
        return Screen("Deliveries not recorded", notes=[note])
    note = Note(
        f"{counted(number, 'delivery is', 'deliveries are')} not recorded",
        "Billing was told of them and could not write them, so no draft has them. Open each: play it again once its "
        "cause is mended, or discard it with a reason. Which month it is of is not known before it is written.",
        "danger",
    )
    heads = (("Delivery", Kind.TEXT), ("Why it waits", Kind.TEXT), ("Since", Kind.AGO), ("Tries", Kind.NUMBER))
    table = Table("Waits to be written", heads, [_row(each) for each in found], more=(f"All {number:,}", QUEUE))
    return Screen("Deliveries not recorded", notes=[note], tables=[table])


def _row(event: Row[Any]) -> Sequence[Told]:
    return (
        Shown(f"Event {str(event.event_id or event.id)[-8:]}", path=f"{PARKED}/{event.id}"),
        said(f"{words(event.reason_code)}: {sentence(event.reason_detail)}"),
        Shown(event.parked_at, Kind.AGO),
        Shown(event.attempts, Kind.NUMBER),
    )


def _state(close: Close) -> str:
    number = close.counts.unrecorded
    return f"{counted(number, 'delivery', 'deliveries')} to write" if number else "None"


STEP = MonthStep("unrecorded", "Deliveries not recorded", _state, _show)
