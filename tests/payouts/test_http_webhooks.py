"""Stripe Connect's webhooks: what a signature lets in, and what it does."""

import json
import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import stripe

from services.payouts.domain import PayoutState
from services.payouts.stripe_gateway import Payability
from tests.kit.identity import TestIdentity
from tests.payouts.arrangements import Office
from tests.payouts.counter import SECRET, Counter, answering, code_of


def event_about(account: object, **changes: Any) -> dict[str, Any]:
    known = {"id": f"evt_{uuid4().hex}", "object": "event", "type": "account.updated", "account": account}
    return known | changes


def signed(event: object, secret: str = SECRET, age_seconds: int = 0) -> tuple[bytes, str]:
    body, stamp = json.dumps(event), int(time.time()) - age_seconds
    signature = stripe.WebhookSignature._compute_signature(f"{stamp}.{body}", secret)
    return body.encode(), f"t={stamp},v1={signature}"


async def post(counter: Counter, body: bytes, signature: str | None) -> httpx.Response:
    headers = {"Content-Type": "application/json"} | ({"Stripe-Signature": signature} if signature else {})
    return await counter.client.post("/webhooks/stripe", content=body, headers=headers)


async def held(office: Office) -> tuple[UUID, str]:
    payout = await office.ready_payout()
    (account,) = office.gateway.payable
    office.gateway.payable[account] = Payability(False, "requirements.past_due")
    await office.sender.send(payout.id)
    office.gateway.payable[account] = Payability(True)
    return payout.id, account


class TestAuthentic:
    async def test_lets_pay_go_on_that_the_account_had_held_up(self, counter: Counter, office: Office) -> None:
        payout_id, account = await held(office)
        event = event_about(account)
        for _ in range(2):
            answer = await post(counter, *signed(event))
            assert (answer.status_code, answer.json()) == (202, {"event_id": event["id"], "status": "received"})
        assert await office.sender.check_account()
        assert not await office.sender.check_account()
        assert (await office.payout(payout_id)).state is PayoutState.READY

    @pytest.mark.parametrize("event", [event_about("acct_1", type="balance.available"), event_about(None)])
    async def test_about_nothing_of_ours_is_taken_and_forgotten(
        self, counter: Counter, office: Office, event: dict[str, Any]
    ) -> None:
        assert (await post(counter, *signed(event))).status_code == 202
        assert not await office.sender.check_account()

    @pytest.mark.parametrize(
        "event",
        [
            [],
            "text",
            7,
            None,
            {},
            {"object": "event", "type": "account.updated", "account": "acct_1"},
            event_about("acct_1", id=7),
            event_about("acct_1", id="evt_\x00"),
            event_about("acct_1", type=None),
            event_about("acct_1", object="account"),
        ],
    )
    async def test_that_is_no_event_is_told_so(self, counter: Counter, event: object) -> None:
        answer = await post(counter, *signed(event))
        assert (answer.status_code, code_of(answer)) == (400, "webhook_malformed")

    async def test_that_is_no_json_is_told_so(self, counter: Counter) -> None:
        stamp = int(time.time())
        signature = stripe.WebhookSignature._compute_signature(f"{stamp}.{{", SECRET)
        answer = await post(counter, b"{", f"t={stamp},v1={signature}")
        assert (answer.status_code, code_of(answer)) == (400, "webhook_malformed")


class TestOfAStranger:
    @pytest.mark.parametrize(("secret", "age_seconds"), [("whsec_other", 0), (SECRET, 400)], ids=["forged", "stale"])
    async def test_changes_nothing(self, counter: Counter, office: Office, secret: str, age_seconds: int) -> None:
        _, account = await held(office)
        answer = await post(counter, *signed(event_about(account), secret, age_seconds))
        assert (answer.status_code, code_of(answer)) == (400, "signature_refused")
        assert not await office.sender.check_account()

    async def test_without_a_signature_is_refused_alike(self, counter: Counter) -> None:
        body, _ = signed(event_about("acct_1"))
        answer = await post(counter, body, None)
        assert (answer.status_code, code_of(answer)) == (400, "signature_refused")

    async def test_whose_bytes_are_no_text_is_refused_alike(self, counter: Counter) -> None:
        answer = await post(counter, b"\xff\xfe", f"t={int(time.time())},v1=00")
        assert (answer.status_code, code_of(answer)) == (400, "signature_refused")


@pytest.mark.parametrize("secret", ["", " "])
async def test_without_a_secret_nothing_is_taken(office: Office, identity: TestIdentity, secret: str) -> None:
    async with answering(office, identity, stripe_connect_webhook_secret=secret) as counter:
        answer = await post(counter, *signed(event_about("acct_1"), secret))
    assert (answer.status_code, code_of(answer)) == (503, "webhooks_disabled")
