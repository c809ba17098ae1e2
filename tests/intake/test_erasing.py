"""Erasing a person, on a real database: what is left says nothing of them, and everyone who was told is told."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.clock import FixedClock
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from services.intake.commands.erasing import ErasePerson, erase_person
from services.intake.commands.forgetting import KEPT
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.commands.leads.correcting import CorrectLead, correct_lead
from services.intake.commands.leads.evidence import export_consent
from services.intake.commands.leads.taking import TakeLead
from services.intake.commands.leads.testing import hand_in
from services.intake.domain import CloseReason, LeadStatus
from services.intake.domain.corrections import CorrectionReason
from services.intake.domain.erasure import AskedVia, ErasureReason
from services.intake.errors import ConsentErased, ErasureIdTaken, ErasureNamesPerson, LeadNotCorrectable, LeadUnknown
from services.intake.models import Erasure, Lead
from tests.intake.reception import Reception
from tests.intake.samples import CONTENT, NOW, OPERATOR, rows
from tests.kit.databases import RolledBackDatabase
from tests.kit.forgetting import undeclared_anywhere
from tests.kit.sealed import unsealed


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def erase(reception: Reception, *lead_ids: UUID, note: str = "Asked by telephone", **changes: Any) -> Erasure:
    command = ErasePerson(
        id=new_id(),
        lead_ids=lead_ids,
        asked_via=AskedVia.PERSON,
        reason=ErasureReason.CONSENT_WITHDRAWN,
        note=note,
        by=OPERATOR,
        now=NOW,
    )
    async with reception.database.transaction() as session:
        return await erase_person(session, replace(command, **changes))


async def a_lead(reception: Reception, **content: Any) -> UUID:
    _, key = await reception.source(f"Source {new_id()}")
    return await reception.lead(key, **content)


async def row(reception: Reception, lead_id: UUID) -> dict[str, Any]:
    (found,) = await rows(reception.database, "SELECT * FROM leads WHERE id = :id", id=lead_id)
    return found


async def events(reception: Reception, topic: str) -> list[tuple[str, int]]:
    told = await rows(reception.database, "SELECT headers FROM outbox WHERE topic = :topic ORDER BY id", topic=topic)
    headers = [dict(unpack_headers(each["headers"])) for each in told]
    return [((each["ce_type"] or b"").decode(), int(each["ce_aggregateversion"] or 0)) for each in headers]


SAID = (CONTENT.name, CONTENT.email, "412345678", CONTENT.street)


async def everywhere(reception: Reception) -> str:
    """All that stands in any table but what waits to be relayed."""
    tables = await rows(reception.database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    told = ""
    for table in (each["tablename"] for each in tables if not each["tablename"].startswith("outbox")):
        for each in await rows(reception.database, f"SELECT to_jsonb(t)::text AS told FROM {table} t"):
            told += each["told"]
    return told


async def correct(reception: Reception, lead_id: UUID, **given: str) -> None:
    command = CorrectLead(lead_id, given, CorrectionReason.PERSON_TOLD, "Mia rang about it", OPERATOR, NOW)
    async with reception.database.transaction() as session:
        await correct_lead(session, command)


class TestErasing:
    async def test_leaves_nothing_of_the_person_in_any_table(self, reception: Reception) -> None:
        said = {"consent_given_at": "2026-03-03T02:15:00+00:00", "consent_remote_address": "2001:db8::7"}
        lead_id = await a_lead(reception, **said)
        await correct(reception, lead_id, phone="+61499111222", name="Mia O'Brian")
        await reception.follow_up(lead_id, note="Ask Mia O'Brien")
        before = await everywhere(reception)
        assert all(word in before for word in SAID)
        erasure = await erase(reception, lead_id)
        after = await everywhere(reception)
        assert not [word for word in (*SAID, "499111222", "Brian", "Mia", "2001:db8", "203.0.113") if word in after]
        assert erasure.lead_ids == [lead_id]
        assert {name: erasure.counts[name] for name in ("leads", "lead_corrections", "follow_ups", "consents")} == {
            "leads": 1,
            "lead_corrections": 1,
            "follow_ups": 1,
            "consents": 1,
        }

    async def test_keeps_place_service_steps_and_the_instant_of_the_consent(self, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        await erase(reception, lead_id)
        lead = await row(reception, lead_id)
        assert (lead["suburb"], lead["postcode"], lead["service"]) == ("Marrickville", "2204", CONTENT.service)
        assert (lead["status"], lead["close_reason"], lead["erased_at"]) == ("closed", "erased", NOW)
        (consent,) = await rows(reception.database, "SELECT * FROM consents")
        assert (consent["text"], consent["url"], consent["remote_address"], consent["given_at"]) == ("", "", "", NOW)
        steps = await rows(reception.database, "SELECT to_status FROM lead_status_changes ORDER BY id")
        assert [step["to_status"] for step in steps] == ["routable", "closed"]

    async def test_tells_that_it_is_closed_then_erased_and_that_its_key_is_gone(self, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        (seal,) = await rows(reception.database, "SELECT body FROM outbox WHERE topic = 'intake.leads'")
        (key,) = await rows(reception.database, "SELECT key FROM lead_keys")
        await erase(reception, lead_id)
        assert await events(reception, "intake.leads") == [("lead.created", 1), ("lead.closed", 2), ("lead.erased", 3)]
        assert await events(reception, "intake.lead_keys") == [("lead_key.created", 1), ("lead_key.destroyed", 2)]
        (kept,) = await rows(reception.database, "SELECT key, destroyed_at FROM lead_keys")
        assert kept == {"key": None, "destroyed_at": NOW}
        assert CONTENT.name not in seal["body"].decode()
        assert unsealed(_sealed_in(seal["body"]), lead_id, key["key"]).name == CONTENT.name

    async def test_of_a_lead_without_a_key_tells_so_too_and_none_is_made_later(self, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        async with reception.database.transaction() as session:
            await session.execute(text("DELETE FROM lead_keys"))
        await erase(reception, lead_id)
        assert (await events(reception, "intake.lead_keys"))[-1] == ("lead_key.destroyed", 1)

    async def test_twice_is_once_and_quiet(self, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        first = await erase(reception, lead_id)
        told = await events(reception, "intake.leads")
        second = await erase(reception, lead_id)
        assert second.id == first.id
        assert await events(reception, "intake.leads") == told
        assert len(await rows(reception.database, "SELECT id FROM erasures")) == 1

    async def test_takes_many_leads_of_one_person(self, reception: Reception) -> None:
        lead_ids = [await a_lead(reception), await a_lead(reception, street="14 Cadogan Street")]
        other = await a_lead(
            reception, name="Noah Vella", email="noah@vella.example", phone="+61499000111", street="1 X Road"
        )
        erasure = await erase(reception, *lead_ids)
        assert sorted(erasure.lead_ids) == sorted(lead_ids)
        assert (await row(reception, other))["name"] == "Noah Vella"
        assert "14 Cadogan" not in await everywhere(reception)

    async def test_leaves_a_delivered_or_closed_lead_as_it_ended(self, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        await reception.close(lead_id, CloseReason.WITHDRAWN, "Mia O'Brien rang")
        await erase(reception, lead_id)
        assert (await row(reception, lead_id))["close_reason"] == "withdrawn"
        assert (await events(reception, "intake.leads"))[-1] == ("lead.erased", 3)
        assert "O'Brien" not in await everywhere(reception)

    async def test_cancels_what_was_planned(self, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        follow_up = await reception.follow_up(lead_id)
        await erase(reception, lead_id)
        (kept,) = await rows(reception.database, "SELECT id, state, note FROM follow_ups")
        assert (kept["id"], kept["state"], kept["note"]) == (follow_up.id, "cancelled", "Erased on request")
        assert (await events(reception, "intake.lead_deeds"))[-1][0] == "lead.follow_up_changed"

    async def test_replaces_a_submission_key_that_tells_of_the_person_and_no_other(self, reception: Reception) -> None:
        kept, told = await a_lead(reception), await a_lead(reception)
        async with reception.database.transaction() as session:
            renamed = text("UPDATE leads SET submission_key = :key WHERE id = :id")
            await session.execute(renamed, {"key": f"form-{CONTENT.email.upper()}", "id": told})
        before = (await row(reception, kept))["submission_key"]
        await erase(reception, kept, told)
        assert (await row(reception, kept))["submission_key"] == before
        assert (await row(reception, told))["submission_key"].startswith("erased-")

    async def test_replaces_the_key_of_a_sources_test_that_tells_of_the_person(self, reception: Reception) -> None:
        """Whoever tries a form out may do it with themselves, and again."""
        lead_id = await a_lead(reception)
        _, key = await reception.source("Trying out")
        for tried in (f"form-{CONTENT.email.upper()}", "form-7731"):
            await hand_in(reception.database, TakeLead(key, tried, CONTENT, "203.0.113.9", NOW), asks_for_test=True)
        erasure = await erase(reception, lead_id)
        kept = await rows(reception.database, "SELECT submission_key FROM test_submissions ORDER BY submission_key")
        digest = sha256(f"form-{CONTENT.email.upper()}".encode()).hexdigest()
        assert [each["submission_key"] for each in kept] == [f"erased-{digest}", "form-7731"]
        assert erasure.counts["test_submissions"] == 1
        assert not [word for word in SAID if word.lower() in (await everywhere(reception)).lower()]

    async def test_refuses_a_note_that_names_who_is_erased(self, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        with pytest.raises(ErasureNamesPerson):
            await erase(reception, lead_id, note=f"{CONTENT.name.upper()} asked for it")
        assert (await row(reception, lead_id))["name"] == CONTENT.name

    async def test_refuses_leads_that_are_not_there(self, reception: Reception) -> None:
        with pytest.raises(LeadUnknown):
            await erase(reception, await a_lead(reception), new_id())

    async def test_under_an_id_that_is_taken_is_refused_unless_it_is_the_same(self, reception: Reception) -> None:
        lead_id, other, id_ = await a_lead(reception), await a_lead(reception), new_id()
        first = await erase(reception, lead_id, id=id_)
        assert (await erase(reception, lead_id, id=id_)).id == first.id
        with pytest.raises(ErasureIdTaken):
            await erase(reception, other, id=id_)


def _sealed_in(body: bytes) -> str:
    return str(json.loads(body)["sealed_contact"])


class TestAnErasedLead:
    async def test_can_have_nothing_done_to_it(self, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        await erase(reception, lead_id)
        with pytest.raises(LeadNotCorrectable, match="its person was erased"):
            await correct(reception, lead_id, name="Somebody Else")
        async with reception.database.transaction() as session:
            with pytest.raises(ConsentErased):
                await export_consent(session, lead_id, OPERATOR, NOW)
            lead = await session.get_one(Lead, lead_id)
            assert lead.available_actions == []
            closed = await close_lead(session, CloseLead(lead_id, CloseReason.OTHER, None, OPERATOR, NOW))
        assert closed.status is LeadStatus.CLOSED

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE consents SET text = 'I agreed to nothing'",
            "UPDATE consents SET given_at = now()",
            "DELETE FROM consents",
        ],
    )
    async def test_has_a_consent_that_nobody_else_changes(self, reception: Reception, statement: str) -> None:
        await a_lead(reception)
        with pytest.raises(DBAPIError, match=r"written once|permission denied"):
            async with reception.database.transaction() as session:
                await session.execute(text(statement))


class TestTheList:
    async def test_of_what_is_forgotten_is_whole(self, database: RolledBackDatabase) -> None:
        """A column that can hold text is blanked by an erasure, or it is told why it names nobody."""
        found = await undeclared_anywhere(database, KEPT)
        assert found == {"not on the list": [], "not there": [], "twice": []}
