"""Taking leads in and closing them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.causation import Cause, caused_by
from chassis.clock import FixedClock
from chassis.outbox import unpack_headers
from contracts.envelope import decode_body, from_headers
from contracts.intake import LeadClosed
from services.intake import queries
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.commands.leads.taking import TakenLead, take_lead
from services.intake.commands.source_keys import rotate_key
from services.intake.commands.sources import revoke_source
from services.intake.domain import CloseReason, LeadStatus
from services.intake.domain.duplicates import RejectReason
from services.intake.errors import (
    KeyExpired,
    LeadNotClosable,
    LeadNotFound,
    SourceRevoked,
    SourceUnknown,
    SubmissionKeyReused,
)
from services.intake.queries import LiveKey
from tests.intake.samples import CONTENT, LEAD_EVENTS, NOW, OPERATOR, count, rows, screened, taking, working_source
from tests.kit.databases import RolledBackDatabase


async def taken(database: RolledBackDatabase, source: LiveKey, key: str = "form-7731") -> TakenLead:
    return await take_lead(database, taking(source, key))


async def let_in(database: RolledBackDatabase, source: LiveKey) -> TakenLead:
    """Taken and screened."""
    lead = await taken(database, source)
    await screened(database)
    return lead


class TestTakeLead:
    async def test_keeps_the_lead_and_its_consent_and_tells_nobody_yet(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        lead = await taken(database, source)
        assert (lead.status, lead.is_replay) == (LeadStatus.RECEIVED, False)
        (kept,) = await rows(database, "SELECT id, status, accepted_as, version FROM leads")
        assert kept == {"id": lead.lead_id, "status": "received", "accepted_as": "received", "version": 0}
        (consent,) = await rows(database, "SELECT * FROM consents")
        assert consent == {
            "lead_id": lead.lead_id,
            "text": CONTENT.consent_text,
            "url": CONTENT.consent_url,
            "remote_address": "203.0.113.9",
            "given_at": NOW,
            "asserted_given_at": None,
            "asserted_remote_address": None,
        }
        assert (await count(database, "lead_status_changes"), await count(database, LEAD_EVENTS)) == (0, 0)

    async def test_keeps_the_cause_of_what_will_follow(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        with caused_by(Cause("request-7", None, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")):
            await taken(database, source)
        (kept,) = await rows(database, "SELECT correlation_id, traceparent FROM leads")
        assert kept == {
            "correlation_id": "request-7",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        }

    async def test_announces_the_lead_to_the_screener_of_its_process(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        woken: list[None] = []
        database.on_commit = lambda: woken.append(None)
        await taken(database, source)
        await taken(database, source)
        assert len(woken) == 1

    async def test_keeps_the_match_form_beside_the_address_as_given(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        command = taking(source, content=replace(CONTENT, email="Mia+solar@example.test"))
        await take_lead(database, command)
        (lead,) = await rows(database, "SELECT email, email_match, version FROM leads")
        assert lead == {"email": "Mia+solar@example.test", "email_match": "mia@example.test", "version": 0}

    async def test_gives_the_first_answer_again_whatever_became_of_the_lead(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        first = await let_in(database, source)
        async with database.transaction() as session:
            await close_lead(session, closing(first))
        again = await taken(database, source)
        assert again == TakenLead(first.lead_id, LeadStatus.RECEIVED, is_replay=True)
        assert (await count(database, "leads"), await count(database, LEAD_EVENTS)) == (1, 2)

    async def test_refuses_other_content_under_the_same_key(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        first = await taken(database, source)
        other = taking(source, content=replace(CONTENT, phone="+61412345679"))
        with pytest.raises(SubmissionKeyReused) as refused:
            await take_lead(database, other)
        assert refused.value.ids == {"lead_id": str(first.lead_id)}

    async def test_the_same_key_of_another_source_is_another_lead(self, database: RolledBackDatabase) -> None:
        _, one = await working_source(database, "One")
        _, other = await working_source(database, "Other")
        assert (await taken(database, one)).lead_id != (await taken(database, other)).lead_id

    async def test_refuses_a_key_that_was_revoked_since_it_was_seen_working(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        async with database.transaction() as session:
            await revoke_source(session, source.source_id, None, OPERATOR, NOW)
        with pytest.raises(SourceRevoked):
            await taken(database, source)
        assert await count(database, "leads") == 0

    async def test_a_revoked_source_gets_no_old_answer_either(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        await taken(database, source)
        async with database.transaction() as session:
            await revoke_source(session, source.source_id, None, OPERATOR, NOW)
        with pytest.raises(SourceRevoked):
            await taken(database, source)

    async def test_refuses_a_key_that_has_run_out(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        async with database.transaction() as session:
            await rotate_key(session, source.source_id, timedelta(), OPERATOR, NOW)
        with pytest.raises(KeyExpired):
            await taken(database, source)

    async def test_refuses_a_secret_that_is_not_the_prefixs(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        forged = replace(source, key=source.key._replace(prefix="nobodyknows1"))
        with pytest.raises(SourceUnknown):
            await taken(database, forged)


def closing(lead: TakenLead, clock: FixedClock | None = None) -> CloseLead:
    now = clock.now() if clock else NOW
    return CloseLead(lead.lead_id, CloseReason.WITHDRAWN, "asked us to stop", OPERATOR, now)


class TestCloseLead:
    async def test_ends_its_way_with_a_reason_that_is_kept(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        _, source = await working_source(database)
        lead = await let_in(database, source)
        clock.advance(timedelta(hours=1))
        async with database.transaction() as session:
            closed = await close_lead(session, closing(lead, clock))
        assert (closed.status, closed.close_reason, closed.status_since) == (
            LeadStatus.CLOSED,
            CloseReason.WITHDRAWN,
            clock.now(),
        )
        steps = await rows(database, "SELECT to_status, reason_code, actor_name FROM lead_status_changes ORDER BY id")
        assert steps[-1] == {"to_status": "closed", "reason_code": "withdrawn", "actor_name": "Robin Field"}
        (entry,) = await rows(database, "SELECT * FROM audit_entries WHERE action = 'close_lead'")
        assert (entry["before"], entry["after"]) == ({"status": "routable"}, {"status": "closed"})
        assert (entry["reason_code"], entry["reason_text"]) == ("withdrawn", "asked us to stop")

    async def test_is_published_behind_the_leads_creation(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        lead = await let_in(database, source)
        async with database.transaction() as session:
            await close_lead(session, closing(lead))
        events = await rows(database, "SELECT key, headers, body FROM outbox WHERE topic = 'intake.leads' ORDER BY id")
        told = [from_headers(unpack_headers(event["headers"])) for event in events]
        assert [(envelope.type, envelope.aggregate_version) for envelope in told] == [
            ("lead.created", 1),
            ("lead.closed", 2),
        ]
        assert {event["key"].decode() for event in events} == {str(lead.lead_id)}
        expected = LeadClosed(lead_id=lead.lead_id, reason_code="withdrawn", closed_at=NOW)
        assert decode_body(LeadClosed, events[1]["body"]) == expected

    async def test_done_twice_is_done_once(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        lead = await let_in(database, source)
        for _ in range(2):
            async with database.transaction() as session:
                await close_lead(session, closing(lead))
        assert await count(database, "lead_status_changes") == 2
        assert await count(database, LEAD_EVENTS) == 2
        assert len(await rows(database, "SELECT id FROM audit_entries WHERE action = 'close_lead'")) == 1

    async def test_refuses_a_lead_that_is_not_screened_yet(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        lead = await taken(database, source)
        with pytest.raises(LeadNotClosable, match="it is only being taken in"):
            async with database.transaction() as session:
                await close_lead(session, closing(lead))

    async def test_refuses_a_lead_that_was_rejected(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        lead = await let_in(database, source)
        async with database.transaction() as session:
            rejected = await queries.lead(session, lead.lead_id)
            rejected.status, rejected.reject_reason = LeadStatus.REJECTED, RejectReason.OTHER
        with pytest.raises(LeadNotClosable):
            async with database.transaction() as session:
                await close_lead(session, closing(lead))

    async def test_refuses_a_lead_that_is_not_there(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        with pytest.raises(LeadNotFound):
            async with database.transaction() as session:
                await close_lead(session, closing(TakenLead(source.source_id, LeadStatus.ROUTABLE)))
