"""Webhooks that are not Stripe's, that come too often, too early, in another order, or not at all."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from tests.faults.fault import Fault, Round
from tests.faults.stripe_desk import StripeDesk
from tests.kit.eventually import eventually

COPIES = 3
DAYS_LOST = timedelta(days=3)
TOLERANCE_SECONDS = 300
TOTAL = "SELECT total_cents FROM invoices WHERE id = $1"
PAYMENTS = "SELECT count(*) FROM payments WHERE invoice_id = $1"
MISSED = "SELECT count(*) FROM stripe_events WHERE stripe_invoice_id = $1 AND was_missed"
OPEN = """
    SELECT code, about_key FROM differences
     WHERE state = 'open' AND (about_key = $1 OR invoice_id = $2)
"""
UNMATCHED = "SELECT count(*) FROM stripe_events WHERE stripe_invoice_id = $1 AND state = 'unmatched'"


class WebhooksGoneWrong(Fault):
    number = 19
    injects = "webhooks forged, stale, doubled, in reverse order, before our invoice has its reference, lost for 3 days"
    holds = (
        "nothing comes of what is forged; all that Stripe was paid is in the books once, to the cent (I5), what was "
        "lost is found in its own list of events, and a comparison of both sides finds nothing of it"
    )

    async def inject(self, at: Round) -> None:
        desk = StripeDesk(at.rig)
        async with at.rig.hold("billing"):
            await self._forged_and_stale(at, desk)
            await self._doubled_and_reversed(at, desk)
            await self._before_ours(at, desk)
            await self._lost(at, desk)

    async def _forged_and_stale(self, at: Round, desk: StripeDesk) -> None:
        (invoice_id,), (stripe_id,) = await self._sent(at, desk, 1)
        body = _paid_event(f"evt_forged_{at.chance.getrandbits(40)}", stripe_id)
        secret, now = desk.stripe.webhook_secret, int(time.time())
        signatures = {
            "forged": _signed(body, "whsec_of_somebody_else", now),
            "of other bytes": _signed(body + b" ", secret, now),
            "stale": _signed(body, secret, now - TOLERANCE_SECONDS - 1),
            "of no time": "v1=00",
        }
        for kind, signature in signatures.items():
            url = at.rig.running.url("billing", "/webhooks/stripe")
            answer = await at.rig.running.client.post(url, content=body, headers={"Stripe-Signature": signature})
            at.require(400 <= answer.status_code < 500, f"a webhook that is {kind} was answered {answer.status_code}")
            at.note("webhooks refused")
        known = await at.rig.number("billing", "SELECT count(*) FROM stripe_events WHERE event_id LIKE 'evt_forged_%'")
        at.require(not known, "a webhook that is not Stripe's was kept")
        at.require(not await at.rig.number("billing", PAYMENTS, invoice_id), "a forged webhook paid an invoice")

    async def _doubled_and_reversed(self, at: Round, desk: StripeDesk) -> None:
        invoices, stripe_ids = await self._sent(at, desk, 2)
        await desk.control("webhooks/duplicate", {"copies": COPIES})
        await desk.control("webhooks/pause")
        for stripe_id in stripe_ids:
            await desk.pay(stripe_id)
        await desk.control("webhooks/resume", {"order": "reverse"})
        for invoice_id in invoices:
            await self._until_paid(at, invoice_id)
        await desk.control("webhooks/duplicate", {"copies": 1})
        at.note("webhooks doubled and reversed", COPIES * len(invoices))

    async def _before_ours(self, at: Round, desk: StripeDesk) -> None:
        """Stripe's customer pays what we have not told anybody yet that it is ours."""
        invoice_id, stripe_id = await self._drafted(at, desk)
        await desk.pay(stripe_id)
        await eventually(lambda: at.rig.number("billing", UNMATCHED, stripe_id), at.scale.settle_seconds)
        await at.load.boards.send(invoice_id, stripe_id)
        await self._until_paid(at, invoice_id)
        at.note("webhooks before their invoice")

    async def _lost(self, at: Round, desk: StripeDesk) -> None:
        invoices, stripe_ids = await self._sent(at, desk, 2)
        await desk.control("webhooks/drop")
        for stripe_id in stripe_ids:
            await desk.pay(stripe_id)
        heard = [invoice for invoice in invoices if await at.rig.number("billing", PAYMENTS, invoice)]
        at.require(not heard, "a webhook that was dropped was heard of")
        at.rig.pass_time(DAYS_LOST)
        for invoice_id in invoices:
            await self._until_paid(at, invoice_id)
        for stripe_id in stripe_ids:
            await eventually(partial(at.rig.number, "billing", MISSED, stripe_id), at.scale.settle_seconds)
        await self._compare(at, invoices, stripe_ids)
        await desk.control("webhooks/resume", {"order": "happened"})
        at.note("webhooks lost", len(invoices))

    async def _compare(self, at: Round, invoices: list[UUID], stripe_ids: list[str]) -> None:
        """What was lost is found, and the comparison of both sides says so of these invoices."""
        await StripeDesk(at.rig).compare(at.scale.settle_seconds)
        for invoice_id, stripe_id in zip(invoices, stripe_ids, strict=True):
            left = await at.rig.rows("billing", OPEN, stripe_id, invoice_id)
            at.require(not left, f"Stripe differs after all: {[dict(row) for row in left]}")

    async def _sent(self, at: Round, desk: StripeDesk, number: int) -> tuple[list[UUID], list[str]]:
        """Invoices that were sent with the reference of one at Stripe."""
        made = [await self._drafted(at, desk) for _ in range(number)]
        for invoice_id, stripe_id in made:
            await at.load.boards.send(invoice_id, stripe_id)
        return [ours for ours, _ in made], [theirs for _, theirs in made]

    async def _drafted(self, at: Round, desk: StripeDesk) -> tuple[UUID, str]:
        invoice_id = await at.load.boards.invoiced()
        return invoice_id, await desk.invoice(await at.rig.number("billing", TOTAL, invoice_id))

    async def _until_paid(self, at: Round, invoice_id: UUID) -> None:
        await eventually(lambda: at.rig.number("billing", PAYMENTS, invoice_id), at.scale.settle_seconds)
        at.require(await at.rig.number("billing", PAYMENTS, invoice_id) == 1, "an invoice was paid twice")

    async def verify(self, at: Round) -> None:
        waiting = await at.rig.rows("billing", "SELECT event_id, state FROM stripe_events WHERE state = 'held'")
        at.require(not waiting, f"webhooks wait for a person: {[dict(row) for row in waiting]}")


def _paid_event(event_id: str, stripe_invoice_id: str) -> bytes:
    event: dict[str, Any] = {
        "id": event_id,
        "object": "event",
        "type": "invoice.paid",
        "data": {"object": {"id": stripe_invoice_id, "object": "invoice", "status": "paid"}},
    }
    return json.dumps(event).encode()


def _signed(body: bytes, secret: str, at_second: int) -> str:
    """As Stripe documents it."""
    digest = hmac.new(secret.encode(), f"{at_second}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_second},v1={digest}"
