"""What is no event of ours, on the topics of the running system: parked with its reason, while all else flows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.errors import KafkaError

from contracts.intake import LeadCreated
from contracts.topics import LEADS
from contracts.values import LeadContact, Location, SelectedPath
from tests.flows.people import MARK, Person, new_service
from tests.flows.poison import POISONS, Poison, Sent, Subscription, headers_of, send_event, send_poison, subscriptions
from tests.flows.running import Running
from tests.flows.topics import lag, producer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system")]

PARKED_AT = "SELECT * FROM parked_events WHERE consumer = $1 AND partition = $2 AND record_offset = $3"
BILLED = "SELECT count(*) FROM delivery_events WHERE lead_id = $1"
ROUTING_LEADS = Subscription("routing", LEADS, LeadCreated.type)


def _suits(poison: Poison, subscription: Subscription) -> bool:
    """A compacted topic takes no record without a key: its broker refuses."""
    return poison.has_key or not subscription.topic.compacted


@pytest.fixture(scope="module")
async def poisoned(running: Running) -> AsyncIterator[list[Sent]]:
    """Every kind of poison on every topic for each of its consumers, and given up again at the end."""
    pairs = [(s, poison) for s in subscriptions() for poison in POISONS if _suits(poison, s)]
    async with producer(running.kafka) as ours:
        sent = await asyncio.gather(*(send_poison(ours, subscription, poison) for subscription, poison in pairs))
    yield list(sent)
    await asyncio.gather(*(_discard_all(running, service) for service in {one.subscription.service for one in sent}))
    assert await running.parked() == {}


async def _discard_all(running: Running, service: str) -> None:
    """From the first of each key on, as operators must."""
    while items := (await running.told("GET", service, "/admin/parked-events", params={"limit": 100}))["items"]:
        for item in items:
            await running.told(
                "POST", service, f"/admin/parked-events/{item['id']}/discard", json={"reason": "Made by a test"}
            )


async def _parked(running: Running, sent: Sent) -> dict[str, Any]:
    """The row of a record that was parked, once it is."""
    subscription = sent.subscription

    async def there() -> list[dict[str, Any]]:
        return await running.rows(subscription.service, PARKED_AT, subscription.group, sent.partition, sent.offset)

    (row,) = await running.until(there)
    return row


async def _shown(running: Running, service: str) -> list[dict[str, Any]]:
    """All that an operator sees in the list, page by page."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {"limit": 50} | ({"cursor": cursor} if cursor else {})
        page = await running.told("GET", service, "/admin/parked-events", params=params)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


class TestPoison:
    @pytest.mark.parametrize("kind", [poison.kind for poison in POISONS])
    async def test_is_parked_by_every_consumer_with_its_reason(
        self, running: Running, poisoned: list[Sent], kind: str
    ) -> None:
        ours = [sent for sent in poisoned if sent.poison.kind == kind]
        reasons = {sent.subscription.group: (await _parked(running, sent))["reason_code"] for sent in ours}
        assert reasons == {sent.subscription.group: sent.poison.reason for sent in ours}

    async def test_is_shown_to_operators_without_what_it_held(self, running: Running, poisoned: list[Sent]) -> None:
        rows = [await _parked(running, sent) for sent in poisoned]
        for service in {sent.subscription.service for sent in poisoned}:
            shown = await _shown(running, service)
            expected = {str(row["id"]) for row, sent in zip(rows, poisoned, strict=True) if _is_of(sent, service)}
            assert expected <= {item["id"] for item in shown}
            assert MARK not in str(shown).lower()

    async def test_is_kept_whole_for_who_looks_into_it(self, running: Running, poisoned: list[Sent]) -> None:
        for kind, holds in {"no JSON": MARK.encode(), "no body": None}.items():
            sent = next(sent for sent in poisoned if sent.poison.kind == kind)
            body = (await _parked(running, sent))["body"]
            assert body is None if holds is None else holds in body.lower()

    async def test_is_counted_by_its_reason(self, running: Running, poisoned: list[Sent]) -> None:
        for sent in poisoned:
            await _parked(running, sent)
        for service in {sent.subscription.service for sent in poisoned}:
            metrics = await running.metrics(service)
            for sent in poisoned:
                if _is_of(sent, service):
                    assert metrics["waybill_parked_total", (sent.poison.reason, sent.subscription.topic.name)] >= 1

    async def test_holds_up_nothing_of_another_key(self, running: Running, poisoned: list[Sent]) -> None:
        for sent in poisoned:
            await _parked(running, sent)
        service = new_service()
        await running.add_installer(service)
        leads = [await running.take_lead(Person(), service) for _ in range(5)]
        for lead_id in leads:
            await running.until(partial(running.number, "billing", BILLED, UUID(lead_id)))

    async def test_leaves_no_lag(self, running: Running, poisoned: list[Sent]) -> None:
        for subscription in {sent.subscription for sent in poisoned}:
            await running.until(partial(_no_lag, running, subscription))

    async def test_without_a_key_is_not_taken_by_a_compacted_topic(self, running: Running) -> None:
        compacted = next(subscription for subscription in subscriptions() if subscription.topic.compacted)
        keyless = next(poison for poison in POISONS if not poison.has_key)
        async with producer(running.kafka) as ours:
            with pytest.raises(KafkaError):
                await send_poison(ours, compacted, keyless)


