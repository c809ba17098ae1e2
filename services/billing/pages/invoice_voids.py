"""Voids over the limit on an invoice's page: what waits for a second operator, and what was asked for before."""

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Note, Table
from chassis.console.wording import money
from services.billing.pages.doors import VOID_REQUESTS
from services.billing.pages.invoice_page import InvoicePage
from services.billing.pages.void_requests import STATES, TONES
from services.billing.queries import void_requests

VERBS = {
    "approve_void": "agreed to its void",
    "ask_void": "asked to void it",
    "reject_void": "turned its void down",
    "void_invoice": "voided it",
}


async def void_waits(page: InvoicePage) -> Note | None:
    pending = await void_requests.pending_of(page.session, page.detail.id)
    if pending is None:
        return None
    item = (f"Void of {money(pending.amount_cents)}", f"{VOID_REQUESTS}/{pending.id}")
    return Note("A void waits for a second operator", "Nothing has come of it yet.", "warning", [item])


async def asked_for(page: InvoicePage) -> Table | None:
    found = await void_requests.of_invoice(page.session, page.detail.id)
    if not found:
        return None
    return Table(
        "Voids asked for",
        (
            ("Asked for", Kind.AGO),
            ("Reason", Kind.WORD),
            ("State", Kind.CHIP),
            ("Asked by", Kind.TEXT),
            ("Owed", Kind.MONEY),
        ),
        [
            (
                Shown(each.created_at, Kind.AGO, path=f"{VOID_REQUESTS}/{each.id}"),
                Shown(each.reason_code, Kind.WORD),
                Shown(STATES[each.state], Kind.CHIP, tones={STATES[each.state]: TONES.get(each.state, "")}),
                each.made_by_name,
                Shown(each.amount_cents, Kind.MONEY),
            )
            for each in found
        ],
    )
