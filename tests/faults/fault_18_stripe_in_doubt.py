"""Transfers of which nobody knows whether they went: what Stripe says late, wrongly or not at all."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.faults.fault import Fault, Round
from tests.faults.stripe_desk import StripeDesk
from tests.kit.eventually import eventually

TIMEOUT_SECONDS = 1
WAYS: tuple[dict[str, Any], ...] = (
    {"fault": "lost_answer"},
    {"fault": "slow", "seconds": 2 * TIMEOUT_SECONDS},
    {"fault": "slow", "seconds": 2 * TIMEOUT_SECONDS, "work": "after"},
    {"fault": "409"},
    {"fault": "429"},
    {"fault": "500", "work": "before"},
    {"fault": "reset"},
)
PAYOUTS_OF_A_BOARD = 3
PLENTY_CENTS = 100_000_000
KEY_LIVES = timedelta(hours=25)
ORDERED_FIRST = 409
READY = "SELECT id FROM payouts WHERE state = 'ready' ORDER BY id"
STATE = "SELECT count(*) FROM payouts WHERE id = $1 AND state = $2"
TRANSFERS = "SELECT about_key, code FROM differences WHERE about = 'transfer' AND state = 'open'"
SUCCEEDED = """
    SELECT payout_id, attempt_no FROM attempts WHERE kind = 'transfer' AND outcome = 'succeeded'
"""


class TransfersInDoubt(Fault):
    number = 18
    injects = (
        "transfers whose answer is lost or late, a 409, a 429, a 500 under the key, or a reset; a key that expires"
    )
    holds = (
        "each payout goes once, under one attempt's key; what never went goes when it is released (I5); billing's "
        "books have each transfer as Stripe has it"
    )

    async def inject(self, at: Round) -> None:
        desk = StripeDesk(at.rig)
        # Until the end nobody else may kill it: an order strikes whoever comes next.
        async with at.rig.hold("payouts"):
            hurried = {"STRIPE_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS)}
            await (await at.rig.start("payouts", environment=hurried)).until_ready()
            await desk.control("balance/top_up", {"amount": PLENTY_CENTS})
            *doubtful, expired = await self._ready(at, len(WAYS) + 1)
            for payout_id, way in zip(doubtful, WAYS, strict=True):
                await self._send(at, desk, payout_id, way)
            for payout_id in doubtful:
                await self._until(at, payout_id, "sent")
            await self._let_its_key_expire(at, desk, expired)
            await at.rig.start("payouts")

    async def _ready(self, at: Round, number: int) -> list[UUID]:
        """As many payouts as that, whose clients have paid."""
        boards = -(-number // PAYOUTS_OF_A_BOARD)
        await asyncio.gather(*(at.load.boards.live() for _ in range(boards)))

        async def ready() -> list[UUID]:
            found = [row["id"] for row in await at.rig.rows("payouts", READY)]
            return found[:number] if len(found) >= number else []

        return await eventually(ready, at.scale.settle_seconds)

    async def _send(self, at: Round, desk: StripeDesk, payout_id: UUID, way: dict[str, Any]) -> None:
        await desk.control("faults", {"method": "POST", "path": "/v1/transfers", **way})
        await self._run(at, payout_id)
        at.note("transfers in doubt")

    async def _run(self, at: Round, payout_id: UUID) -> None:
        """One asks for it, another does so too: then it goes."""
        path = f"/admin/ops/payouts/{payout_id}/run"
        await at.rig.told("POST", "payouts", path, also=[ORDERED_FIRST])
        await at.rig.told("POST", "payouts", path, also=[ORDERED_FIRST], by=await at.rig.second_operator())

    async def _until(self, at: Round, payout_id: UUID, state: str) -> None:
        await eventually(lambda: at.rig.number("payouts", STATE, payout_id, state), at.scale.settle_seconds)

    async def _let_its_key_expire(self, at: Round, desk: StripeDesk, payout_id: UUID) -> None:
        """Stripe keeps a 500 under the key, and has not done it: only when the key is gone can anybody say so."""
        await self._send(at, desk, payout_id, {"fault": "500", "work": "never"})
        await self._until(at, payout_id, "sending")
        at.rig.pass_time(KEY_LIVES)
        await self._until(at, payout_id, "failed")
        release = {"reason": "It never went"}
        await at.rig.told("POST", "payouts", f"/admin/ops/payouts/{payout_id}/release", release)
        await self._run(at, payout_id)
        await self._until(at, payout_id, "sent")
        at.note("keys that expired")

    async def verify(self, at: Round) -> None:
        there = await StripeDesk(at.rig).transfers()
        rows = await at.rig.rows("payouts", SUCCEEDED)
        ours = Counter((str(row["payout_id"]), row["attempt_no"]) for row in rows)
        at.require(there == ours, f"transfers at Stripe alone {there - ours}, in our books alone {ours - there}")
        paid = Counter(payout_id for payout_id, _ in there.elements())
        at.require(all(times == 1 for times in paid.values()), f"paid more than once: {paid.most_common(1)}")
        await StripeDesk(at.rig).compare(at.scale.settle_seconds)
        off = await at.rig.rows("billing", TRANSFERS)
        at.require(not off, f"transfers that billing has otherwise: {[dict(row) for row in off]}")
