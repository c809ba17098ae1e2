"""One suite for the gateway and for the fake: they say the same of the same."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Protocol
from uuid import uuid4

import pytest
import stripe

from services.payouts.domain import AttemptKind, idempotency_key
from services.payouts.stripe_gateway import (
    LiveStripe,
    MoneyOrder,
    Payability,
    Refused,
    StripeGateway,
    Succeeded,
    Unknown,
    outcome_of,
)
from tests.deploy.stripe.rig import API_KEY, Rig
from tests.payouts.fake_gateway import FakeGateway


class World(Protocol):
    """What a test does to Stripe's side."""

    @property
    def gateway(self) -> StripeGateway: ...
    def expert(self) -> str: ...
    def top_up(self, cents: int) -> None: ...
    def block(self, account_id: str) -> None: ...
    def lose_next_answer(self) -> None: ...
    def transferred_cents(self) -> int: ...


@dataclass
class FakeWorld:
    gateway: FakeGateway

    def expert(self) -> str:
        return self.gateway.open_account(f"acct_{uuid4().hex[:16]}")

    def top_up(self, cents: int) -> None:
        self.gateway.available += cents

    def block(self, account_id: str) -> None:
        self.gateway.payable[account_id] = Payability(False, "requirements.past_due")

    def lose_next_answer(self) -> None:
        self.gateway.lose_answers = 1

    def transferred_cents(self) -> int:
        return sum(o.amount_cents for o, out in self.gateway.done.values() if isinstance(out, Succeeded))


@dataclass
class SimulatedWorld:
    gateway: LiveStripe
    rig: Rig

    def expert(self) -> str:
        return self.rig.expert().id

    def top_up(self, cents: int) -> None:
        self.rig.control("balance/top_up", amount=cents)

    def block(self, account_id: str) -> None:
        self.rig.control(
            f"accounts/{account_id}/capability",
            capability="transfers",
            status="inactive",
            disabled_reason="requirements.past_due",
        )

    def lose_next_answer(self) -> None:
        self.rig.control("faults", fault="lost_answer", method="POST")

    def transferred_cents(self) -> int:
        return int(self.rig.state()["transferred_cents"])


