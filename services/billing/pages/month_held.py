"""The step of a month's close for what has no price: a month closes whole, and this holds it up."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Note, Table
from chassis.console.wording import counted, words
from services.billing.domain.periods import Period
from services.billing.models import HeldDelivery
from services.billing.pages.doors import HELD, account_path
from services.billing.pages.held import cure_of
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen
from services.billing.queries import periods

SHOWN_HELD = 20


async def _show(close: Close) -> Screen:
    held = await periods.held(close.session, close.period, close.installer_ids)
    names = await periods.names_of(close.session, {each.installer_id for each in held})
    return _screen(close.period, held, names)


def _screen(period: Period, held: Sequence[HeldDelivery], names: Mapping[UUID, str]) -> Screen:
    rows = [
        (
            Shown(names[each.installer_id], path=account_path(each.installer_id))
            if each.installer_id in names
            else "Not known yet",
            f"{words(each.product_type)} lead, {words(each.service).lower()}, {each.locality}",
            Shown(each.delivered_at, Kind.INSTANT),
            Shown(each.held_at, Kind.AGO),
            cure_of(each.installer_id, is_known=each.installer_id in names),
        )
        for each in held[:SHOWN_HELD]
    ]
    heads = (
        ("Installer", Kind.TEXT),
        ("Delivery", Kind.TEXT),
        ("No price for", Kind.INSTANT),
        ("Held", Kind.AGO),
        ("What cures it", Kind.TEXT),
    )
    door = (f"All {len(held):,} that wait", f"{HELD}?state=waits&month={period.name}")
    table = Table("Waits for a price", heads, rows, more=door if held else None)
    if not held:
        note = Note("Every delivery of the month has its price", tone="positive")
        return Screen("Held deliveries", notes=[note])
    installers = len({each.installer_id for each in held})
    note = Note(
        f"{counted(len(held), 'delivery has', 'deliveries have')} no price",
        f"Add a price plan for the day to {counted(installers, 'installer', 'installers')}: each delivery is then "
        "billed at the price of its own day. Until then the month cannot be drafted.",
        "warning",
    )
    return Screen("Held deliveries", notes=[note], tables=[table])


def _state(close: Close) -> str:
    held = close.figures.held_count
    return f"{counted(held, 'waits', 'wait')} for a price" if held else "None"


STEP = MonthStep("held", "Held deliveries", _state, _show)
