"""A month that is invoiced by several at once, by processes that die half-way, while the clock passes its end."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from chassis.ids import new_id
from tests.faults.fault import Fault, Round
from tests.faults.stripe_desk import StripeDesk
from tests.kit.eventually import eventually

BUSINESS = ZoneInfo("Australia/Sydney")
AT_ONCE = 3
NOT_ENDED = 409

UNFINISHED = "SELECT id FROM close_runs WHERE state <> 'finished'"
TWICE = """
    SELECT account_id FROM invoices WHERE kind = 'installer' AND document_status <> 'void'
    GROUP BY account_id, period_start HAVING count(*) > 1
"""
SUMS = """
    SELECT i.id FROM invoices i LEFT JOIN invoice_lines l ON l.invoice_id = i.id
    WHERE i.kind = 'installer' AND i.document_status <> 'void'
    GROUP BY i.id HAVING coalesce(sum(l.inc_gst_cents), 0) <> i.total_cents
"""
MISPLACED = """
    SELECT l.delivery_event_id FROM invoice_lines l
    JOIN invoices i ON i.id = l.invoice_id JOIN delivery_events d ON d.id = l.delivery_event_id
    WHERE d.delivered_at < i.period_start OR d.delivered_at >= i.period_end
"""
GAPS = """
    SELECT number FROM (
        SELECT number, substring(number FROM '[0-9]+$')::bigint AS place, row_number() OVER (ORDER BY number) AS rank
        FROM invoices WHERE number IS NOT NULL
    ) AS numbered WHERE place <> rank
"""
UNDER_WAY = "SELECT count(*) FROM assignments WHERE status = 'pending' AND created_at < $1"
DELIVERED = "SELECT id FROM assignments WHERE sent_at < $1"
RECORDED = "SELECT count(*) FROM delivery_events WHERE assignment_id = ANY($1::uuid[])"
ASKED = "SELECT count(*) FROM close_runs WHERE id = ANY($1::uuid[])"
DRAFTS = "SELECT id, total_cents FROM invoices WHERE period = $1 AND document_status = 'draft' ORDER BY id"
ISSUED = "SELECT count(*) FROM invoices WHERE period = $1 AND document_status = 'issued'"


class InvoicedAtOnce(Fault):
    number = 20
    injects = (
        f"{AT_ONCE} runs of drafts and of issue at once, a kill -9 of billing amidst them, a clock that passes the "
        "month's end"
    )
    holds = "one invoice for each installer and month; totals equal the lines; numbers without gaps; each run ends"
    kills = True

    async def inject(self, at: Round) -> None:
        async with at.rig.hold("billing"):
            await at.rig.processes["billing"].until_ready()
            now = at.rig.system.clock.now().astimezone(BUSINESS)
            month = {"period": f"{now:%Y-%m}"}
            answer = await at.rig.running.ask("POST", "billing", "/admin/billing/generate-invoice-drafts", json=month)
            at.require(answer.status_code == NOT_ENDED, f"a month that runs was answered {answer.status_code}")
            end = _end_of(now)
            at.rig.system.clock.move_to(end + timedelta(minutes=1))
            await eventually(lambda: self._is_all_recorded(at, end), at.scale.settle_seconds)
            await self._at_once(at, "generate-invoice-drafts", month)
            await self._keep_references(at, month["period"])
            await self._at_once(at, "issue-invoices", month)
            issued = await eventually(
                lambda: at.rig.number("billing", ISSUED, month["period"]), at.scale.settle_seconds
            )
            at.note("invoices issued", issued)

    async def _is_all_recorded(self, at: Round, end: datetime) -> bool:
        """What is under way as the month ends is waited for: a draft that lacks a delivery is rightly not issued."""
        delivered = [row["id"] for row in await at.rig.rows("routing", DELIVERED, end)]
        under_way = await at.rig.number("routing", UNDER_WAY, end)
        return not under_way and await at.rig.number("billing", RECORDED, delivered) == len(delivered)

    async def _at_once(self, at: Round, deed: str, month: dict[str, Any]) -> None:
        """Runs of one id each: whoever gets no answer asks again for the same one. Billing dies while they go on."""
        ids = [new_id() for _ in range(AT_ONCE)]
        bodies = [month | {"run_id": str(id_)} for id_ in ids]
        runs = [asyncio.create_task(self._until_answered(at, deed, body)) for body in bodies]
        await eventually(lambda: at.rig.number("billing", ASKED, ids), at.scale.settle_seconds)
        await at.rig.start("billing")
        at.note("kills")
        await asyncio.gather(*runs)
        at.note(f"runs of {deed} at once", AT_ONCE)

    async def _until_answered(self, at: Round, deed: str, body: dict[str, Any]) -> None:
        async def answered() -> bool:
            try:
                answer = await at.rig.running.ask("POST", "billing", f"/admin/billing/{deed}", json=body)
            except httpx.TransportError as away:
                raise AssertionError("billing is away") from away
            assert answer.status_code in {200, 202}, answer.text
            return True

        await eventually(answered, at.scale.settle_seconds)

    async def _keep_references(self, at: Round, period: str) -> None:
        for row in await at.rig.rows("billing", DRAFTS, period):
            path = f"/admin/billing/invoices/{row['id']}/stripe-reference"
            reference = await StripeDesk(at.rig).invoice(row["total_cents"])
            await at.rig.told("PUT", "billing", path, {"stripe_invoice_id": reference})

    async def verify(self, at: Round) -> None:
        unfinished = await at.rig.rows("billing", UNFINISHED)
        at.require(not unfinished, f"{len(unfinished)} runs never ended")
        for what, query in (
            ("installers with two invoices for a month", TWICE),
            ("invoices whose lines do not add up", SUMS),
            ("lines of another month", MISPLACED),
            ("numbers after a gap", GAPS),
        ):
            found = await at.rig.rows("billing", query)
            at.require(not found, f"{len(found)} {what}: {found[:1]}")


def _end_of(moment: datetime) -> datetime:
    """The month's end of the business, as its clocks have it."""
    return (moment.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
