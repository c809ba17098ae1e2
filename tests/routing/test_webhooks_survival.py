"""A worker that dies, a receiver by the book, and what of a person is left in the logs: nothing."""

import asyncio
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from chassis.clock import FixedClock
from chassis.outbound import Guard, Limits, Outbound
from deploy.local.paths import ROOT, free_port, is_listening
from deploy.local.postgres import ServiceDatabase
from services.routing.domain.webhooks import DeliveryState, Verdict
from services.routing.webhook_gateway import WebhookGateway
from services.routing.webhooks import WebhookSender
from tests.kit.eventually import eventually
from tests.kit.webhook_sink import Sink, answers, raw, webhook_sink
from tests.routing.arrangements import MIA, Floor, committing
from tests.routing.webhooks import KEYS, Webhooks, expire_leases, sending, settings


@pytest.mark.slow
async def test_a_worker_killed_between_the_yes_and_the_record_leaves_one_delivery_to_bill(
    fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock
) -> None:
    address = fresh_database("routing")
    async with committing(address, clock) as floor, webhook_sink() as sink, sending(floor, sink) as webhooks:
        installer_id = await webhooks.installer()
        assignment_id = await webhooks.given()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.routing.dying_sender", address.url, cwd=ROOT
        )
        assert await process.wait() == -9
        assert len(sink.received) == 1
        assert (await webhooks.delivery(assignment_id)).state is DeliveryState.SENDING
        assert await floor.events("assignment.sent") == []
        clock.advance(timedelta(weeks=3))
        await webhooks.send()
        assert len(sink.received) == 1, "business time takes nothing out of a living process's hands"
        await floor.rows_changed(expire_leases())
        await webhooks.send()
        clock.advance(timedelta(seconds=10))
        await webhooks.send()
        first, second = sink.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == str(assignment_id)
        assert first.body == second.body
        assert [each.outcome for each in await webhooks.attempts(assignment_id)] == [Verdict.UNKNOWN, Verdict.ACCEPTED]
        assert len(await floor.events("assignment.sent")) == 1
        assert await floor.counts(installer_id) == {"day": (0, 1), "week": (0, 1), "month": (0, 1)}


@pytest.mark.slow
async def test_the_receiver_of_the_documents_takes_what_is_genuine(
    floor: Floor, tmp_path: Path, clock: FixedClock
) -> None:
    """docs/webhooks.md, as it stands there."""
    found = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.DOTALL)
    assert found is not None
    program, port = tmp_path / "receiver.py", free_port()
    program.write_text(found.group(1))
    outbound = Outbound(Guard(settings(webhook_local_networks=("127.0.0.0/8",)).local_networks), Limits(20, 20))
    sender = WebhookSender(floor.database, clock, settings(), WebhookGateway(outbound, KEYS))
    webhooks = Webhooks(floor, Sink(port=port), sender)
    installer_id = await webhooks.installer()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        env={**os.environ, "WEBHOOK_SECRET": KEYS.told(installer_id, 1), "PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:

        async def is_up() -> bool:
            assert is_listening(port)
            return True

        await eventually(is_up, 20)
        assert (await outbound.post(f"http://127.0.0.1:{port}/", {}, b"{}")).status == 401
        genuine = await webhooks.given()
        await webhooks.send()
        assert (await webhooks.delivery(genuine)).state is DeliveryState.ACCEPTED
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        assert line.decode().startswith("took lead.assigned ")
        await floor.rows_changed("UPDATE delivery_endpoints SET secret_generation = 2 WHERE channel = 'webhook'")
        foreign = await webhooks.given()
        await webhooks.send()
        assert (await webhooks.delivery(foreign)).reason_code == "http_401"
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await sender.close()


async def test_no_person_reaches_a_log_line(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a receiver says, and whatever breaks here."""
    async with webhook_sink() as sink, sending(floor, sink) as webhooks:
        await webhooks.installer()
        told = f"{MIA.name} {MIA.email} {MIA.phone} {MIA.street}".encode()
        sink.answers = [
            answers(500, told),
            answers(302, told, Location=f"https://other.example/{MIA.email}"),
            raw(told),
            answers(410, told),
            answers(200, told),
        ]
        for _ in range(5):
            await webhooks.given()
        await webhooks.send_all_tries()

        async def breaks(*_given: object) -> None:
            raise ValueError(told)

        webhooks.sender._gateway.send = breaks  # type: ignore[method-assign,assignment]
        await webhooks.installer(name="Another")
        await webhooks.given()
        await webhooks.send()
    logged = capsys.readouterr()
    assert "webhook_broke_off" in logged.out + logged.err
    assert not any(part in logged.out + logged.err for part in (MIA.name, MIA.email, MIA.phone, MIA.street))
