"""Taking a lead in, exactly once for ever."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import current_cause
from chassis.database import Database
from chassis.ids import new_id
from services.intake import queries
from services.intake.domain import (
    LeadContent,
    LeadStatus,
    SourceMode,
    email_match,
    fingerprint,
)
from services.intake.errors import SubmissionKeyReused
from services.intake.queries import FirstAnswer, LiveKey


@dataclass(frozen=True, slots=True)
class TakeLead:
    """`remote_address` is where the request came from, as far as we can tell."""

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
    is_test: bool = False


class ModeChanged(Exception):
    """The source's mode is no longer what was remembered of it; `source` is what it is now."""

    def __init__(self, source: LiveKey) -> None:
        super().__init__("the lead source's mode was changed meanwhile")
        self.source = source


# The whole unit of work in one statement: the lead, its consent, and the proof that the key still works. A key that was
# revoked or has run out inserts nothing, nor does a source in test mode, nor a submission that is already there; a
# change of the source or of a key that is under way is waited for. Those lock the source first and then its keys, as
# this does, so that none waits for the other in a circle. What becomes of the lead is screening's to say: see
# `commands/screening.py`.
_TAKE = """
    WITH lead AS (
        INSERT INTO leads (id, submission_key, fingerprint, accepted_as, status, selected_path, service, name, email,
                           email_match, phone, street, suburb, state, postcode, received_at, status_since,
                           correlation_id, traceparent, source_id)
        SELECT $1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17, s.id
          FROM lead_source_keys k JOIN lead_sources s ON s.id = k.source_id
         WHERE k.prefix = $18 AND s.revoked_at IS NULL AND s.mode = 'live'
           AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
           FOR KEY SHARE OF s, k
        ON CONFLICT (source_id, submission_key) DO NOTHING
        RETURNING id
    ), consent AS (
        INSERT INTO consents (lead_id, text, url, remote_address, given_at, asserted_given_at, asserted_remote_address)
        SELECT id, $19, $20, $21, $15, $22, $23 FROM lead
    )
    SELECT id FROM lead
"""


async def take_lead(database: Database, command: TakeLead) -> TakenLead:
    """Refuses a key that no longer works, and other content under a submission key that was used.

    Raises ModeChanged where the source is in test mode by now, and takes nothing.
    """
    lead_id = new_id()
    digest = fingerprint(command.content)
    # The commit wakes the screener of this process; those of others look for themselves.
    if await database.publish_in(_TAKE, *_values(command, lead_id, digest)):
        return TakenLead(lead_id, LeadStatus.RECEIVED)
    async with database.reading() as session:
        return await _first_answer(session, command, digest)


async def _first_answer(session: AsyncSession, command: TakeLead, digest: bytes) -> TakenLead:
    source = await queries.live_key(session, command.source.key)
    first = await queries.submission(session, source.source_id, command.submission_key)
    if first is not None:
        return answered_again(first, digest)
    if source.mode is SourceMode.TEST:
        raise ModeChanged(source)
    raise LookupError("a working key inserted nothing, and its submission is not there")


def answered_again(first: FirstAnswer, digest: bytes) -> TakenLead:
    if first.fingerprint != digest:
        raise SubmissionKeyReused("this submission key was used for other content", lead_id=first.id)
    return TakenLead(first.id, first.accepted_as, is_replay=True, is_test=first.is_test)


def _values(command: TakeLead, lead_id: UUID, digest: bytes) -> tuple[object, ...]:
    """In the order of the statement's placeholders."""
    content, cause = command.content, current_cause()
    return (
        lead_id,
        command.submission_key,
        digest,
        LeadStatus.RECEIVED,
        content.selected_path,
        content.service,
        content.name,
        content.email,
        email_match(content.email),
        content.phone,
        content.street,
        content.suburb,
        content.state,
        content.postcode,
        command.now,
        cause.correlation_id if cause else None,
        cause.traceparent if cause else None,
        command.source.key.prefix,
        content.consent_text,
        content.consent_url,
        command.remote_address,
        datetime.fromisoformat(content.consent_given_at) if content.consent_given_at else None,
        content.consent_remote_address,
    )
