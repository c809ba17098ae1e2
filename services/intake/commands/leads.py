"""Leads: taking one in, exactly once for ever; closing it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.ids import new_id
from contracts.intake import LeadCreated
from contracts.values import LeadContact, Location
from services.intake import queries
from services.intake.domain import CloseReason, LeadContent, LeadStatus, email_match, fingerprint
from services.intake.errors import LeadNotClosable, SubmissionKeyReused
from services.intake.models import Lead, LeadStatusChange
from services.intake.queries import LiveKey


@dataclass(frozen=True, slots=True)
class TakeLead:
    """`remote_address` is where the consent was given from, as far as we can tell."""

    source: LiveKey
    submission_key: str
    content: LeadContent
    remote_address: str
    now: datetime


@dataclass(frozen=True, slots=True)
class TakenLead:
    """The answer to a submission: the same for the first one and for every repetition."""

    lead_id: UUID
    status: LeadStatus
    is_replay: bool = False


# One round trip for the lead, its consent and its first step, and the proof that the key still works: a key that was
# revoked or has run out inserts nothing, and neither does a submission that is already there. The lock is the one that
# the foreign key takes anyway; taken here, it waits for a revocation under way and then looks at the source again.
_COLUMNS = (
    "submission_key", "fingerprint", "accepted_as", "status", "selected_path", "service", "name", "email",
    "email_match", "phone", "street", "suburb", "state", "postcode", "received_at",
)  # fmt: skip
_TAKE = text(
    f"""
    WITH lead AS (
        INSERT INTO leads (id, source_id, version, status_since, {", ".join(_COLUMNS)})
        SELECT :id, s.id, 1, :received_at, {", ".join(f":{column}" for column in _COLUMNS)}
          FROM lead_source_keys k JOIN lead_sources s ON s.id = k.source_id
         WHERE k.prefix = :prefix AND s.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
           FOR KEY SHARE OF s
        ON CONFLICT (source_id, submission_key) DO NOTHING
        RETURNING id
    ), consent AS (
        INSERT INTO consents (lead_id, text, url, remote_address, given_at)
        SELECT id, :consent_text, :consent_url, :remote_address, :received_at FROM lead
    ), step AS (
        INSERT INTO lead_status_changes (id, lead_id, from_status, to_status, changed_at)
        SELECT :step_id, id, 'received', :status, :received_at FROM lead
    )
    SELECT id FROM lead
    """  # noqa: S608  # the columns are the constant above
).bindparams(
    bindparam("id", type_=Lead.__table__.c.id.type),
    bindparam("step_id", type_=Lead.__table__.c.id.type),
    *(bindparam(column, type_=Lead.__table__.c[column].type) for column in _COLUMNS),
)


async def take_lead(session: AsyncSession, command: TakeLead) -> TakenLead:
    """Refuses a key that no longer works, and other content under a submission key that was used."""
    lead_id = new_id()
    digest = fingerprint(command.content)
    taken = await session.execute(_TAKE, _row(command, lead_id, digest))
    if taken.first() is None:
        return await _first_answer(session, command, digest)
    outbox.add(session, _created(command, lead_id), version=1)
    return TakenLead(lead_id, LeadStatus.ROUTABLE)


async def _first_answer(session: AsyncSession, command: TakeLead, digest: bytes) -> TakenLead:
    source = await queries.live_key(session, command.source.key)
    first = await queries.submission(session, source.source_id, command.submission_key)
    if first is None:
        raise LookupError("a working key inserted nothing, and its submission is not there")
    if first.fingerprint != digest:
        raise SubmissionKeyReused("this submission key was used for other content", lead_id=first.id)
    return TakenLead(first.id, first.accepted_as, is_replay=True)


def _row(command: TakeLead, lead_id: UUID, digest: bytes) -> dict[str, object]:
    content = command.content
    return {
        "id": lead_id,
        "step_id": new_id(),
        "prefix": command.source.key.prefix,
        "submission_key": command.submission_key,
        "fingerprint": digest,
        "accepted_as": LeadStatus.ROUTABLE,
        "status": LeadStatus.ROUTABLE,
        "selected_path": content.selected_path,
        "service": content.service,
        "name": content.name,
        "email": content.email,
        "email_match": email_match(content.email),
        "phone": content.phone,
        "street": content.street,
        "suburb": content.suburb,
        "state": content.state,
        "postcode": content.postcode,
        "received_at": command.now,
        "consent_text": content.consent_text,
        "consent_url": content.consent_url,
        "remote_address": command.remote_address,
    }


def _created(command: TakeLead, lead_id: UUID) -> LeadCreated:
    content = command.content
    return LeadCreated(
        lead_id=lead_id,
        source_id=command.source.source_id,
        selected_path=content.selected_path,
        service=content.service,
        location=Location(suburb=content.suburb, state=content.state, postcode=content.postcode),
        contact=LeadContact(name=content.name, email=content.email, phone=content.phone, street=content.street),
        received_at=command.now,
    )


@dataclass(frozen=True, slots=True)
class CloseLead:
    lead_id: UUID
    reason: CloseReason
    note: str | None
    by: Actor
    now: datetime


async def close_lead(session: AsyncSession, command: CloseLead) -> Lead:
    """Ends a lead's way here; what is already with an installer stays there. Closed twice is closed once."""
    lead = await queries.lead(session, command.lead_id, for_update=True)
    if lead.status is LeadStatus.CLOSED:
        return lead
    if not lead.status.can_become(LeadStatus.CLOSED):
        raise LeadNotClosable(f"a lead that is {lead.status} is not closed", lead_id=lead.id)
    before = lead.status
    lead.status, lead.status_since, lead.close_reason = LeadStatus.CLOSED, command.now, command.reason
    lead.exception_reason = None
    session.add(_closing(command, before))
    await audit.record(
        session,
        actor=command.by,
        action="close_lead",
        subject=Subject("lead", lead.id),
        before={"status": before},
        after={"status": lead.status},
        reason_code=command.reason,
        reason_text=command.note,
    )
    return lead


def _closing(command: CloseLead, before: LeadStatus) -> LeadStatusChange:
    return LeadStatusChange(
        id=new_id(),
        lead_id=command.lead_id,
        from_status=before,
        to_status=LeadStatus.CLOSED,
        changed_at=command.now,
        reason_code=command.reason,
        actor_name=command.by.name,
    )
