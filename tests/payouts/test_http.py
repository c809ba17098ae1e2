"""Payouts as its callers meet it: operators with tokens, Stripe with its signature."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
import stripe
from litestar import Litestar

from chassis.database import Database, create_engine
from chassis.http import route_guards
from chassis.process import assemble
from chassis.settings import Shape
from contracts.identity import Capability, Role
from deploy.local.postgres import ServiceDatabase
from services.payouts.domain import PayoutState, RuleKind
from services.payouts.main import build
from services.payouts.settings import Settings
from services.payouts.stripe_gateway import Payability
from tests.chassis.http.fuzzing import faults_found
from tests.chassis.http.serving import serving
from tests.kit.identity import TestIdentity
from tests.payouts.arrangements import Office

SECRET = "whsec_test"


@pytest.fixture(scope="session")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
async def office(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Office]:
    office = Office(Database(create_engine(fresh_database("payouts").url), "/waybill/payouts"))
    office.gateway.available = 10_000_000
    yield office
    await office.database.close()


def application(office: Office, identity: TestIdentity, secret: str | None = SECRET) -> Litestar:
    settings = Settings(
        database_url="postgresql://nobody@127.0.0.1:9/none",
        identity_jwks_url=identity.jwks_url,
        stripe_api_key="sk_test",
        stripe_connect_webhook_secret=secret,
    )
    return assemble(build(settings, clock=office.clock, database=office.database, gateway=office.gateway), Shape.API)


@dataclass
class Counter:
    client: httpx.AsyncClient
    identity: TestIdentity

    async def ask(self, method: str, path: str, role: Role = Role.ADMIN, **options: Any) -> httpx.Response:
        identity_options = {k: options.pop(k) for k in ("operator_id", "mfa_at") if k in options}
        headers = self.identity.headers(role, **identity_options)
        return await self.client.request(method, path, headers=headers, **options)


@pytest.fixture
async def counter(office: Office, identity: TestIdentity) -> AsyncIterator[Counter]:
    transport = httpx.ASGITransport(cast("Any", application(office, identity)))
    async with httpx.AsyncClient(transport=transport, base_url="http://payouts.example") as client:
        yield Counter(client, identity)


EXPERT = {"name": "Dr Priya Raman", "email": "priya@experts.example", "stripe_account_id": "acct_1Nexample"}


class TestExperts:
    async def test_are_added_changed_and_listed(self, counter: Counter) -> None:
        added = await counter.ask("POST", "/admin/experts", json=EXPERT)
        assert added.status_code == 201, added.text
        path = f"/admin/experts/{added.json()['id']}"
        changed = await counter.ask("PUT", path, json=EXPERT | {"is_active": False})
        assert (changed.status_code, changed.json()["is_active"]) == (200, False)
        assert [row["id"] for row in (await counter.ask("GET", "/admin/experts")).json()["items"]] == [
            added.json()["id"]
        ]

    async def test_where_the_money_goes_takes_a_fresh_second_factor(self, counter: Counter) -> None:
        headers = counter.identity.stale_headers(Role.ADMIN)
        answer = await counter.client.post("/admin/experts", json=EXPERT, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:waybill:problem:step_up_required")

    async def test_all_faults_of_a_body_come_at_once(self, counter: Counter) -> None:
        body = {"name": "", "email": "nobody", "abn": "12", "stripe_account_id": "x", "colour": 1}
        answer = await counter.ask("POST", "/admin/experts", json=body)
        assert answer.status_code == 422
        assert {e["field"] for e in answer.json()["errors"]} == {"name", "email", "abn", "stripe_account_id", "colour"}


class TestParticipations:
    async def test_name_an_expert_once(self, counter: Counter, office: Office) -> None:
        facts, expert_id = await office.board(), str(await office.expert())
        rule = {"expert_id": expert_id, "kind": "share", "value": 1}
        path = f"/admin/boards/{facts.board_id}/participations"
        answer = await counter.ask("PUT", path, json={"participations": [rule, rule]})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "duplicate")

    async def test_mended_let_a_held_board_be_allocated(self, counter: Counter, office: Office) -> None:
        facts, expert_id = await office.board(), str(await office.expert())
        await office.close(facts)
        held = (await counter.ask("GET", "/admin/held-allocations")).json()
        assert [row["held_reason"] for row in held] == ["no_participation"]
        rules = {"participations": [{"expert_id": expert_id, "kind": "share", "value": 1}]}
        await counter.ask("PUT", f"/admin/boards/{facts.board_id}/participations", json=rules)
        done = await counter.ask("POST", f"/admin/boards/{facts.board_id}/allocate")
        assert (done.status_code, done.json()["payouts"][0]["amount_cents"]) == (200, 70_000)


class TestRun:
    async def test_by_hand_takes_two_operators(self, counter: Counter, office: Office) -> None:
        payout = await office.ready_payout()
        path, robin, sam = f"/admin/ops/payouts/{payout.id}/run", uuid4(), uuid4()
        first = await counter.ask("POST", path, operator_id=robin)
        assert (first.status_code, first.json()["result"]) == (202, "awaiting_approval")
        again = await counter.ask("POST", path, operator_id=robin)
        assert (again.status_code, again.json()["type"]) == (
            409,
            "urn:waybill:problem:approval_needs_another_operator",
        )
        second = await counter.ask("POST", path, operator_id=sam)
        assert (second.status_code, second.json()["payout"]["state"]) == (200, "sent")
        assert len(office.gateway.calls) == 1

    async def test_shows_what_is_in_the_way(self, counter: Counter, office: Office) -> None:
        facts = await office.board((await office.expert(account=None), RuleKind.SHARE, 1))
        await office.close(facts)
        (payout,) = await office.payouts(facts.board_id)
        detail = (await counter.ask("GET", f"/admin/ops/payouts/{payout.id}")).json()
        closed = {gate["reason_code"] for gate in detail["gates"] if not gate["is_open"]}
        assert closed == {"client_has_not_paid", "no_stripe_account"}

    async def test_of_an_unknown_payout_is_not_found(self, counter: Counter) -> None:
        assert (await counter.ask("POST", f"/admin/ops/payouts/{uuid4()}/run")).status_code == 404


class TestList:
    async def test_filters_by_state_and_pages(self, counter: Counter, office: Office) -> None:
        made = {str((await office.ready_payout()).id) for _ in range(3)}
        seen: set[str] = set()
        cursor: str | None = None
        for _ in range(3):
            query = {"state": "ready", "limit": "1"} | ({"cursor": cursor} if cursor else {})
            page = (await counter.ask("GET", "/admin/ops/payouts", params=query)).json()
            seen |= {row["id"] for row in page["items"]}
            cursor = page["next"]
        assert (seen, cursor) == (made, None)
        assert (await counter.ask("GET", "/admin/ops/payouts", params={"state": "sent"})).json()["items"] == []


def signed(event: dict[str, Any], secret: str = SECRET, age_seconds: int = 0) -> tuple[bytes, str]:
    body, stamp = json.dumps(event), int(time.time()) - age_seconds
    signature = stripe.WebhookSignature._compute_signature(f"{stamp}.{body}", secret)
    return body.encode(), f"t={stamp},v1={signature}"


class TestWebhook:
    def event(self, account: str) -> dict[str, Any]:
        return {"id": f"evt_{uuid4().hex}", "type": "account.updated", "account": account, "data": {"object": {}}}

    async def post(self, counter: Counter, body: bytes, signature: str) -> httpx.Response:
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        return await counter.client.post("/webhooks/stripe", content=body, headers=headers)

    async def held(self, office: Office) -> tuple[UUID, str]:
        payout = await office.ready_payout()
        (account,) = office.gateway.payable
        office.gateway.payable[account] = Payability(False, "requirements.past_due")
        await office.sender.send(payout.id)
        office.gateway.payable[account] = Payability(True)
        return payout.id, account

    async def test_lets_pay_go_on_that_the_account_had_held_up(self, counter: Counter, office: Office) -> None:
        payout_id, account = await self.held(office)
        for _ in range(2):
            assert (await self.post(counter, *signed(self.event(account)))).status_code == 200
        assert await office.sender.check_account()
        assert not await office.sender.check_account()
        assert (await office.payout(payout_id)).state == PayoutState.READY

    @pytest.mark.parametrize(("secret", "age_seconds"), [("whsec_other", 0), (SECRET, 400)], ids=["forged", "stale"])
    async def test_of_a_stranger_changes_nothing(
        self, counter: Counter, office: Office, secret: str, age_seconds: int
    ) -> None:
        _, account = await self.held(office)
        answer = await self.post(counter, *signed(self.event(account), secret, age_seconds))
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:waybill:problem:signature_invalid")
        assert not await office.sender.check_account()

    async def test_is_closed_without_a_secret(self, office: Office, identity: TestIdentity) -> None:
        transport = httpx.ASGITransport(cast("Any", application(office, identity, None)))
        async with httpx.AsyncClient(transport=transport, base_url="http://payouts.example") as client:
            answer = await self.post(Counter(client, identity), *signed(self.event("acct_1"), ""))
        assert answer.status_code == 503


class TestGuards:
    def test_every_money_route_asks_for_a_fresh_second_factor(self, office: Office, identity: TestIdentity) -> None:
        guards = {(g.method, g.path): g for g in route_guards(application(office, identity))}
        for action in ("run", "release", "reverse"):
            guard = guards["POST", f"/admin/ops/payouts/{{payout_id}}/{action}"]
            assert (guard.capability, guard.step_up) == (Capability.MANAGE_BILLING_OPS, True)


class TestEveryOperation:
    async def test_answers_as_documented(self, office: Office, identity: TestIdentity) -> None:
        import asyncio  # noqa: PLC0415

        with serving(application(office, identity)) as address:
            faults = await asyncio.to_thread(
                faults_found, address, identity.headers(), max_examples=10, leave_out={"/webhooks/stripe"}
            )
        assert not faults, "\n".join(faults)
