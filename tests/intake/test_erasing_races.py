"""Erasing beside what else is done with the lead: whoever comes second finds what the first has made. Real commits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.erasing import ErasePerson, erase_person
from services.intake.commands.filling import fill_all
from services.intake.commands.leads.correcting import CorrectLead, correct_lead
from services.intake.commands.leads.taking import take_lead
from services.intake.commands.screening import Screener
from services.intake.domain.corrections import CorrectionReason
from services.intake.domain.erasure import AskedVia, ErasureReason
from services.intake.errors import LeadNotCorrectable
from services.intake.queries import LiveKey
from tests.intake.samples import CONTENT, NOW, OPERATOR, committing, rows, screened, taking, working_source

TIMES = 12


@pytest.fixture
async def committed(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Database]:
    async with committing(fresh_database("intake")) as database:
        yield database


@pytest.fixture
async def source(committed: Database) -> LiveKey:
    return (await working_source(committed))[1]


async def taken(database: Database, source: LiveKey) -> UUID:
    content = replace(CONTENT, name=f"Mia {new_id().hex}", email=f"{new_id().hex}@post.example")
    return (await take_lead(database, taking(source, f"key-{new_id()}", content))).lead_id


async def erase(database: Database, lead_id: UUID) -> UUID:
    command = ErasePerson(
        new_id(), (lead_id,), AskedVia.PERSON, ErasureReason.OBJECTED, "Asked by letter", OPERATOR, NOW
    )
    async with database.transaction() as session:
        return (await erase_person(session, command)).id


async def correct(database: Database, lead_id: UUID) -> None:
    command = CorrectLead(lead_id, {"street": "99 Late Street"}, CorrectionReason.OTHER, None, OPERATOR, NOW)
    async with database.transaction() as session:
        await correct_lead(session, command)


async def kept(database: Database) -> list[dict[str, Any]]:
    query = "SELECT l.*, s.text FROM leads l LEFT JOIN lead_search s ON s.lead_id = l.id"
    return await rows(database, query)


class TestErasing:
    async def test_twice_at_once_is_one_erasure(self, committed: Database, source: LiveKey) -> None:
        for _ in range(TIMES):
            lead_id = await taken(committed, source)
            await screened(committed)
            ids = await asyncio.gather(*(erase(committed, lead_id) for _ in range(4)))
            assert len(set(ids)) == 1
        assert len(await rows(committed, "SELECT id FROM erasures")) == TIMES
        destroyed = await rows(committed, "SELECT key FROM outbox WHERE topic = 'intake.lead_keys'")
        assert len(destroyed) == TIMES * 2

    async def test_beside_a_correction_leaves_nothing_of_either(self, committed: Database, source: LiveKey) -> None:
        for _ in range(TIMES):
            lead_id = await taken(committed, source)
            await screened(committed)
            _, corrected = await asyncio.gather(
                erase(committed, lead_id), correct(committed, lead_id), return_exceptions=True
            )
            assert corrected is None or isinstance(corrected, LeadNotCorrectable)
        assert {(lead["street"], lead["name"]) for lead in await kept(committed)} == {("", "")}
        assert not [lead for lead in await kept(committed) if "late" in (lead["text"] or "")]
        values = await rows(committed, "SELECT before, after FROM lead_corrections")
        assert all(value == {"before": {}, "after": {}} for value in values)

    async def test_beside_its_screening_leaves_no_key_and_no_person(
        self, committed: Database, source: LiveKey, clock: FixedClock
    ) -> None:
        for _ in range(TIMES):
            lead_id = await taken(committed, source)
            await asyncio.gather(Screener(committed, clock).step(), erase(committed, lead_id))
        await screened(committed)
        leads = await kept(committed)
        assert {(lead["status"], lead["name"]) for lead in leads} == {("closed", "")}
        assert not [lead for lead in leads if "mia" in (lead["text"] or "")]
        assert {row["key"] for row in await rows(committed, "SELECT key FROM lead_keys")} == {None}

    async def test_beside_the_filling_of_search_and_keys_is_not_written_back(
        self, committed: Database, source: LiveKey, clock: FixedClock
    ) -> None:
        for _ in range(TIMES):
            lead_id = await taken(committed, source)
            # Let in as before there were keys.
            await screened(committed)
            await asyncio.gather(fill_all(committed, clock), erase(committed, lead_id))
        assert not [lead for lead in await kept(committed) if "mia" in (lead["text"] or "")]
        assert await rows(committed, "SELECT * FROM lead_match") == []
