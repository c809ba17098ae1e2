"""Handing a lead in, and trying that out: a test is checked and answered as any other, and nothing comes of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.ids import new_id
from services.intake import queries
from services.intake.commands.leads.taking import ModeChanged, TakeLead, TakenLead, answered_again, take_lead
from services.intake.domain import LeadStatus, SourceMode, fingerprint
from services.intake.models import TestSubmission

TAKEN = text("status_code = 202")
"""As the index has it: it is found by no placeholder."""


async def hand_in(database: Database, command: TakeLead, *, asks_for_test: bool) -> TakenLead:
    """As a test where the source or the submission says so. What is remembered of the source's mode may be old."""
    while True:
        try:
            if asks_for_test or command.source.mode is SourceMode.TEST:
                async with database.transaction() as session:
                    return await take_test_lead(session, command, asks_for_test=asks_for_test)
            return await take_lead(database, command)
        except ModeChanged as changed:
            command = replace(command, source=changed.source)


async def take_test_lead(session: AsyncSession, command: TakeLead, *, asks_for_test: bool) -> TakenLead:
    """Never a lead, a consent or an event. It uses up no submission key: the same one can be handed in live later.

    What a source in test mode handed in before, as a lead, is answered as it was then.
    """
    source = await queries.live_key(session, command.source.key)
    digest = fingerprint(command.content)
    if not asks_for_test:
        if source.mode is SourceMode.LIVE:
            raise ModeChanged(source)
        if lead := await queries.submission(session, source.source_id, command.submission_key):
            return answered_again(lead, digest)
    if test_id := await _keep(session, command, source.source_id, digest):
        return TakenLead(test_id, LeadStatus.RECEIVED, is_test=True)
    first = await queries.test_submission(session, source.source_id, command.submission_key)
    if first is None:
        raise LookupError("a test was neither kept nor there")
    return answered_again(first, digest)


async def _keep(session: AsyncSession, command: TakeLead, source_id: UUID, digest: bytes) -> UUID | None:
    made = insert(TestSubmission).values(
        id=new_id(),
        source_id=source_id,
        submission_key=command.submission_key,
        fingerprint=digest,
        status_code=HTTPStatus.ACCEPTED,
        faults=[],
        received_at=command.now,
    )
    once = made.on_conflict_do_nothing(
        index_elements=[TestSubmission.source_id, TestSubmission.submission_key], index_where=TAKEN
    )
    return await session.scalar(once.returning(TestSubmission.id))


class TestFault(NamedTuple):
    field: str
    code: str


def keep_refused_test(
    session: AsyncSession, source_id: UUID, status_code: int, faults: Sequence[TestFault], now: datetime
) -> None:
    session.add(
        TestSubmission(
            id=new_id(),
            source_id=source_id,
            status_code=status_code,
            faults=[fault._asdict() for fault in faults],
            received_at=now,
        )
    )


PORTION = 5_000


async def forget_tests(database: Database, before: datetime) -> None:
    """In portions, each a transaction of its own."""
    old = select(TestSubmission.id).where(TestSubmission.received_at < before).limit(PORTION)
    while True:
        async with database.transaction() as session:
            gone = delete(TestSubmission).where(TestSubmission.id.in_(old)).returning(TestSubmission.id)
            is_last = len((await session.scalars(gone)).all()) < PORTION
        if is_last:
            return
