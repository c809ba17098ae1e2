"""Prices that several change at once, while deliveries are priced by them and a month is invoiced."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from tests.faults.fault import Fault, Round
from tests.kit.eventually import eventually

EDITORS = 6
CONFLICT, CREATED, LOOKED = 409, 201, 200
BUSINESS = ZoneInfo("Australia/Sydney")
BUSY = "SELECT DISTINCT installer_id FROM delivery_events ORDER BY installer_id"

MISPRICED = """
    SELECT d.id FROM delivery_events d LEFT JOIN price_plans p ON p.id = d.price_plan_id
    WHERE p.installer_id IS DISTINCT FROM d.installer_id OR p.effective_from > d.delivered_at OR d.unit_price_cents <>
        CASE d.product_type WHEN 'exclusive' THEN p.exclusive_price_cents ELSE p.shared_price_cents END
"""
LINES = """
    SELECT l.delivery_event_id FROM invoice_lines l JOIN delivery_events d ON d.id = l.delivery_event_id
    WHERE l.is_live GROUP BY l.delivery_event_id, d.unit_price_cents
    HAVING count(*) > 1 OR min(l.unit_price_cents) <> d.unit_price_cents
"""
SUMS = """
    SELECT i.id FROM invoices i JOIN invoice_lines l ON l.invoice_id = i.id AND l.is_live
    WHERE i.kind = 'installer' AND i.document_status <> 'void'
    GROUP BY i.id HAVING sum(l.ex_gst_cents) <> i.subtotal_cents
"""
TWICE = """
    SELECT account_id FROM invoices
    WHERE kind = 'installer' AND document_status <> 'void' AND replaces_invoice_id IS NULL
    GROUP BY account_id, period_start HAVING count(*) > 1
"""


class PlansEditedAtOnce(Fault):
    number = 21
    injects = f"{EDITORS} edits of one installer's prices from one instant, others around it, and edits while invoicing"
    holds = "one edit wins and the others are told; versions never overlap; each line has one version's price"

    async def inject(self, at: Round) -> None:
        async with at.rig.hold("billing"):
            await at.rig.processes["billing"].until_ready()
            installers = [row["installer_id"] for row in await eventually(lambda: _busy(at), at.scale.settle_seconds)]
            for _ in range(at.scale.times):
                installer = at.chance.choice(installers)
                await self._edit_from_one_instant(at, installer)
                await self._edit_around_it(at, installer)
            await self._edit_while_invoicing(at, installers)

    async def _edit_from_one_instant(self, at: Round, installer: UUID) -> None:
        since = at.rig.system.clock.now()
        edits = [self._edit(at, installer, since, place) for place in range(EDITORS)]
        looks = [self._look(at, installer, since) for _ in range(EDITORS)]
        answers, seen = await asyncio.gather(asyncio.gather(*edits), asyncio.gather(*looks))
        codes = Counter(answers)
        at.require(set(seen) <= {LOOKED, CONFLICT}, f"looks at an edit under way were answered {seen}")
        won = Counter({CREATED: 1, CONFLICT: EDITORS - 1})
        at.require(codes == won, f"{EDITORS} edits from one instant were answered {dict(codes)}")
        at.note("edits from one instant", EDITORS)

    async def _look(self, at: Round, installer: UUID, since: datetime) -> int:
        """What an edit from the instant would change: told, or refused once another edit has won it."""
        prices = {"exclusive_price_cents": 8_999, "shared_price_cents": 3_999}
        path = f"/admin/installers/{installer}/price-plans/preview"
        answer = await at.rig.running.ask("POST", "billing", path, json={"effective_from": since.isoformat(), **prices})
        return int(answer.status_code)

    async def _edit_around_it(self, at: Round, installer: UUID) -> None:
        """From later instants and earlier ones, all at once: each cuts the version that it falls into."""
        now = at.rig.system.clock.now()
        steps = [timedelta(milliseconds=at.chance.randint(-60_000, 2_000)) for _ in range(EDITORS)]
        codes = await asyncio.gather(
            *(self._edit(at, installer, now + step, place) for place, step in enumerate(steps))
        )
        at.require(set(codes) == {CREATED}, f"edits from several instants were answered {codes}")
        at.note("overlapping edits", EDITORS)
        path = f"/admin/installers/{installer}/price-plans"
        plans = await at.rig.told("GET", "billing", path)
        ends = [plan["effective_to"] for plan in plans]
        starts = [plan["effective_from"] for plan in plans]
        at.require(ends == [*starts[1:], None], "a version does not end where the next begins")
        at.require(len(set(starts)) == len(starts), "two versions begin at one instant")

    async def _edit_while_invoicing(self, at: Round, installers: list[UUID]) -> None:
        """The month has to have ended; edits reach back into it, and price nothing anew that is in the ledger."""
        ending = at.rig.system.clock.now().astimezone(BUSINESS)
        first = (ending.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=1)
        at.rig.system.clock.move_to(first)
        period = {"period": f"{ending:%Y-%m}"}
        runs = [at.rig.told("POST", "billing", "/admin/billing/generate-invoice-drafts", period) for _ in range(2)]
        edits = [self._edit(at, one, ending + timedelta(seconds=1), 0) for one in installers]
        *drafted, codes = await asyncio.gather(*runs, asyncio.gather(*edits))
        at.require(set(codes) == {CREATED}, f"edits while invoicing were answered {codes}")
        failed = [one for run in drafted for one in run["results"] if one["outcome"] == "failed"]
        at.require(not failed, f"invoicing failed: {failed[:2]}")
        at.note("edits while invoicing", len(edits))
        at.note("invoices drafted", sum(run["drafted_count"] for run in drafted))

    async def _edit(self, at: Round, installer: UUID, since: datetime, place: int) -> int:
        """The code of the answer; an edit whose answer is lost is sent again, as it is."""
        body: dict[str, Any] = {
            "effective_from": since.isoformat(),
            "exclusive_price_cents": 9_000 + 100 * place + at.chance.randrange(100),
            "shared_price_cents": 4_000 + 100 * place,
            "reason": "Agreed anew",
        }
        path = f"/admin/installers/{installer}/price-plans"

        async def answered() -> int:
            try:
                answer = await at.rig.running.ask("POST", "billing", path, json=body)
            except httpx.TransportError as away:
                raise AssertionError("billing is away") from away
            assert answer.status_code < 500, answer.text
            return answer.status_code

        return await eventually(answered, at.scale.settle_seconds)

    async def verify(self, at: Round) -> None:
        for what, query in (
            ("deliveries without the price of their one version", MISPRICED),
            ("deliveries on two lines, or at another price than theirs", LINES),
            ("invoices whose lines do not add up", SUMS),
            ("installers with two invoices for a month", TWICE),
        ):
            found = await at.rig.rows("billing", query)
            at.require(not found, f"{len(found)} {what}: {found[:1]}")


async def _busy(at: Round) -> list[Any]:
    return await at.rig.rows("billing", BUSY)
