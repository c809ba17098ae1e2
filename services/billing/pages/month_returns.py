"""The step of a month's close for what installers want to give back: undecided, it is billed now and credited later."""

from collections.abc import Sequence

from chassis.console import Console
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Note, Table, Told
from chassis.console.wording import counted
from services.billing.pages.credit_notes import month_notes
from services.billing.pages.deliveries import lead_title
from services.billing.pages.doors import DELIVERIES, account_path
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen, more
from services.billing.queries import month_steps
from services.billing.queries.month_steps import MonthReturn

SHOWN_RETURNS = 50
QUEUE = "/console/returns"
"""Of routing, which decides them."""


async def _show(close: Close) -> Screen:
    number = close.counts.returns
    waiting = [note for note in await month_notes(close.session, close.period) if note.items]
    if not number:
        return Screen(
            "Open returns", notes=[Note("Every return of the month's deliveries is decided", tone="positive"), *waiting]
        )
    found = await month_steps.returns(close.session, close.period, close.installer_ids, SHOWN_RETURNS)
    note = Note(
        f"{counted(number, 'return of the month is', 'returns of the month are')} not decided",
        "The month can be drafted all the same: what is accepted after the issue becomes a credit with its adjustment "
        "note. Decided before, it is not billed at all.",
        "warning",
    )
    heads = (
        ("Delivery", Kind.TEXT),
        ("Installer", Kind.TEXT),
        ("Delivered", Kind.INSTANT),
        ("Unit price", Kind.MONEY),
        ("Decide by", Kind.INSTANT),
        ("", Kind.TEXT),
    )
    queue = close.console.addresses.url("routing", QUEUE)
    door = more(number, queue, len(found)) or ("All returns that wait for a decision", queue)
    table = Table("To decide", heads, [_row(each, close.console) for each in found], more=door)
    return Screen("Open returns", notes=[note, *waiting], tables=[table])


def _row(each: MonthReturn, console: Console) -> Sequence[Told]:
    delivery = each.delivery
    asked = console.addresses.url("routing", f"{QUEUE}/{each.return_id}")
    return (
        Shown(lead_title(delivery.service, delivery.locality), path=f"{DELIVERIES}/{delivery.id}"),
        Shown(each.installer_name, path=account_path(delivery.installer_id)),
        Shown(delivery.delivered_at, Kind.INSTANT),
        Shown(delivery.unit_price_cents, Kind.MONEY),
        Shown(each.decide_by, Kind.INSTANT),
        Shown("Decide", path=asked),
    )


def _state(close: Close) -> str:
    number = close.counts.returns
    return f"{counted(number, 'return', 'returns')} to decide" if number else "None"


STEP = MonthStep("returns", "Open returns", _state, _show)
