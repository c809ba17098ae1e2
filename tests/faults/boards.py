"""Boards in a slow stream beside the leads: opened, staffed, closed, invoiced, paid; so that every service has work."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from tests.faults.rig import Rig
from tests.faults.writers import add_client
from tests.kit.eventually import eventually

EXPERTS = 3
STEP_SECONDS = 180
# Asked a second time after a lost answer, what is done is refused as done.
DONE_BEFORE = frozenset({409})


@dataclass
class Boards:
    rig: Rig
    chance: Random
    flowing: asyncio.Event
    """Clear while none is to be begun."""
    paid: int = 0
    client_id: str = ""
    experts: list[str] = field(default_factory=list)

    async def open(self) -> None:
        """One client, and experts with accounts at Stripe."""
        self.client_id = await add_client(self.rig, 0)
        for number in range(EXPERTS):
            body = {
                "name": f"Dr Expert {number}",
                "email": f"expert-{number}@post.example",
                "stripe_account_id": await self._stripe_account(),
            }
            self.experts.append((await self.rig.told("POST", "payouts", "/admin/experts", body))["id"])

    async def _stripe_account(self) -> str:
        stripe = self.rig.system.addresses.stripe
        assert stripe is not None
        made = await self.rig.running.client.post(
            f"{stripe.api_base}/v1/accounts",
            headers={"Authorization": f"Bearer {stripe.api_key}"},
            data={"type": "express", "country": "AU", "capabilities[transfers][requested]": "true"},
        )
        account_id: str = made.raise_for_status().json()["id"]
        return account_id

    async def live(self) -> None:
        """One board from its opening to its experts' pay being ready."""
        invoice_id = await self.invoiced()
        await self.send(invoice_id)
        await self.mark_paid(invoice_id)
        self.paid += 1

    async def invoiced(self) -> UUID:
        """A board that was opened, staffed and closed; the id of the draft that bills it."""
        board_id = await self._open_board()
        await self._until_one("payouts", "SELECT id FROM boards WHERE id = $1", board_id)
        rules = [
            {"expert_id": expert, "kind": "share", "value": 1 + place} for place, expert in enumerate(self.experts)
        ]
        await self.rig.told("PUT", "payouts", f"/admin/boards/{board_id}/participations", {"participations": rules})
        await self.rig.told("POST", "intake", f"/admin/boards/{board_id}/close", also=DONE_BEFORE)
        (row, *_) = await self._until_one("billing", "SELECT id FROM invoices WHERE board_id = $1", board_id)
        return UUID(str(row["id"]))

    async def send(self, invoice_id: UUID, stripe_invoice_id: str | None = None) -> None:
        body = {"stripe_invoice_id": stripe_invoice_id} if stripe_invoice_id else {}
        await self.rig.told("POST", "billing", f"/admin/ops/invoices/{invoice_id}/send", body, also=DONE_BEFORE)

    async def mark_paid(self, invoice_id: UUID) -> None:
        await self.rig.told("POST", "billing", f"/admin/ops/invoices/{invoice_id}/mark-paid", {}, also=DONE_BEFORE)

    async def _open_board(self) -> str:
        body = {
            "client_id": self.client_id,
            "title": f"Board {self.chance.getrandbits(32)}",
            "contracted_amount_cents": self.chance.randint(100_000, 2_000_000),
        }
        made: dict[str, Any] = await self.rig.told("POST", "intake", "/admin/boards", body)
        return str(made["id"])

    async def _until_one(self, service: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
        return await eventually(partial(self.rig.rows, service, query, *arguments), STEP_SECONDS)

    async def stream(self, boards_per_second: float) -> None:
        """Until it is cancelled; a board that was begun is seen to its end."""
        lives: set[asyncio.Task[None]] = set()
        try:
            while True:
                await asyncio.sleep(self.chance.expovariate(boards_per_second))
                await self.flowing.wait()
                lives.add(asyncio.create_task(self.live()))
        finally:
            await asyncio.gather(*lives)
