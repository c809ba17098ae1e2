"""A lead by webhook through all services: signed, taken once, billed once, and no mail beside it."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from typing import Any
from uuid import UUID

import pytest

from tests.flows.people import Person, new_service
from tests.flows.running import Installer, Running
from tests.kit.webhook_sink import Received, Sink, answers, webhook_sink

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

BILLED = "SELECT unit_price_cents, event_status FROM delivery_events WHERE lead_id = $1"
EXCEPTIONS = "SELECT reason FROM dispatch_exceptions WHERE lead_id = $1 AND resolved_at IS NULL"


async def _with_webhook(running: Running, sink: Sink, service: str) -> tuple[Installer, bytes]:
    """An installer whose leads go to the receiver, and the secret by which they are signed."""
    installer = await running.add_installer(service, exclusive_cents=7_250)
    path = f"/admin/installers/{installer.id}/delivery"
    set_ = await running.told(
        "PUT", "routing", path, json={"channel": "webhook", "url": sink.url, "reason": "They asked"}
    )
    return installer, b64decode(set_["secret"].removeprefix("whsec_"))


def _is_signed(received: Received, secret: bytes) -> bool:
    said = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}.".encode() + received.body
    signature = "v1," + b64encode(hmac.digest(secret, said, hashlib.sha256)).decode()
    return signature in received.headers["webhook-signature"].split(" ")


async def test_a_lead_is_signed_taken_and_billed_once_and_mailed_to_nobody(running: Running) -> None:
    service, person = new_service(), Person()
    async with webhook_sink() as sink:
        installer, secret = await _with_webhook(running, sink, service)
        lead_id = await running.take_lead(person, service)

        async def billed() -> list[dict[str, Any]]:
            rows = await running.rows("billing", BILLED, UUID(lead_id))
            assert rows
            return rows

        assert await running.until(billed) == [{"unit_price_cents": 7_250, "event_status": "billable"}]
        (received,) = sink.received
    assert _is_signed(received, secret)
    told = json.loads(received.body)
    assert (told["lead_id"], told["contact"]["name"], told["contact"]["phone"]) == (lead_id, person.name, person.e164)
    assert await running.mails_to(installer.email) == []


async def test_a_receiver_that_sends_elsewhere_gets_nothing_and_an_operator_knows(running: Running) -> None:
    service = new_service()
    async with webhook_sink() as inside, webhook_sink() as sink:
        sink.answers = [answers(307, Location=inside.url)]
        await _with_webhook(running, sink, service)
        lead_id = await running.take_lead(Person(), service)

        async def raised() -> list[dict[str, Any]]:
            rows = await running.rows("routing", EXCEPTIONS, UUID(lead_id))
            assert rows
            return rows

        assert await running.until(raised) == [{"reason": "delivery_failed"}]
        assert inside.received == []
        assert len(sink.received) == 1
    assert await running.rows("billing", BILLED, UUID(lead_id)) == []
