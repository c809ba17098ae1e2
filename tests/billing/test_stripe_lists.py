"""One suite for Stripe's lists over the real SDK and for the fake's: they show the same of the same."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from services.billing import stripe_lists
from services.billing.domain.reconciliation import About, ItemKind, StripeItem
from services.billing.domain.webhooks import PAYMENT_TYPES, event_of
from services.billing.stripe_gateway import LiveStripe, StripeGateway, Succeeded, Unknown
from tests.billing.arrangements_reconciliation import StripeSide
from tests.billing.fake_stripe import PAGE_SIZE, FakeStripe
from tests.deploy.stripe.rig import API_KEY, Rig

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class World(Protocol):
    @property
    def gateway(self) -> StripeGateway: ...
    def paid(self, cents: int) -> tuple[str, str]:
        """An invoice that was paid in full: its id and its payment's."""
        ...

    def refund(self, reference: str, cents: int) -> None: ...
    def credit(self, invoice_id: str, cents: int) -> None: ...
    def top_up(self, cents: int) -> None: ...
    def pay_out(self, cents: int) -> None: ...
    def fall_silent(self) -> None: ...


@dataclass
class FakeWorld:
    gateway: FakeStripe

    @property
    def side(self) -> StripeSide:
        side = StripeSide(self.gateway, datetime.now(UTC))
        side._made = len(self.gateway.items)
        return side

    def paid(self, cents: int) -> tuple[str, str]:
        number = len(self.gateway.items)
        invoice_id, reference = f"in_fake{number:012}", f"pi_fake{number:012}"
        self.side.charge(reference, cents)
        self.side.invoice(invoice_id, cents, "paid")
        self._happened("invoice.paid", invoice_id)
        self._happened("charge.succeeded", reference)
        return invoice_id, reference

    def _happened(self, type_: str, id_: str) -> None:
        about = {"object": "invoice" if type_.startswith("invoice") else "charge", "id": id_}
        at = datetime.now(UTC).timestamp()
        body = {"id": f"evt_{type_}_{id_}", "object": "event", "type": type_, "created": at, "data": {"object": about}}
        self.gateway.happened.append(body)

    def refund(self, reference: str, cents: int) -> None:
        self.side.refund(reference, cents)

    def credit(self, invoice_id: str, cents: int) -> None:
        self.side.credit_note(invoice_id, cents)

    def top_up(self, cents: int) -> None:
        self.side.movement("topup", cents)

    def pay_out(self, cents: int) -> None:
        self.side.movement("payout", -cents)

    def fall_silent(self) -> None:
        self.gateway.silent = 1


@dataclass
class SimulatedWorld:
    gateway: LiveStripe
    rig: Rig

    def paid(self, cents: int) -> tuple[str, str]:
        invoice = self.rig.issued(cents)
        return invoice.id, str(self.rig.control(f"invoices/{invoice.id}/pay")["payment_intent"])

    def refund(self, reference: str, cents: int) -> None:
        self.rig.sdk.v1.refunds.create({"payment_intent": reference, "amount": cents})

    def credit(self, invoice_id: str, cents: int) -> None:
        self.rig.sdk.v1.credit_notes.create({"invoice": invoice_id, "amount": cents, "out_of_band_amount": cents})

    def top_up(self, cents: int) -> None:
        self.rig.control("balance/top_up", amount=cents)

    def pay_out(self, cents: int) -> None:
        self.rig.control("balance/pay_out", amount=cents)

    def fall_silent(self) -> None:
        self.rig.control("faults", fault="reset", method="GET")


@pytest.fixture(params=["fake", "simulator"])
async def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(stripe_lists, "PAGE_SIZE", PAGE_SIZE)
    if request.param == "fake":
        yield FakeWorld(FakeStripe())
        return
    rig: Rig = request.getfixturevalue("stripe_rig")
    gateway = LiveStripe(API_KEY, rig.url, 5)
    yield SimulatedWorld(gateway, rig)
    await gateway.close()


async def listed(world: World, kind: ItemKind, since: datetime | None = None) -> list[StripeItem]:
    """All pages, each as long as a page is but the last."""
    found: list[StripeItem] = []
    cursor = None
    while True:
        outcome = await world.gateway.listed(kind, since, cursor)
        assert isinstance(outcome, Succeeded)
        found += outcome.found.items
        cursor = outcome.found.cursor
        if cursor is None:
            return found
        assert len(outcome.found.items) == PAGE_SIZE


def without_ids(item: StripeItem) -> dict[str, Any]:
    told = replace(item, stripe_id="", occurred_at=LONG_AGO)
    return {name: getattr(told, name) for name in ("state", "amount_cents", "fee_cents", "currency", "type")}


