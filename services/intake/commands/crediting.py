"""Asking billing for credits, because of a deed with a lead; and keeping what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import Actor
from chassis.ids import new_id
from contracts.intake import LeadCreditsAsked
from contracts.values import CreditReason, CreditRequest
from services.intake import queries
from services.intake.domain.merging import CreditObstacle
from services.intake.errors import CreditNotPossible
from services.intake.models import CreditAsked, Lead
from services.intake.queries.merges import Creditable


@dataclass(frozen=True, slots=True)
class AskCredits:
    """`credits` are assignments of the lead's family with the reason for each; `deed` is merge or correction.

    `note` is a sentence of ours: what is typed may name a person, and goes by no topic.
    """

    deed: str
    deed_id: UUID
    credits: Mapping[UUID, CreditReason]
    note: str
    by: Actor
    now: datetime


async def ask_credits(session: AsyncSession, lead: Lead, command: AskCredits) -> None:
    """In one event for all. The lead's row is locked. Refuses what is not its family's, not charged, or asked for."""
    if not command.credits:
        return
    possible = {each.known.assignment_id: each for each in await queries.creditable_of(session, lead.id)}
    asked = [
        _asked(command, _possible(possible, assignment_id, lead), reason)
        for assignment_id, reason in command.credits.items()
    ]
    await _keep(session, lead, asked)
    event = LeadCreditsAsked(
        lead_id=lead.id,
        deed=command.deed,
        deed_id=command.deed_id,
        credits=tuple(_request(each, command) for each in asked),
    )
    outbox.add(session, event, version=lead.next_deed())


async def _keep(session: AsyncSession, lead: Lead, asked: Sequence[CreditAsked]) -> None:
    """Of an assignment that two leads of a family share, whoever comes second is refused, and breaks nothing."""
    rows = [
        {column.key: getattr(each, column.key) for column in CreditAsked.__mapper__.column_attrs}
        for each in sorted(asked, key=lambda each: each.assignment_id)
    ]
    kept = insert(CreditAsked).values(rows).on_conflict_do_nothing().returning(CreditAsked.assignment_id)
    found = set(await session.scalars(kept))
    for each in asked:
        if each.assignment_id not in found:
            raise _refused(lead, each.assignment_id, each.installer_name, CreditObstacle.ASKED)


def _possible(possible: Mapping[UUID, Creditable], assignment_id: UUID, lead: Lead) -> Creditable:
    found = possible.get(assignment_id)
    if found is None or found.known.installer_id is None:
        raise CreditNotPossible("the assignment is none of the lead", lead_id=lead.id, assignment_id=assignment_id)
    if found.obstacle:
        raise _refused(lead, assignment_id, found.known.installer_name, found.obstacle)
    return found


def _refused(lead: Lead, assignment_id: UUID, installer: str | None, why: CreditObstacle) -> CreditNotPossible:
    told = f"the delivery to {installer or 'the installer'}: {why}"
    return CreditNotPossible(told, lead_id=lead.id, assignment_id=assignment_id)


def _asked(command: AskCredits, found: Creditable, reason: CreditReason) -> CreditAsked:
    return CreditAsked(
        request_id=new_id(),
        lead_id=found.known.lead_id,
        deed=command.deed,
        deed_id=command.deed_id,
        assignment_id=found.known.assignment_id,
        installer_id=found.known.installer_id,
        installer_name=found.known.installer_name,
        reason_code=reason,
        asked_at=command.now,
        asked_by=command.by.name,
        version=0,
    )


def _request(asked: CreditAsked, command: AskCredits) -> CreditRequest:
    return CreditRequest(
        request_id=asked.request_id,
        assignment_id=asked.assignment_id,
        installer_id=asked.installer_id,
        reason_code=asked.reason_code,
        note=command.note,
        asked_by_id=command.by.id,
        asked_by_name=command.by.name,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """Billing's, to one request; `version` orders the answers to it."""

    request_id: UUID
    version: int
    result: str
    detail: str | None
    adjustment_id: UUID | None
    invoice_id: UUID | None
    amount_cents: int | None
    answered_at: datetime


async def keep_answers(session: AsyncSession, answers: Sequence[Answer]) -> None:
    """The last stands, in whatever order they come. What intake did not ask for is another's."""
    newest = {each.request_id: each for each in sorted(answers, key=lambda each: each.version)}
    rows = [newest[request_id] for request_id in sorted(newest)]
    await session.execute(_KEEP, {name: [getattr(row, name) for row in rows] for name in Answer.__slots__})


_KEEP = text(
    """
    UPDATE credit_requests AS asked
       SET result = told.result, detail = told.detail, adjustment_id = told.adjustment_id,
           invoice_id = told.invoice_id, amount_cents = told.amount_cents, answered_at = told.answered_at,
           version = told.version
      FROM unnest(:request_id, :version, :result, :detail, :adjustment_id, :invoice_id, :amount_cents, :answered_at)
        AS told (request_id, version, result, detail, adjustment_id, invoice_id, amount_cents, answered_at)
     WHERE asked.request_id = told.request_id AND asked.version < told.version
    """
).bindparams(
    bindparam("request_id", type_=ARRAY(Uuid)),
    bindparam("version", type_=ARRAY(Integer)),
    bindparam("result", type_=ARRAY(Text)),
    bindparam("detail", type_=ARRAY(Text)),
    bindparam("adjustment_id", type_=ARRAY(Uuid)),
    bindparam("invoice_id", type_=ARRAY(Uuid)),
    bindparam("amount_cents", type_=ARRAY(BigInteger)),
    bindparam("answered_at", type_=ARRAY(DateTime(timezone=True))),
)
