"""What the services log of people: nothing, whatever is sent in and whatever fails."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from contracts.intake import LeadCreated
from contracts.topics import LEADS
from deploy import SERVICES
from tests.flows.people import MARK, Person, marked, new_service, phones_sent_in, submission
from tests.flows.poison import POISONS, Subscription, send_poison
from tests.flows.running import Running
from tests.flows.topics import producer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system")]

SET_ASIDE = "SELECT fault, attempts FROM screening_faults WHERE lead_id = $1"
PARKED = "SELECT id FROM parked_events WHERE state = 'parked'"


def _rejected_bodies() -> list[Any]:
    """Leads that are refused, each for another reason, each with somebody in it."""
    person, service = Person(), new_service()
    faultless = submission(person, service)
    return [
        {**faultless, "phone": f"call {marked()}"},
        {**faultless, "email": f"{marked()} at post.example"},
        {**faultless, "name": f"{marked()}\u0000"},
        {**faultless, "name": [marked()]},
        {**faultless, "selected_path": marked()},
        {**faultless, "client_submission_key": f"{marked()} {marked()}"},
        {**faultless, marked(): marked()},
        {**faultless, "address": {**faultless["address"], "state": marked(), "postcode": marked()}},
        {**faultless, "address": {**faultless["address"], "postcode": "3000"}},
        {**faultless, "consent": {"text": marked(), "url": f"javascript:{marked()}"}},
        {**faultless, "name": f"<script>{marked()}</script>" * 10_000},
        {**faultless, "street": f"'; DROP TABLE leads; -- {marked()}"},
        [marked()],
        marked(),
    ]


@asynccontextmanager
async def _failing_inside(
    running: Running, service: str, table: str, name: str, unless: str = "false"
) -> AsyncIterator[None]:
    """At one name, with an answer of the database that tells the whole row."""
    owner = running.owners[service]
    await owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK (name <> '{name}' OR {unless}) NOT VALID")
    try:
        yield
    finally:
        await owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT refused")


def _lines(running: Running, service: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in running.log(service).splitlines()]


async def _until_logged(running: Running, service: str, event: str, **fields: Any) -> None:
    wanted = {"event": event, **fields}

    async def logged() -> bool:
        return any(all(line.get(name) == value for name, value in wanted.items()) for line in _lines(running, service))

    await running.until(logged)


async def _let_in(running: Running, lead_id: str) -> None:
    screened = "SELECT count(*) FROM leads WHERE id = $1 AND status <> 'received'"
    await running.until(lambda: running.number("intake", screened, UUID(lead_id)))


class TestLogs:
    async def test_tell_of_rejected_requests_without_who_sent_them(self, running: Running) -> None:
        for body in _rejected_bodies():
            answer = await running.post_lead(body)
            assert 400 <= answer.status_code < 500
        headers = {"Authorization": f"Bearer {running.source_key}", "Content-Type": "application/json"}
        for content in (f'{{"name": "{marked()}"', f'"{marked()}', f'{{"name": "{marked()}\ud800"}}'):
            raw = content.encode("utf-8", "surrogatepass")
            answer = await running.client.post(running.url("intake", "/leads"), content=raw, headers=headers)
            assert answer.status_code in (400, 422)
        await _until_logged(running, "intake", "request_refused", code="invalid_request")

    async def test_tell_of_unknown_sources_and_operators_without_their_credentials(self, running: Running) -> None:
        key = f"wbk_{marked().lower()[:12]}_{'x' * 43}"
        running.secrets.add(key)
        answer = await running.client.post(
            running.url("intake", "/leads"),
            json=submission(Person(), new_service()),
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code == 401
        sign_in = {"email": f"{marked()}@waybill.example", "password": marked(), "totp_code": "123456"}
        answer = await running.client.post(running.url("identity", "/sessions"), json=sign_in)
        assert answer.status_code == 401

    @pytest.mark.parametrize("service", SERVICES)
    async def test_tell_of_a_path_without_what_stands_in_it(self, running: Running, service: str) -> None:
        for path in (f"/{marked()}", f"/admin/parked-events/{marked()}", f"/admin/parked-events?topic={marked()}"):
            for method in ("GET", "POST", "DELETE"):
                await running.ask(method, service, path, headers={"User-Agent": marked(), "Referer": marked()})

    async def test_tell_of_a_request_that_failed_inside_without_the_row(self, running: Running) -> None:
        person = Person()
        async with _failing_inside(running, "intake", "leads", person.name):
            lead = await running.post_lead(submission(person, new_service()))
        firm = f"{marked()} Solar"
        profile = {"name": firm, "gst_registered": True, "email": f"{marked()}@firm.example", "services": ["solar"]}
        async with _failing_inside(running, "routing", "installers", firm):
            installer = await running.ask("POST", "routing", "/admin/installers", json=profile)
        # A lead goes to the driver directly, an installer through a session.
        for service, answer, fault in (
            ("intake", lead, "CheckViolationError"),
            ("routing", installer, "IntegrityError"),
        ):
            assert answer.status_code == 500
            assert MARK not in answer.text.lower()
            await _until_logged(running, service, "request_failed", fault=fault)

    async def test_tell_of_a_lead_whose_screening_failed_without_the_row(self, running: Running) -> None:
        """It is set aside, others go by, and it goes its way once the fault is mended."""
        person = Person()
        async with _failing_inside(running, "intake", "leads", person.name, unless="status = 'received'"):
            lead_id = await running.take_lead(person, new_service())
            await _until_logged(running, "intake", "lead_set_aside", lead_id=lead_id, fault="IntegrityError")
            await _let_in(running, await running.take_lead(Person(), new_service()))
        (kept,) = await running.rows("intake", SET_ASIDE, UUID(lead_id))
        assert kept == {"fault": "IntegrityError", "attempts": 1}
        await running.owners["intake"].execute("UPDATE screening_faults SET next_at = now()")
        await _let_in(running, lead_id)
        assert await running.rows("intake", SET_ASIDE, UUID(lead_id)) == []

    async def test_tell_of_a_poison_record_without_what_it_held(self, running: Running) -> None:
        subscription = Subscription("routing", LEADS, LeadCreated.type)
        async with producer(running.kafka) as ours:
            sent = [await send_poison(ours, subscription, poison) for poison in POISONS]
        for one in sent:
            await _until_logged(running, "routing", "event_parked", partition=one.partition, offset=one.offset)
        for row in await running.rows("routing", PARKED):
            discard = f"/admin/parked-events/{row['id']}/discard"
            await running.told("POST", "routing", discard, json={"reason": f"About {marked()}"})

    async def test_tell_of_a_refused_mail_without_the_servers_words(self, running: Running) -> None:
        service, person = new_service(), Person()
        installer = await running.add_installer(service)
        words = f"550 5.1.1 <{installer.email}> {marked()} is unknown here"
        async with running.mail_fault(action="refuse", recipient=installer.email, answer=words):
            await running.alert_about(await running.take_lead(person, service))

    @pytest.mark.parametrize("service", SERVICES)
    async def test_hold_nobody_and_no_secret(self, running: Running, service: str) -> None:
        """Of all that was sent in by the tests before."""
        log = running.log(service)
        assert log
        assert [line for line in log.splitlines() if MARK in line.lower()] == []
        assert {kind for kind in running.secrets if kind in log} == set()
        assert {phone for phone in phones_sent_in() if phone in log} == set()

    @pytest.mark.parametrize("service", SERVICES)
    async def test_are_lines_of_json_that_say_when_who_and_what(self, running: Running, service: str) -> None:
        for line in _lines(running, service):
            assert {"time", "level", "service", "event"} <= line.keys()
            assert line["service"] == service