async def test_shows_what_is_compared_of_invoices_charges_refunds_credit_notes_and_the_balance(world: World) -> None:
    paid = [world.paid(cents) for cents in (1_000, 2_000, 3_000)]
    invoice_id, reference = paid[0]
    world.top_up(500)
    world.refund(reference, 300)
    world.credit(invoice_id, 100)
    world.pay_out(200)
    invoices = await listed(world, ItemKind.INVOICE)
    assert {(item.stripe_id, item.amount_cents, item.state) for item in invoices} == {
        (id_, cents, "paid") for (id_, _), cents in zip(paid, (1_000, 2_000, 3_000), strict=True)
    }
    charges = {item.payment_ref: item for item in await listed(world, ItemKind.CHARGE)}
    assert charges.keys() == {each for _, each in paid}
    assert (charges[reference].amount_cents, charges[reference].state) == (1_000, "succeeded")
    (refund,) = await listed(world, ItemKind.REFUND)
    assert (refund.payment_ref, refund.amount_cents, refund.state) == (reference, 300, "succeeded")
    (note,) = await listed(world, ItemKind.CREDIT_NOTE)
    assert (note.source_ref, note.amount_cents, note.state) == (invoice_id, 100, "issued")
    movements = [without_ids(item) for item in await listed(world, ItemKind.MOVEMENT)]
    shown = [
        ("payout", -200),
        ("refund", -300),
        ("topup", 500),
        ("charge", 3_000),
        ("charge", 2_000),
        ("charge", 1_000),
    ]
    assert movements == [
        {"state": "available", "amount_cents": cents, "fee_cents": 0, "currency": "aud", "type": type_}
        for type_, cents in shown
    ]
    assert await world.gateway.balance_cents("aud") == Succeeded(6_000)
    assert await listed(world, ItemKind.CHARGE, datetime.now(UTC) + timedelta(days=1)) == []


async def test_tells_of_one_thing_what_it_tells_in_its_list(world: World) -> None:
    invoice_id, reference = world.paid(1_000)
    world.refund(reference, 300)
    world.credit(invoice_id, 100)
    movements = await listed(world, ItemKind.MOVEMENT)
    asked = {
        About.INVOICE: (invoice_id, await listed(world, ItemKind.INVOICE)),
        About.PAYMENT: (
            reference,
            [*await listed(world, ItemKind.CHARGE), *await listed(world, ItemKind.REFUND)],
        ),
        About.CREDIT_NOTE: (invoice_id, await listed(world, ItemKind.CREDIT_NOTE)),
        About.MOVEMENT: (movements[0].stripe_id, movements[:1]),
        About.TRANSFER: (movements[0].source_ref or "", movements[:1]),
    }
    for about, (key, items) in asked.items():
        outcome = await world.gateway.looked_up(about, key)
        assert isinstance(outcome, Succeeded), about
        assert sorted(outcome.found, key=lambda item: item.stripe_id) == sorted(items, key=lambda item: item.stripe_id)


async def test_lists_events_of_the_types_that_are_asked_for(world: World) -> None:
    paid = {world.paid(cents)[0] for cents in (1_000, 2_000, 3_000)}
    cursor, found = None, []
    while True:
        outcome = await world.gateway.events(sorted(PAYMENT_TYPES), LONG_AGO, cursor)
        assert isinstance(outcome, Succeeded)
        found += [event for body in outcome.found.events if (event := event_of(body))]
        cursor = outcome.found.cursor
        if cursor is None:
            break
    assert {event.type for event in found} <= PAYMENT_TYPES
    assert {event.stripe_invoice_id for event in found} == paid
    assert len({event.event_id for event in found}) == len(found)


async def test_silence_is_no_answer(world: World) -> None:
    world.fall_silent()
    assert await world.gateway.balance_cents("aud") == Unknown("no_answer")
    assert isinstance(await world.gateway.balance_cents("aud"), Succeeded)


@pytest.mark.parametrize(("about", "key"), [(About.INVOICE, "in_nowhere0000"), (About.MOVEMENT, "txn_nowhere0000")])
async def test_that_there_is_none_is_an_answer(world: World, about: About, key: str) -> None:
    outcome = await world.gateway.looked_up(about, key)
    assert getattr(outcome, "code", None) == "resource_missing"


async def test_movements_are_told_by_what_moved_the_money_too(world: World) -> None:
    world.refund(world.paid(1_000)[1], 300)
    movement = (await listed(world, ItemKind.MOVEMENT))[0]
    assert await world.gateway.looked_up(About.MOVEMENT, movement.source_ref or "") == Succeeded([movement])
    assert await world.gateway.looked_up(About.MOVEMENT, "du_nowhere0000") == Succeeded([])
