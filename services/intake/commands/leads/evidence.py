"""Handing out what a person agreed to, with a record of who asked for it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from services.intake import queries
from services.intake.errors import ConsentErased


@dataclass(frozen=True, slots=True)
class ConsentEvidence:
    """`fingerprint` is the submission's, as hexadecimal digits.

    `received_at` and `remote_address` are of the request, and the source's; what it says of the person is asserted.
    """

    lead_id: UUID
    source_id: UUID
    source_name: str
    submission_key: str
    fingerprint: str
    text: str
    url: str
    remote_address: str
    received_at: datetime
    asserted_given_at: datetime | None
    asserted_remote_address: str | None


async def export_consent(session: AsyncSession, lead_id: UUID, by: Actor, now: datetime) -> ConsentEvidence:
    lead = await queries.lead(session, lead_id)
    if lead.erased_at is not None:
        raise ConsentErased("that it was given, and when, is all that is kept", lead_id=lead_id)
    consent = await queries.consent_of(session, lead_id)
    source = await queries.source(session, lead.source_id)
    # Of the consent, not of the lead: reading it changes nothing for who decides about the lead meanwhile.
    subject = Subject("consent", lead_id)
    await audit.record(session, actor=by, action="export_consent", subject=subject, after={"at": now})
    return ConsentEvidence(
        lead_id=lead.id,
        source_id=source.id,
        source_name=source.name,
        submission_key=lead.submission_key,
        fingerprint=lead.fingerprint.hex(),
        text=consent.text,
        url=consent.url,
        remote_address=consent.remote_address,
        received_at=lead.received_at,
        asserted_given_at=consent.asserted_given_at,
        asserted_remote_address=consent.asserted_remote_address,
    )
