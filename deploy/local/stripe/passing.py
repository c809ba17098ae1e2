"""What the passing of (injected) time does by itself: drafts on auto-advance finalise, open invoices become overdue."""

import asyncio
import logging

from deploy.local.stripe.event_log import KEPT_SECONDS
from deploy.local.stripe.resources.invoice_actions import finalize_invoice
from deploy.local.stripe.resources.invoice_sums import InvoiceStatus
from deploy.local.stripe.world import Call, World

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 0.5


async def pass_time(world: World) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        try:
            look(world)
        except Exception:
            log.exception("the passing of time could not be worked off; the next look tries again")


def look(world: World) -> None:
    now = world.now()
    call = Call(world)
    for invoice in world.platform["invoice"].all():
        is_draft = invoice["status"] == InvoiceStatus.DRAFT
        if is_draft and (invoice["automatically_finalizes_at"] or now + 1) <= now:
            finalize_invoice(call, invoice)
        is_overdue = invoice["status"] == InvoiceStatus.OPEN and (invoice["due_date"] or now) < now
        if is_overdue and invoice["id"] not in world.overdue_announced:
            world.overdue_announced.add(invoice["id"])
            call.emit("invoice.overdue", invoice)
    world.events.forget_before(now - KEPT_SECONDS)
