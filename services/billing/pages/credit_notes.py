"""What other rooms say of credits that are on their way: how many wait for an invoice, and what may still come."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.documents import Note
from chassis.console.wording import counted
from services.billing.domain.periods import Period
from services.billing.queries import credit_requests

WAITING = "/console/credit-proposals?state=waits_for_invoice"
_WAIT = ("credit waits", "credits wait")


async def waiting_notes(session: AsyncSession, _now: datetime, _zone: ZoneInfo) -> Sequence[Note]:
    """Beside the adjustments: they become some."""
    number = await credit_requests.waiting(session)
    if not number:
        return ()
    text = "They were agreed to before their deliveries were billed, and come here right after the issue."
    return (Note(f"{counted(number, *_WAIT)} for an invoice", text, items=[("Show them", WAITING)]),)


async def month_notes(session: AsyncSession, period: Period) -> Sequence[Note]:
    """Before a month's drafts are issued."""
    waiting = await credit_requests.waiting_in(session, period.start, period.end)
    returns = await credit_requests.returns_open_in(session, period.start, period.end)
    notes: list[Note] = []
    if waiting:
        text = "No draft changes: each is given right after the issue, with an adjustment note."
        notes.append(Note(f"{counted(waiting, *_WAIT)} for these invoices", text, items=[("Show them", WAITING)]))
    if returns:
        title = counted(returns, "return of the month is not decided", "returns of the month are not decided")
        notes.append(Note(title, "What is accepted after the issue becomes a credit.", "warning"))
    return notes
