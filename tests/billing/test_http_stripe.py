"""Stripe's webhooks over HTTP: who is let in, what is kept, and what an operator sees."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from contracts.identity import Role
from services.billing.domain.statuses import InvoiceStatus
from services.billing.settling import StripeSettler
from services.billing.stripe_gateway import LiveStripe
from tests.billing.arrangements import Books
from tests.billing.desk import WEBHOOK_SECRET, Desk, answering, code_of, faults
from tests.billing.fake_stripe import FakeStripe
from tests.deploy.stripe.rig import API_KEY, PLATFORM_SECRET, Rig
from tests.kit.identity import TestIdentity

PATH = "/webhooks/stripe"


def event(event_id: str = "evt_1", type_: str = "invoice.paid", **about: Any) -> bytes:
    about = {"object": "invoice", "id": "in_123456789", **about}
    body = {"id": event_id, "object": "event", "type": type_, "data": {"object": about}}
    return json.dumps(body).encode()


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET, age_seconds: int = 0) -> dict[str, str]:
    at = int(time.time()) - age_seconds
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at)
    return {"Stripe-Signature": str(header), "Content-Type": "application/json"}


async def kept(books: Books) -> list[tuple[str, str, str | None]]:
    rows = await books.rows("SELECT event_id, state, stripe_invoice_id FROM stripe_events ORDER BY event_id")
    return [tuple(row) for row in rows]


class TestWebhook:
    async def test_keeps_an_authentic_event_once_and_answers_before_the_work(self, desk: Desk, books: Books) -> None:
        for _ in range(3):
            answer = await desk.client.post(PATH, content=event(), headers=signed(event()))
            assert (answer.status_code, answer.json()) == (202, {"event_id": "evt_1", "status": "received"})
        assert await kept(books) == [("evt_1", "pending", "in_123456789")]

    @pytest.mark.parametrize(
        ("body", "sign"),
        [
            pytest.param(event(), dict, id="unsigned"),
            pytest.param(event(), lambda: signed(event(), secret="whsec_forged"), id="forged"),
            pytest.param(event(), lambda: signed(event(), age_seconds=400), id="stale"),
            pytest.param(event("evt_2"), lambda: signed(event()), id="changed"),
            pytest.param(b"\xff\xfe", lambda: signed(event()), id="not UTF-8"),
            pytest.param(event(), lambda: {"Stripe-Signature": "t=x,v1=y"}, id="nonsense"),
        ],
    )
    async def test_forged_stale_and_changed_ones_leave_nothing(
        self, desk: Desk, books: Books, body: bytes, sign: Callable[[], dict[str, str]]
    ) -> None:
        headers = sign()
        answer = await desk.client.post(PATH, content=body, headers=headers)
        assert (answer.status_code, code_of(answer)) == (400, "signature_refused")
        assert await kept(books) == []

    @pytest.mark.parametrize("body", [b"[]", b"{}", b"not json", b'{"id": 5, "object": "event", "type": "x"}', b""])
    async def test_what_is_signed_and_no_event_is_refused(self, desk: Desk, books: Books, body: bytes) -> None:
        answer = await desk.client.post(PATH, content=body, headers=signed(body))
        assert (answer.status_code, code_of(answer)) == (400, "webhook_malformed")

    async def test_without_a_secret_it_is_off(self, books: Books, identity: TestIdentity) -> None:
        async with answering(books.database, identity, books.clock, stripe_webhook_secret=" ") as desk:
            answer = await desk.client.post(PATH, content=event(), headers=signed(event(), secret=" "))
        assert (answer.status_code, code_of(answer)) == (503, "webhooks_disabled")

    async def test_takes_larger_bodies_than_other_routes_but_not_any(self, desk: Desk) -> None:
        large = event(padding="x" * 200_000)
        assert (await desk.client.post(PATH, content=large, headers=signed(large))).status_code == 202
        larger = event(padding="x" * 600_000)
        answer = await desk.client.post(PATH, content=larger, headers=signed(larger))
        assert (answer.status_code, code_of(answer)) == (413, "body_too_large")

    async def test_reads_the_invoice_of_a_payment_and_ignores_what_is_not_asked_after(
        self, desk: Desk, books: Books
    ) -> None:
        for body in (
            event("evt_1", "invoice_payment.paid", object="invoice_payment", id="inpay_1", invoice="in_of_payment"),
            event("evt_2", "customer.created", object="customer", id="cus_1"),
            event("evt_3", "invoice.voided"),
            event("evt_4", "invoice.sent"),
        ):
            await desk.client.post(PATH, content=body, headers=signed(body))
        assert await kept(books) == [
            ("evt_1", "pending", "in_of_payment"),
            ("evt_2", "ignored", None),
            ("evt_3", "pending", None),
            ("evt_4", "kept", None),
        ]
        voided = next(row for row in await desk.items("/admin/billing/stripe-events") if row["event_id"] == "evt_3")
        assert (voided["about"], voided["about_key"]) == ("invoice", "in_123456789")


class TestQueue:
    async def test_shows_what_waits_and_gives_it_another_turn(self, desk: Desk, books: Books) -> None:
        fake = FakeStripe()
        invoice = await books.issued_invoice(stripe_invoice_id=fake.add_invoice(9_350))
        reference = fake.pay(invoice.stripe_invoice_id or "", 9_351)
        await books.pay(invoice.id, 9_350, "bank 1", external_payment_ref=reference)
        body = event(id=invoice.stripe_invoice_id)
        await desk.client.post(PATH, content=body, headers=signed(body))
        settler = StripeSettler(books.database, fake, books.clock)
        await settler.step()
        (row,) = await desk.items("/admin/billing/stripe-events", state="held")
        assert "stands for a payment of another amount" in row["detail"]
        assert row["held_references"] == [reference]
        for _ in range(2):
            path, why = f"/admin/billing/stripe-events/{row['id']}/retry", {"reason": "Reversed the wrong one"}
            assert (await desk.do("POST", path, why))["state"] == "pending"
        (entry,) = await books.rows("SELECT * FROM audit_entries")
        assert (entry.action, entry.reason_text) == ("retry_stripe_event", "Reversed the wrong one")
        assert (entry.before, entry.after["state"]) == ({"state": "held"}, "pending")

    async def test_is_settled_by_a_person_who_says_why(self, desk: Desk, books: Books) -> None:
        fake = FakeStripe()
        invoice = await books.issued_invoice(stripe_invoice_id=fake.add_invoice(9_350))
        reference = fake.pay(invoice.stripe_invoice_id or "", 9_351)
        await books.pay(invoice.id, 9_350, "bank 1", external_payment_ref=reference)
        body = event(id=invoice.stripe_invoice_id)
        await desk.client.post(PATH, content=body, headers=signed(body))
        (pending,) = await desk.items("/admin/billing/stripe-events")
        path = f"/admin/billing/stripe-events/{pending['id']}/ignore"
        early = await desk.ask("POST", path, {"reason": "A cent too much"})
        assert (early.status_code, code_of(early)) == (409, "stripe_event_not_waiting")
        await StripeSettler(books.database, fake, books.clock).step()
        assert faults(await desk.ask("POST", path, {"reason": " "})) == {"reason": "string_too_short"}
        stale = desk.identity.stale_headers(Role.ADMIN)
        assert code_of(await desk.ask("POST", path, {"reason": "x"}, headers=stale)) == "step_up_required"
        for _ in range(2):
            told = await desk.do("POST", path, {"reason": "A cent too much, refunded at Stripe"})
            assert (told["state"], told["detail"]) == ("ignored", "A cent too much, refunded at Stripe")
        (entry,) = await books.rows("SELECT action, reason_text FROM audit_entries")
        assert tuple(entry) == ("ignore_stripe_event", "A cent too much, refunded at Stripe")


async def test_the_simulators_own_webhooks_doubled_and_reversed_pay_the_invoice_once(
    books: Books, identity: TestIdentity, stripe_rig: Rig
) -> None:
    """Over the wire: Stripe's signature, Stripe's bodies, the real SDK asking back."""
    at_stripe = stripe_rig.issued(9_350)
    invoice = await books.issued_invoice(stripe_invoice_id=at_stripe.id)
    stripe_rig.mailbox.clear()
    stripe_rig.control("invoices/" + at_stripe.id + "/pay", amount=3_350)
    stripe_rig.control("invoices/" + at_stripe.id + "/pay", amount=6_000)
    stripe_rig.mailbox.wait_for(1, "invoice.paid")
    stripe_rig.wait_for_deliveries()
    delivered = [one for one in stripe_rig.mailbox.delivered if one.path == "/platform"]
    async with answering(books.database, identity, books.clock, stripe_webhook_secret=PLATFORM_SECRET) as desk:
        for one in [*reversed(delivered), *delivered]:
            headers = {"Stripe-Signature": one.signature, "Content-Type": "application/json"}
            answer = await desk.client.post(PATH, content=one.body, headers=headers)
            assert answer.status_code == 202
    gateway = LiveStripe(API_KEY, stripe_rig.url, 5)
    settler = StripeSettler(books.database, gateway, books.clock)
    while await settler.step():
        continue
    await gateway.close()
    assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID
    assert [row.amount_cents for row in await books.rows("SELECT amount_cents FROM payments ORDER BY 1")] == [
        3_350,
        6_000,
    ]
    assert len(await books.published("invoice.paid")) == 1
