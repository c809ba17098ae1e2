"""Deliveries that could not be written down, as the rooms tell of them: each with the way to its cure."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from uuid import UUID

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Note, Table
from chassis.console.siblings import PARKED_EVENTS
from chassis.console.wording import counted
from contracts.routing import AssignmentSent
from contracts.topics import ASSIGNMENTS
from services.billing.domain.unrecorded import Lost
from services.billing.pages.doors import account_path

PARKED = PARKED_EVENTS.path("billing")
WAIT = f"{PARKED}?{urlencode({'state': 'parked', 'topic': ASSIGNMENTS.name, 'may_be': AssignmentSent.type})}"
"""As `queries/unrecorded.py` counts them, of whichever month."""
SHOWN = 20


def note_of(count: int) -> Note:
    return Note(
        f"{counted(count, 'delivery', 'deliveries')} could not be recorded",
        "What was sent stands in no ledger yet, so that the month is not whole: it can be neither drafted nor issued. "
        "Open each below: replay it once its cause is mended, or discard it with a reason.",
        "danger",
    )


def table_of(lost: Sequence[Lost], names: Mapping[UUID, str]) -> Table:
    rows = [
        (
            _installer(each, names),
            Shown(each.delivered_at, Kind.INSTANT) if each.delivered_at else "Not readable: it may be of any month",
            Shown(each.reason_code, Kind.WORD),
            Shown(each.parked_at, Kind.AGO),
            Shown("Replay or discard", path=f"{PARKED}/{each.parked_event_id}"),
        )
        for each in lost[:SHOWN]
    ]
    heads = (
        ("Installer", Kind.TEXT),
        ("Sent", Kind.INSTANT),
        ("Why it waits", Kind.TEXT),
        ("Since", Kind.AGO),
        ("What cures it", Kind.TEXT),
    )
    return Table("Not recorded", heads, rows, more=("All that wait, of whichever month", WAIT))


def _installer(lost: Lost, names: Mapping[UUID, str]) -> Shown:
    if lost.installer_id is None:
        return Shown("Not readable")
    if lost.installer_id not in names:
        return Shown("Not known to billing yet")
    return Shown(names[lost.installer_id], path=account_path(lost.installer_id))
