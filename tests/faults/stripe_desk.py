"""Stripe as the campaign works it: what finance types in, what a customer pays, what is ordered to go wrong."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from deploy.local.addresses import Stripe
from tests.faults.rig import Rig
from tests.kit.eventually import eventually

COMPARED = "SELECT count(*) FROM reconciliations WHERE finished_at IS NOT NULL AND id = $1"
Transfer = tuple[str, int]
"""A payout and the number of its attempt."""


@dataclass(frozen=True, slots=True)
class StripeDesk:
    rig: Rig

    @property
    def stripe(self) -> Stripe:
        found = self.rig.system.addresses.stripe
        assert found is not None
        return found

    async def call(self, method: str, path: str, form: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """With the API key, as the SDK does."""
        answer = await self.rig.running.client.request(
            method,
            f"{self.stripe.api_base}/v1/{path}",
            headers={"Authorization": f"Bearer {self.stripe.api_key}"},
            data=form,
            params=query,
        )
        return answer.raise_for_status().json()

    async def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = await self.rig.running.client.post(f"{self.stripe.api_base}/_control/{path}", json=body or {})
        return answer.raise_for_status().json()

    async def invoice(self, total_cents: int) -> str:
        """Finalised, over so many cents; its id."""
        customer = await self.call("POST", "customers", {"name": "Under Fault", "email": "accounts@fault.example"})
        made = await self.call(
            "POST",
            "invoices",
            {
                "customer": customer["id"],
                "collection_method": "send_invoice",
                "days_until_due": "30",
                "auto_advance": "false",
            },
        )
        line = {"lines[0][amount]": str(total_cents), "lines[0][description]": "As in our books"}
        await self.call("POST", f"invoices/{made['id']}/add_lines", line)
        await self.call("POST", f"invoices/{made['id']}/finalize", {"auto_advance": "false"})
        return str(made["id"])

    async def pay(self, stripe_invoice_id: str) -> None:
        await self.control(f"invoices/{stripe_invoice_id}/pay")

    async def compare(self, deadline_seconds: float) -> None:
        """Billing holds its books against what is here by now; differences are as they stand at its end."""
        run = await self.rig.told("POST", "billing", "/admin/billing/reconciliations")
        finished = partial(self.rig.number, "billing", COMPARED, UUID(run["id"]))
        await eventually(finished, deadline_seconds)

    async def transfers(self) -> Counter[Transfer]:
        """How many there are of each attempt."""
        found: Counter[Transfer] = Counter()
        after: dict[str, Any] = {}
        while True:
            page = await self.call("GET", "transfers", limit=100, **after)
            for one in page["data"]:
                found[one["metadata"]["payout_id"], int(one["metadata"]["attempt_no"])] += 1
            if not page["has_more"]:
                return found
            after = {"starting_after": page["data"][-1]["id"]}
