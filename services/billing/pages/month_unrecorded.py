"""The step of a month's close for deliveries that billing was told of and could not write: its sums lack them."""

from chassis.console.documents import Note
from chassis.console.wording import counted
from services.billing.pages import unrecorded
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen
from services.billing.queries import periods


async def _show(close: Close) -> Screen:
    number = close.unrecorded_count
    if not number:
        note = Note("Every delivery that billing was told of is written", tone="positive")
        return Screen("Deliveries not recorded", notes=[note])
    installers = {each.installer_id for each in close.unrecorded if each.installer_id}
    names = await periods.names_of(close.session, installers)
    table = unrecorded.table_of(close.unrecorded, names)
    return Screen("Deliveries not recorded", notes=[unrecorded.note_of(number)], tables=[table])


def _state(close: Close) -> str:
    number = close.unrecorded_count
    return f"{counted(number, 'delivery', 'deliveries')} to write" if number else "None"


STEP = MonthStep("unrecorded", "Deliveries not recorded", _state, _show)
