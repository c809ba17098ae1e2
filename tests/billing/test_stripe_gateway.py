"""One suite for the gateway over the real SDK and for the fake: they say the same of the same."""

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
import stripe

from services.billing import stripe_gateway
from services.billing.stripe_gateway import (
    LiveStripe,
    Refused,
    StripeGateway,
    StripeInvoice,
    StripeLine,
    Succeeded,
    Unknown,
    is_authentic,
)
from tests.billing.fake_stripe import FakeStripe
from tests.deploy.stripe.rig import API_KEY, Rig


class World(Protocol):
    """What a test does on Stripe's side."""

    @property
    def gateway(self) -> StripeGateway: ...
    def add_invoice(self, total_cents: int) -> str: ...
    def add_taxed_invoice(self, *amounts_cents: int) -> str:
        """A line of each amount, with GST on top of it."""
        ...

    def pay(self, invoice_id: str, amount_cents: int) -> str: ...
    def pay_late(self, invoice_id: str, amount_cents: int, *, after_cents: int) -> str:
        """A payment that was begun while the invoice asked for it, and ends after another one has paid a part."""
        ...

    def void(self, invoice_id: str) -> None: ...
    def fall_silent(self) -> None: ...


@dataclass
class FakeWorld:
    gateway: FakeStripe

    def add_invoice(self, total_cents: int) -> str:
        return self.gateway.add_invoice(total_cents, customer_id="cus_fake")

    def add_taxed_invoice(self, *amounts_cents: int) -> str:
        lines = [StripeLine(f"Line of {cents}", 1, cents, cents, cents // 10) for cents in amounts_cents]
        return self.gateway.add_invoice(sum(amounts_cents) * 11 // 10, lines=lines)

    def pay(self, invoice_id: str, amount_cents: int) -> str:
        return self.gateway.pay(invoice_id, amount_cents)

    def pay_late(self, invoice_id: str, amount_cents: int, *, after_cents: int) -> str:
        self.pay(invoice_id, after_cents)
        return self.pay(invoice_id, amount_cents)

    def void(self, invoice_id: str) -> None:
        self.gateway.void(invoice_id)

    def fall_silent(self) -> None:
        self.gateway.silent = 1


@dataclass
class SimulatedWorld:
    gateway: LiveStripe
    rig: Rig

    def add_invoice(self, total_cents: int) -> str:
        return self.rig.issued(total_cents).id

    def add_taxed_invoice(self, *amounts_cents: int) -> str:
        return self.rig.issued(*amounts_cents, tax_rate=self.rig.gst().id).id

    def pay(self, invoice_id: str, amount_cents: int) -> str:
        return str(self.rig.control(f"invoices/{invoice_id}/pay", amount=amount_cents)["payment_intent"])

    def pay_late(self, invoice_id: str, amount_cents: int, *, after_cents: int) -> str:
        stripe_ = self.rig.sdk.v1
        customer = str(stripe_.invoices.retrieve(invoice_id).customer)
        intent = stripe_.payment_intents.create({"amount": amount_cents, "currency": "aud", "customer": customer})
        stripe_.invoices.attach_payment(invoice_id, {"payment_intent": intent.id})
        self.pay(invoice_id, after_cents)
        stripe_.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        return intent.id

    def void(self, invoice_id: str) -> None:
        self.rig.sdk.v1.invoices.void_invoice(invoice_id)

    def fall_silent(self) -> None:
        self.rig.control("faults", fault="reset", method="GET")


@pytest.fixture(params=["fake", "simulator"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld(FakeStripe())
        return
    rig: Rig = request.getfixturevalue("stripe_rig")
    gateway = LiveStripe(API_KEY, rig.url, 5)
    yield SimulatedWorld(gateway, rig)
    await gateway.close()


class TestInvoice:
    async def test_is_found_with_what_the_gate_compares(self, world: World) -> None:
        id_ = world.add_invoice(9_350)
        outcome = await world.gateway.invoice(id_)
        assert isinstance(outcome, Succeeded)
        found: StripeInvoice = outcome.found
        assert (found.id, found.status, found.total_cents, found.currency) == (id_, "open", 9_350, "aud")
        assert (found.customer_id or "").startswith("cus_")

    async def test_shows_that_it_was_voided(self, world: World) -> None:
        id_ = world.add_invoice(9_350)
        world.void(id_)
        outcome = await world.gateway.invoice(id_)
        assert isinstance(outcome, Succeeded)
        assert outcome.found.status == "void"

    async def test_that_there_is_none_is_an_answer(self, world: World) -> None:
        assert await world.gateway.invoice("in_nowhere0000") == Refused("resource_missing")

    async def test_silence_is_none(self, world: World) -> None:
        id_ = world.add_invoice(9_350)
        world.fall_silent()
        assert await world.gateway.invoice(id_) == Unknown("no_answer")
        assert isinstance(await world.gateway.invoice(id_), Succeeded)


class TestLines:
    async def test_are_told_each_with_its_tax(self, world: World) -> None:
        outcome = await world.gateway.lines(world.add_taxed_invoice(8_500, 3_850))
        assert isinstance(outcome, Succeeded)
        assert sorted(outcome.found, key=lambda line: line.amount_cents) == [
            StripeLine("Line of 3850", 1, 3_850, 3_850, 385),
            StripeLine("Line of 8500", 1, 8_500, 8_500, 850),
        ]

    async def test_of_an_invoice_that_is_not_there_are_an_answer_too(self, world: World) -> None:
        assert await world.gateway.lines("in_nowhere0000") == Refused("resource_missing")


class TestPayments:
    async def test_are_those_that_succeeded_each_under_a_lasting_reference(self, world: World) -> None:
        id_ = world.add_invoice(9_350)
        paid = {world.pay(id_, amount_cents): amount_cents for amount_cents in (3_350, 6_000)}
        outcome = await world.gateway.payments(id_)
        assert isinstance(outcome, Succeeded)
        assert {payment.reference: payment.amount_cents for payment in outcome.found} == paid
        assert {payment.currency for payment in outcome.found} == {"aud"}
        assert all(datetime.now(UTC) - payment.paid_at < timedelta(minutes=5) for payment in outcome.found)
        assert await world.gateway.payments(id_) == outcome

    @pytest.mark.parametrize("after_cents", [9_000, 9_350])
    async def test_are_what_the_customer_was_charged_and_not_what_the_invoice_took(
        self, world: World, after_cents: int
    ) -> None:
        id_ = world.add_invoice(9_350)
        late = world.pay_late(id_, 9_350, after_cents=after_cents)
        outcome = await world.gateway.payments(id_)
        assert isinstance(outcome, Succeeded)
        assert sorted(payment.amount_cents for payment in outcome.found) == [after_cents, 9_350]
        assert late in {payment.reference for payment in outcome.found}

    async def test_of_an_unpaid_invoice_are_none(self, world: World) -> None:
        assert await world.gateway.payments(world.add_invoice(9_350)) == Succeeded([])

    async def test_of_an_unknown_invoice_are_none(self, world: World) -> None:
        assert await world.gateway.payments("in_nowhere0000") == Succeeded([])

    async def test_silence_is_no_answer(self, world: World) -> None:
        id_ = world.add_invoice(9_350)
        world.fall_silent()
        assert await world.gateway.payments(id_) == Unknown("no_answer")


async def test_a_payment_that_moved_no_money_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invoice that the customer's balance at Stripe paid in full is "paid" with nothing."""
    item = {
        "id": "inpay_1",
        "object": "invoice_payment",
        "amount_paid": 0,
        "currency": "aud",
        "created": 1_770_000_000,
        "payment": {"type": "payment_intent", "payment_intent": None, "charge": None, "payment_record": None},
        "status_transitions": {"paid_at": 1_770_000_000, "canceled_at": None},
    }
    page = {"object": "list", "data": [item], "has_more": False, "url": "/v1/invoice_payments"}
    gateway = LiveStripe(API_KEY, None, 5)

    async def answer(*_args: object, **_options: object) -> tuple[bytes, int, dict[str, str]]:
        return json.dumps(page).encode(), 200, {}

    monkeypatch.setattr(stripe.HTTPXClient, "request_async", answer)
    assert await gateway.payments("in_1") == Succeeded([])
    await gateway.close()
    fake = FakeStripe()
    fake.pay(id_ := fake.add_invoice(0), 0)
    assert await fake.payments(id_) == Succeeded([])


class TestFaults:
    """Only the wire has them."""

    @pytest.fixture
    async def gateway(self, stripe_rig: Rig) -> AsyncIterator[LiveStripe]:
        gateway = LiveStripe(API_KEY, stripe_rig.url, 0.5)
        yield gateway
        await gateway.close()

    @pytest.mark.parametrize("fault", ["500", "429", "lost_answer"])
    async def test_what_may_pass_is_unknown(self, gateway: LiveStripe, stripe_rig: Rig, fault: str) -> None:
        id_ = stripe_rig.issued(9_350).id
        stripe_rig.control("faults", fault=fault, method="GET")
        assert isinstance(await gateway.invoice(id_), Unknown)

    async def test_a_slow_answer_is_not_waited_for(self, gateway: LiveStripe, stripe_rig: Rig) -> None:
        id_ = stripe_rig.issued(9_350).id
        stripe_rig.control("faults", fault="slow", method="GET", seconds=3)
        started = time.monotonic()
        assert await gateway.invoice(id_) == Unknown("no_answer")
        assert time.monotonic() - started < 2

    async def test_a_key_that_is_refused_decides_nothing(self, stripe_rig: Rig) -> None:
        gateway = LiveStripe("sk_test_wrong", stripe_rig.url, 5)
        assert await gateway.invoice("in_nowhere0000") == Unknown("http_401")
        await gateway.close()

    async def test_a_stripe_that_is_away_is_unknown(self) -> None:
        gateway = LiveStripe(API_KEY, "http://127.0.0.1:9", 0.5)
        assert await gateway.invoice("in_nowhere0000") == Unknown("no_answer")
        await gateway.close()

    async def test_only_asks_and_pins_its_version(self, gateway: LiveStripe, stripe_rig: Rig) -> None:
        id_ = stripe_rig.issued(9_350).id
        before = len(stripe_rig.look("requests")["requests"])
        await gateway.invoice(id_)
        await gateway.payments(id_)
        asked = stripe_rig.look("requests")["requests"][before:]
        assert [request["method"] for request in asked] == ["GET", "GET"]
        assert stripe_rig.look("health")["api_version"] == stripe_gateway.API_VERSION


SECRET, BODY = "whsec_billing", b'{"id": "evt_1"}'


def signed(body: bytes = BODY, secret: str = SECRET, age_seconds: int = 0) -> str:
    at = int(time.time()) - age_seconds
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at))


class TestIsAuthentic:
    def test_knows_stripes_hand(self) -> None:
        assert is_authentic(BODY, signed(), SECRET, 300)

    @pytest.mark.parametrize(
        ("body", "sign"),
        [
            pytest.param(BODY + b" ", signed, id="another body"),
            pytest.param(BODY, lambda: signed(secret="whsec_other"), id="another secret"),
            pytest.param(BODY, lambda: signed(age_seconds=301), id="stale"),
            pytest.param(BODY, lambda: "t=1,v1=00", id="made up"),
            pytest.param(BODY, lambda: "nonsense", id="no signature"),
            pytest.param(BODY, lambda: "", id="empty"),
            pytest.param(BODY, lambda: None, id="none"),
            pytest.param(b"\xff\xfe", signed, id="not UTF-8"),
        ],
    )
    def test_refuses_every_other(self, body: bytes, sign: Callable[[], str | None]) -> None:
        assert not is_authentic(body, sign(), SECRET, 300)

    def test_an_empty_secret_proves_nothing(self) -> None:
        assert not is_authentic(BODY, signed(secret=""), "", 300)