def _is_of(sent: Sent, service: str) -> bool:
    return sent.subscription.service == service


async def _no_lag(running: Running, subscription: Subscription) -> bool:
    """By the broker's account, and by the service's own gauge."""
    told = (await running.metrics(subscription.service))["waybill_consumer_lag", (subscription.topic.name,)]
    return told == 0 and await lag(running.kafka, subscription.group, subscription.topic.name) == 0


class TestDiscard:
    async def test_lets_what_waited_behind_be_replayed_to_its_end(self, running: Running) -> None:
        """A lead whose first record is no event: its second waits, and comes all the way once the first is gone."""
        service, lead_id = new_service(), uuid4()
        installer = await running.add_installer(service)
        async with producer(running.kafka) as ours:
            await ours.send_and_wait(
                LEADS.name, b"{", key=str(lead_id).encode(), headers=headers_of(LeadCreated.type, str(lead_id))
            )
            await send_event(ours, _lead(lead_id, service), lead_id)
        first, behind = await _two_of(running, str(lead_id))
        assert (first["reason_code"], behind["reason_code"]) == ("json_invalid", "behind_a_parked_event")

        too_early = await running.ask("POST", "routing", f"/admin/parked-events/{behind['id']}/replay")
        assert (too_early.status_code, too_early.json()["first_id"]) == (409, first["id"])
        in_vain = await running.ask("POST", "routing", f"/admin/parked-events/{first['id']}/replay")
        assert in_vain.status_code == 409
        assert in_vain.json()["type"].endswith(":replay_failed")
        without = await running.ask("POST", "routing", f"/admin/parked-events/{first['id']}/discard", json={})
        assert without.status_code == 422

        discard = {"reason": "No JSON, and nobody knows whose"}
        gone = await running.told("POST", "routing", f"/admin/parked-events/{first['id']}/discard", json=discard)
        assert (gone["state"], gone["settled_reason"]) == ("discarded", discard["reason"])
        done = await running.told("POST", "routing", f"/admin/parked-events/{behind['id']}/replay")
        assert done == {"replayed": 1, "stopped_at": None, "reason": None}
        await running.until(lambda: running.number("billing", BILLED, lead_id))
        assert len(await running.mails_to(installer.email)) == 1
        audited = "SELECT count(*) FROM audit_entries WHERE subject_id = ANY($1)"
        assert await running.number("routing", audited, [first["id"], behind["id"]]) == 2


class TestReplay:
    async def test_of_what_failed_inside_finishes_once_the_cause_is_mended(self, running: Running) -> None:
        service, person = new_service(), Person()
        await running.add_installer(service)
        async with _refusing_leads_of(running, service):
            lead_id = await running.take_lead(person, service)

            async def given_up() -> list[dict[str, Any]]:
                page = await running.told("GET", "routing", "/admin/parked-events", params={"key": lead_id})
                items: list[dict[str, Any]] = page["items"]
                return items

            (parked,) = await running.until(given_up)
        assert (parked["reason_code"], parked["reason_detail"]) == ("handler_failed", "IntegrityError")
        assert parked["attempts"] == 5
        done = await running.told("POST", "routing", f"/admin/parked-events/{parked['id']}/replay")
        assert done["replayed"] == 1
        await running.until(lambda: running.number("billing", BILLED, UUID(lead_id)))
        again = await running.ask("POST", "routing", f"/admin/parked-events/{parked['id']}/replay")
        assert again.status_code == 409


@asynccontextmanager
async def _refusing_leads_of(running: Running, service: str) -> AsyncIterator[None]:
    """Routing fails at one lead, with an answer of its database that tells the whole row."""
    owner = running.owners["routing"]
    await owner.execute(f"ALTER TABLE dispatches ADD CONSTRAINT refused CHECK (service <> '{service}') NOT VALID")
    try:
        yield
    finally:
        await owner.execute("ALTER TABLE dispatches DROP CONSTRAINT refused")


def _lead(lead_id: UUID, service: str) -> LeadCreated:
    person = Person()
    return LeadCreated(
        lead_id=lead_id,
        source_id=uuid4(),
        selected_path=SelectedPath.RECOMMENDED_INSTALLER,
        service=service,
        location=Location(suburb="Marrickville", state="NSW", postcode="2204"),
        contact=LeadContact(name=person.name, email=person.email, phone=person.e164, street=person.street),
        received_at=datetime.now(UTC),
    )


async def _two_of(running: Running, key: str) -> list[dict[str, Any]]:
    async def both() -> list[dict[str, Any]]:
        page = await running.told("GET", "routing", "/admin/parked-events", params={"key": key})
        items: list[dict[str, Any]] = page["items"]
        assert len(items) == 2
        return items

    return await running.until(both)
