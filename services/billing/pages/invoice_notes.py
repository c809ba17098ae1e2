"""What an invoice's page says aloud: what is in the way of its issue, what waits, and what it stands beside."""

from chassis.console.documents import Note
from chassis.console.wording import counted
from services.billing.domain.statuses import AdjustmentState
from services.billing.pages.cures import cure_of
from services.billing.pages.doors import invoice_path
from services.billing.pages.invoice_page import InvoicePage
from services.billing.pages.invoice_words import adjustment_name, gone_with_it
from services.billing.queries import invoices


async def blocked(page: InvoicePage) -> Note | None:
    if not (blockers := page.other_blockers):
        return None
    title = f"{counted(len(blockers), 'thing stands', 'things stand')} in the way of its issue"
    return Note(title, "", "warning", [cure_of(each, page) for each in blockers])


async def adjustments_wait(page: InvoicePage) -> Note | None:
    pending = [each for each in page.detail.adjustments if each.state is AdjustmentState.PENDING]
    if not pending:
        return None
    number = counted(len(pending), "adjustment waits", "adjustments wait")
    items = [(adjustment_name(each), f"/console/adjustments/{each.id}") for each in pending]
    return Note(f"{number} for a second operator", "Nothing has come of it yet.", "warning", items)


async def deliveries_came_late(page: InvoicePage) -> Note | None:
    if not page.late:
        return None
    number = counted(len(page.late), "delivery", "deliveries")
    return Note(f"{number} of its month came late", "A debit for late delivery charges what came late.", "info")


async def drafted_again(page: InvoicePage) -> Note | None:
    if page.successor is None:
        return None
    item = (page.successor.number or "The draft", invoice_path(page.detail.kind, page.successor.id))
    return Note("It was drafted again", "", "info", [item])


async def replaces(page: InvoicePage) -> Note | None:
    if page.detail.replaces_invoice_id is None:
        return None
    void = await invoices.find(page.session, page.detail.replaces_invoice_id)
    item = ("The void invoice", invoice_path(void.kind, void.id))
    lost = gone_with_it(void.credits_cents, void.debits_cents)
    return Note("It takes the place of a void one", lost, "warning" if lost else "info", [item])
