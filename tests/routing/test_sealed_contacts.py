"""People who come sealed: passed on unopened, and opened for a webhook alone, by the key that intake tells."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from contracts.intake import LeadKeyCreated, LeadKeyDestroyed
from contracts.routing import AssignmentCreated
from services.routing.commands.correcting import CorrectLead, correct_leads
from services.routing.commands.dispatch import DispatchLead
from services.routing.consumers.keys import of_lead_keys
from tests.kit.records import incoming
from tests.kit.sealed import key_created, key_destroyed, sealed
from tests.kit.webhook_sink import Sink, webhook_sink
from tests.routing.arrangements import MIA, NOW, Floor, lead
from tests.routing.webhooks import Webhooks, sending

HANDLERS: Any = of_lead_keys().handlers


@pytest.fixture
async def webhooks(floor: Floor) -> AsyncIterator[Webhooks]:
    sink: Sink
    async with webhook_sink() as sink, sending(floor, sink) as webhooks:
        yield webhooks


def sealed_lead(**changes: Any) -> DispatchLead:
    arrived = lead(contact=None, **changes)
    return lead(lead_id=arrived.lead_id, contact=None, sealed_contact=sealed(MIA, arrived.lead_id))


async def take(floor: Floor, event: LeadKeyCreated | LeadKeyDestroyed, version: int = 1) -> None:
    async with floor.database.transaction() as session:
        await HANDLERS[type(event)](session, [incoming(event, version)])


async def given(webhooks: Webhooks) -> tuple[UUID, UUID]:
    await webhooks.floor.dispatch(arrived := sealed_lead())
    [made] = await webhooks.floor.assignments(arrived.lead_id)
    return arrived.lead_id, made.id


class TestASealedPerson:
    async def test_is_passed_on_as_they_came_and_kept_so(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := sealed_lead())
        [created] = await floor.events("assignment.created")
        assert isinstance(created, AssignmentCreated)
        assert (created.contact, created.sealed_contact) == (None, arrived.sealed_contact)
        [kept] = await floor.rows("SELECT * FROM lead_contacts")
        assert (kept["name"], kept["sealed_contact"]) == (None, arrived.sealed_contact)

    async def test_who_was_told_in_words_is_sealed_from_their_correction_on(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        seal = sealed(MIA, arrived.lead_id)
        async with floor.database.transaction() as session:
            event = incoming(key_created(arrived.lead_id))
            correction = CorrectLead(arrived.lead_id, event.envelope.id, ("phone",), None, seal, None, None, NOW)
            await correct_leads(session, [correction])
        [kept] = await floor.rows("SELECT * FROM lead_contacts")
        assert (kept["email"], kept["sealed_contact"]) == (None, seal)
        [told] = await floor.events("assignment.lead_corrected")
        assert told.model_dump()["sealed_contact"] == seal


class TestAWebhook:
    async def test_waits_for_the_key_and_tells_the_person_once_it_is_there(self, webhooks: Webhooks) -> None:
        await webhooks.installer()
        lead_id, assignment_id = await given(webhooks)
        await webhooks.send()
        assert webhooks.sink.received == []
        assert (await webhooks.delivery(assignment_id)).state == "waiting"
        await take(webhooks.floor, key_created(lead_id))
        await webhooks.send()
        [received] = webhooks.sink.received
        assert json.loads(received.body)["contact"] == MIA.model_dump()

    async def test_of_a_destroyed_key_fails_and_counts_for_nobody(self, webhooks: Webhooks) -> None:
        installer_id = await webhooks.installer()
        lead_id, assignment_id = await given(webhooks)
        await take(webhooks.floor, key_created(lead_id))
        await take(webhooks.floor, key_destroyed(lead_id), version=2)
        await take(webhooks.floor, key_created(lead_id))
        await webhooks.send()
        assert webhooks.sink.received == []
        assert (await webhooks.delivery(assignment_id)).reason_code == "contact_erased"
        assert (await webhooks.endpoint(installer_id)).failures_in_row == 0

    async def test_tells_nothing_by_a_key_that_is_another_s(self, webhooks: Webhooks) -> None:
        await webhooks.installer()
        lead_id, assignment_id = await given(webhooks)
        await take(webhooks.floor, key_created(lead_id, key=bytes(32)))
        await webhooks.send()
        assert webhooks.sink.received == []
        assert (await webhooks.delivery(assignment_id)).reason_code == "contact_erased"
