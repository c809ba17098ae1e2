"""One lead as operators see it, with what became of it here and in the other services."""

from datetime import datetime
from uuid import UUID

from litestar import get
from litestar.params import FromPath
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from contracts.values import CreditReason
from services.intake import queries
from services.intake.domain import LeadStatus
from services.intake.http.leads import LeadRow
from services.intake.http.merging import MergeRow
from services.intake.models import Lead


class Told(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ConsentRecord(Told):
    """`given_at` and `remote_address` are of the request that handed the lead in; `asserted_*` what its source says."""

    text: str
    url: str
    remote_address: str
    given_at: datetime
    asserted_given_at: datetime | None = None
    asserted_remote_address: str | None = None


class StatusChange(Told):
    """A step of a lead's way; `event_id` is routing's where routing moved it, `actor_name` an operator's."""

    from_status: LeadStatus
    to_status: LeadStatus
    changed_at: datetime
    reason_code: str | None
    actor_name: str | None
    event_id: UUID | None


class LeadAssigned(Told):
    """An installer who was given the lead, as routing and billing tell it. What they did not tell yet is null.

    `status` is sent, failed, cancelled or returned, `cap_status` counted, released or given_back; `finance` is held,
    billable, credited or void, and `invoice_state` draft, issued, partly_paid, paid, written_off or void.
    """

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID | None
    installer_name: str | None
    status: str | None
    created_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    reason_code: str | None
    cap_status: str | None
    cap_reason: str | None
    cap_released_at: datetime | None
    return_state: str | None
    return_reason: str | None
    return_changed_at: datetime | None
    returned_at: datetime | None
    delivery_event_id: UUID | None
    finance: str | None
    finance_reason: str | None
    finance_since: datetime | None
    recorded_at: datetime | None
    unit_price_cents: int | None
    invoice_id: UUID | None
    adjustment_id: UUID | None
    listed_at: datetime | None
    invoice_number: str | None
    invoice_state: str | None
    invoice_since: datetime | None


class LeadDecided(Told):
    """An attempt to place the lead: of how many installers dispatch chose how many."""

    decision_id: UUID
    lead_id: UUID
    attempt_no: int
    candidates: int
    chosen: int
    decided_at: datetime


class LeadMailed(Told):
    """What became of a mail about an assignment of the lead; `purpose` is lead_delivery where it brings the lead.

    `outcome` is the mail server's answer, accepted or failed. What it accepted may come back, `bounce_status` by
    RFC 3463: then `standing` is bounced, and is else the outcome.
    """

    message_id: UUID
    assignment_id: UUID
    purpose: str
    outcome: str
    reason_code: str | None
    smtp_status: int | None
    at: datetime
    standing: str
    bounced_at: datetime | None
    bounce_status: str | None
    bounce_reason: str | None


class LeadCorrected(Told):
    """`origin` is correction, merge or unmerge; `is_told`: the other services knew the lead, and have heard of it."""

    id: UUID
    lead_id: UUID
    origin: str
    fields: list[str]
    before: dict[str, str]
    after: dict[str, str]
    reason_code: str
    note: str | None
    made_by_name: str
    made_at: datetime
    is_told: bool


class CreditRow(Told):
    """A credit that finance was asked for; `result` is billing's last answer, null until the first."""

    request_id: UUID
    lead_id: UUID
    deed: str
    deed_id: UUID
    assignment_id: UUID
    installer_id: UUID
    installer_name: str | None
    reason_code: CreditReason
    asked_at: datetime
    asked_by: str
    result: str | None
    detail: str | None
    adjustment_id: UUID | None
    invoice_id: UUID | None
    amount_cents: int | None
    answered_at: datetime | None


class LeadDetail(LeadRow):
    """What was assigned, decided, mailed, corrected, merged and credited is also that of leads merged into it."""

    submission_key: str
    email: str
    phone: str
    street: str
    consent: ConsentRecord
    history: list[StatusChange]
    assignments: list[LeadAssigned]
    decisions: list[LeadDecided]
    messages: list[LeadMailed]
    corrections: list[LeadCorrected]
    merges: list[MergeRow]
    credits: list[CreditRow]

    @classmethod
    async def read(cls, session: AsyncSession, lead: Lead) -> "LeadDetail":
        family = await queries.family_of(session, lead.id)
        known = await queries.known_about(session, family)
        return cls(
            **(await LeadRow.of(session, lead)).model_dump(),
            submission_key=lead.submission_key,
            email=lead.email,
            phone=lead.phone,
            street=lead.street,
            consent=ConsentRecord.model_validate(await queries.consent_of(session, lead.id)),
            history=[StatusChange.model_validate(each) for each in await queries.history_of(session, lead.id)],
            assignments=[LeadAssigned.model_validate(each) for each in known.assignments],
            decisions=[LeadDecided.model_validate(each) for each in known.decisions],
            messages=[LeadMailed.model_validate(each) for each in known.messages],
            corrections=[LeadCorrected.model_validate(each) for each in await queries.corrections_of(session, family)],
            merges=[MergeRow.model_validate(each) for each in await queries.merges_of(session, family)],
            credits=[CreditRow.model_validate(each) for each in await queries.credits_of(session, family)],
        )


@get("/admin/leads/{lead_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_lead(lead_id: FromPath[UUID], database: Given[Database]) -> LeadDetail:
    """All of a lead: its consent, its way so far, and what the other services did with it."""
    async with database.reading() as session:
        return await LeadDetail.read(session, await queries.lead(session, lead_id))


ROUTES = (get_lead,)