@pytest.fixture(params=["fake", "simulator"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld(FakeGateway())
        return
    rig: Rig = request.getfixturevalue("stripe_rig")
    gateway = LiveStripe(API_KEY, rig.url, 5)
    yield SimulatedWorld(gateway, rig)
    await gateway.close()


def order_to(destination: str, amount_cents: int = 12_345, attempt_no: int = 1, **changes: Any) -> MoneyOrder:
    payout_id = changes.pop("payout_id", uuid4())
    kind = changes.pop("kind", AttemptKind.TRANSFER)
    return MoneyOrder(
        kind=kind,
        payout_id=payout_id,
        board_id=changes.pop("board_id", uuid4()),
        attempt_no=attempt_no,
        idempotency_key=idempotency_key(kind, payout_id, attempt_no),
        amount_cents=amount_cents,
        currency="AUD",
        destination=destination,
        **changes,
    )


class TestATransfer:
    async def test_moves_the_money_and_gives_its_id(self, world: World) -> None:
        world.top_up(20_000)
        outcome = await world.gateway.execute(order_to(world.expert()))
        assert isinstance(outcome, Succeeded)
        assert outcome.stripe_id.startswith("tr_")
        assert await world.gateway.available_cents("AUD") == 20_000 - 12_345

    async def test_under_the_same_key_moves_it_once(self, world: World) -> None:
        world.top_up(50_000)
        order = order_to(world.expert())
        assert await world.gateway.execute(order) == await world.gateway.execute(order)
        assert world.transferred_cents() == 12_345

    async def test_beyond_the_balance_is_refused(self, world: World) -> None:
        assert (await world.gateway.execute(order_to(world.expert()))) == Refused("balance_insufficient", _any_text())

    async def test_that_was_refused_goes_under_the_next_attempt_number(self, world: World) -> None:
        order = order_to(world.expert())
        await world.gateway.execute(order)
        world.top_up(50_000)
        second = replace(order, attempt_no=2, idempotency_key=idempotency_key(order.kind, order.payout_id, 2))
        assert isinstance(await world.gateway.execute(second), Succeeded)

    async def test_to_an_unknown_account_is_refused(self, world: World) -> None:
        world.top_up(20_000)
        outcome = await world.gateway.execute(order_to("acct_doesnotexist0000"))
        assert isinstance(outcome, Refused)

    async def test_whose_answer_is_lost_is_unknown_and_found_by_looking(self, world: World) -> None:
        world.top_up(20_000)
        order = order_to(world.expert())
        world.lose_next_answer()
        assert isinstance(await world.gateway.execute(order), Unknown)
        found = await world.gateway.find(order)
        assert isinstance(found, Succeeded)
        assert await world.gateway.execute(order) == found
        assert world.transferred_cents() == 12_345

    async def test_that_never_happened_is_not_found(self, world: World) -> None:
        assert await world.gateway.find(order_to(world.expert())) is None

    async def test_of_another_payout_of_the_same_board_is_not_taken_for_it(self, world: World) -> None:
        world.top_up(50_000)
        expert, board_id = world.expert(), uuid4()
        await world.gateway.execute(order_to(expert, board_id=board_id))
        assert await world.gateway.find(order_to(expert, board_id=board_id)) is None


class TestAReversal:
    async def test_brings_a_part_back_and_never_more_than_there_was(self, world: World) -> None:
        world.top_up(20_000)
        order = order_to(world.expert())
        sent = await world.gateway.execute(order)
        assert isinstance(sent, Succeeded)
        part = replace(_reversal(order, 1), amount_cents=2_345, source_id=sent.stripe_id)
        assert isinstance(await world.gateway.execute(part), Succeeded)
        again = replace(_reversal(order, 2), amount_cents=12_345, source_id=sent.stripe_id)
        assert isinstance(await world.gateway.execute(again), Refused)
        assert await world.gateway.available_cents("AUD") == 20_000 - 10_000


class TestPayability:
    async def test_of_an_active_account(self, world: World) -> None:
        assert await world.gateway.payability(world.expert()) == Payability(True)

    async def test_of_a_blocked_account_says_why(self, world: World) -> None:
        expert = world.expert()
        world.block(expert)
        payability = await world.gateway.payability(expert)
        assert isinstance(payability, Payability)
        assert not payability.can_be_paid
        assert payability.reason

    async def test_of_an_unknown_account(self, world: World) -> None:
        assert await world.gateway.payability("acct_doesnotexist0000") == Payability(False, "account_invalid")


class TestWhatTheSimulatorAloneCanDo:
    @pytest.mark.parametrize("fault", ["409", "429", "500", "reset"])
    async def test_an_answer_that_decides_nothing_is_unknown(self, stripe_rig: Rig, fault: str) -> None:
        gateway = LiveStripe(API_KEY, stripe_rig.url, 5)
        stripe_rig.control("balance/top_up", amount=50_000)
        expert = stripe_rig.expert().id
        stripe_rig.control("faults", fault=fault, method="POST")
        assert isinstance(await gateway.execute(order_to(expert)), Unknown)
        await gateway.close()

    async def test_a_server_that_is_not_there(self, unused_tcp_port_factory: Callable[[], int]) -> None:
        gateway = LiveStripe(API_KEY, f"http://127.0.0.1:{unused_tcp_port_factory()}", 2)
        assert isinstance(await gateway.execute(order_to("acct_x")), Unknown)
        for answer in (
            await gateway.available_cents("AUD"),
            await gateway.payability("acct_x"),
            await gateway.find(order_to("acct_x")),
        ):
            assert answer == Unknown("no_answer")
        await gateway.close()

    async def test_a_key_that_stands_for_another_request_decides_nothing(self, stripe_rig: Rig) -> None:
        gateway = LiveStripe(API_KEY, stripe_rig.url, 5)
        stripe_rig.control("balance/top_up", amount=50_000)
        order = order_to(stripe_rig.expert().id)
        assert isinstance(await gateway.execute(order), Succeeded)
        assert await gateway.execute(replace(order, amount_cents=order.amount_cents + 1)) == Unknown("http_400")
        await gateway.close()


class TestAnAnswerThatCannotBeRead:
    """Of a proxy between, or cut short: Stripe may have done what was asked."""

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (200, b'{"id": "tr_1", "obj'),
            (200, b"<html>"),
            (200, b"{}"),
            (201, b"<html>"),
            (302, b""),
            (403, b"<html>forbidden</html>"),
            (404, b"{}"),
            (500, b"<html>"),
        ],
    )
    async def test_is_unknown(self, status: int, body: bytes) -> None:
        with stand_in(status, body) as address:
            gateway = LiveStripe(API_KEY, address, 5)
            assert isinstance(await gateway.execute(order_to("acct_x")), Unknown)
            await gateway.close()


class TestOutcomeOf:
    @pytest.mark.parametrize("status", [0, 200, 302, 401, 408, 409, 425, 429, 500, 502, 503, 504, 524])
    def test_is_unknown_whatever_is_told(self, status: int) -> None:
        assert isinstance(outcome_of(told(status, type="invalid_request_error", code="x")), Unknown)

    @pytest.mark.parametrize("status", [400, 402, 403, 404, 422])
    def test_is_refused_where_stripe_says_so(self, status: int) -> None:
        fault = told(status, type="invalid_request_error", code="balance_insufficient")
        assert outcome_of(fault) == Refused("balance_insufficient", "no")
        assert outcome_of(told(status, type="invalid_request_error")) == Refused("invalid_request_error", "no")

    def test_of_a_limit_is_unknown_in_its_older_form_too(self) -> None:
        fault = stripe.RateLimitError("no", http_status=400, json_body={"error": {"code": "rate_limit"}})
        assert isinstance(outcome_of(fault), Unknown)

    def test_of_a_key_that_was_used_before_is_unknown(self) -> None:
        assert isinstance(outcome_of(told(400, type="idempotency_error")), Unknown)


def told(status: int, **error: str) -> stripe.StripeError:
    return stripe.APIError("no", http_status=status or None, json_body={"error": error}, code=error.get("code"))


@contextmanager
def stand_in(status: int, body: bytes) -> Iterator[str]:
    """A server that answers everything alike; gives its address."""

    class Alike(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """In silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Alike) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _reversal(order: MoneyOrder, attempt_no: int) -> MoneyOrder:
    kind = AttemptKind.REVERSAL
    key = idempotency_key(kind, order.payout_id, attempt_no)
    return replace(order, kind=kind, attempt_no=attempt_no, idempotency_key=key)


class _any_text(str):  # noqa: N801
    """Equal to every text: Stripe's sentences are theirs."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    __hash__ = str.__hash__
