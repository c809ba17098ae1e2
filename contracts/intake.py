"""Events that intake publishes."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts import topics
from contracts.envelope import Event
from contracts.values import (
    Cents,
    CreditRequest,
    Currency,
    Instant,
    LeadContact,
    Location,
    SealedContact,
    SelectedPath,
    Value,
    Word,
)


class LeadCreated(Event):
    """A lead was taken in and may be dispatched. The person behind it is in `contact`, or sealed in `sealed_contact`.

    `same_person_lead_ids` are other leads with the same phone or e-mail, the newest 20. What those were merged with,
    `lead.merged` tells.
    """

    type: ClassVar[str] = "lead.created"
    topic: ClassVar[topics.Topic] = topics.LEADS
    schema_version: ClassVar[int] = 2

    lead_id: UUID
    source_id: UUID
    selected_path: SelectedPath
    service: str
    location: Location
    contact: LeadContact | None = None
    sealed_contact: SealedContact | None = None
    same_person_lead_ids: tuple[UUID, ...] = ()
    received_at: Instant


class LeadRejected(Event):
    """A lead was taken in and goes nowhere: it was never created for the others."""

    type: ClassVar[str] = "lead.rejected"
    topic: ClassVar[topics.Topic] = topics.LEADS

    lead_id: UUID
    reason_code: Word
    rejected_at: Instant


class LeadClosed(Event):
    """An operator ended the lead's way: nobody gets it any more. What was delivered before stays delivered."""

    type: ClassVar[str] = "lead.closed"
    topic: ClassVar[topics.Topic] = topics.LEADS

    lead_id: UUID
    reason_code: str
    closed_at: Instant


class LeadReopened(Event):
    """A closed lead goes on where it was: whoever lacks it may get it again."""

    type: ClassVar[str] = "lead.reopened"
    topic: ClassVar[topics.Topic] = topics.LEADS

    lead_id: UUID
    reason_code: Word
    reopened_at: Instant


class LeadCorrected(Event):
    """What was wrong with a lead is right now: `fields` names it, and only what changed is there.

    A change of any part of the contact gives the whole of it anew, in `contact` or sealed in `sealed_contact`, and in
    `same_person_lead_ids` the leads with the phone or the e-mail that it has now, the newest 20, in place of those
    before; null says nothing of them.
    """

    type: ClassVar[str] = "lead.corrected"
    topic: ClassVar[topics.Topic] = topics.LEADS
    schema_version: ClassVar[int] = 2

    lead_id: UUID
    correction_id: UUID
    fields: tuple[Word, ...]
    contact: LeadContact | None = None
    sealed_contact: SealedContact | None = None
    same_person_lead_ids: tuple[UUID, ...] | None = None
    service: str | None = None
    location: Location | None = None
    corrected_at: Instant


class LeadErased(Event):
    """The person behind the lead is to be forgotten, by everyone and in everything that was kept of the lead."""

    type: ClassVar[str] = "lead.erased"
    topic: ClassVar[topics.Topic] = topics.LEADS

    lead_id: UUID
    erasure_id: UUID
    erased_at: Instant


class LeadMerged(Event):
    """The lead was the same as `survivor_id`, which goes on for both.

    `same_person_lead_ids` are other leads with the phone or e-mail of the one that was merged, the newest 20: it may
    never have been told of before.
    """

    type: ClassVar[str] = "lead.merged"
    topic: ClassVar[topics.Topic] = topics.LEAD_DEEDS

    lead_id: UUID
    survivor_id: UUID
    merge_id: UUID
    reason_code: Word
    at: Instant
    by_id: UUID
    by_name: str
    same_person_lead_ids: tuple[UUID, ...] = ()


class LeadUnmerged(Event):
    """The merge was a mistake: the lead is one of its own again. `same_person_lead_ids` as those of a merge."""

    type: ClassVar[str] = "lead.unmerged"
    topic: ClassVar[topics.Topic] = topics.LEAD_DEEDS

    lead_id: UUID
    survivor_id: UUID
    merge_id: UUID
    reason_code: Word
    at: Instant
    by_id: UUID
    by_name: str
    same_person_lead_ids: tuple[UUID, ...] = ()


class LeadCreditsAsked(Event):
    """Deliveries of the lead are to be credited, because of a deed: `merge` or `correction`."""

    type: ClassVar[str] = "lead.credits_asked"
    topic: ClassVar[topics.Topic] = topics.LEAD_DEEDS

    lead_id: UUID
    deed: Word
    deed_id: UUID
    credits: tuple[CreditRequest, ...]


class LeadOwnerChanged(Event):
    """The operator who looks after the lead; nobody where no id is given."""

    type: ClassVar[str] = "lead.owner_changed"
    topic: ClassVar[topics.Topic] = topics.LEAD_DEEDS

    lead_id: UUID
    owner_id: UUID | None = None
    owner_name: str | None = None
    changed_at: Instant


class LeadAttentionChanged(Event):
    """An operator put the lead's escalations off, or lifted that it is critical: both as they are now."""

    type: ClassVar[str] = "lead.attention_changed"
    topic: ClassVar[topics.Topic] = topics.LEAD_DEEDS

    lead_id: UUID
    critical_since: Instant | None = None
    snoozed_until: Instant | None = None
    changed_at: Instant


class LeadFollowUpChanged(Event):
    """A follow-up as it is now: `open`, `done` with its outcome, or `cancelled`."""

    type: ClassVar[str] = "lead.follow_up_changed"
    topic: ClassVar[topics.Topic] = topics.LEAD_DEEDS

    lead_id: UUID
    follow_up_id: UUID
    state: Word
    owner_id: UUID | None = None
    channel: Word
    due_at: Instant
    outcome: Word | None = None
    changed_at: Instant


class LeadEscalated(Event):
    """A step of an escalation policy was due: `nudge` mails people, `critical` and `snooze` mark the lead.

    `recipient_ids` are operators; `reaches_team` asks for the whole team. It waited, or its follow-up, since
    `waiting_since`.
    """

    type: ClassVar[str] = "lead.escalated"
    topic: ClassVar[topics.Topic] = topics.LEAD_DEEDS

    lead_id: UUID
    escalation_id: UUID
    follow_up_id: UUID | None = None
    policy_name: str
    step_no: int
    action: Word
    recipient_ids: tuple[UUID, ...]
    reaches_team: bool
    service: str
    location: Location
    waiting_since: Instant
    escalated_at: Instant


class LeadKeyCreated(Event):
    """The key of AES-256-GCM with which the lead's contact is sealed, wherever it goes."""

    type: ClassVar[str] = "lead_key.created"
    topic: ClassVar[topics.Topic] = topics.LEAD_KEYS

    lead_id: UUID
    key_base64: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$", description="32 bytes")]
    created_at: Instant


class LeadKeyDestroyed(Event):
    """The key is gone for good: whoever keeps it destroys it, and what it sealed says nothing any more."""

    type: ClassVar[str] = "lead_key.destroyed"
    topic: ClassVar[topics.Topic] = topics.LEAD_KEYS

    lead_id: UUID
    destroyed_at: Instant


class SourceKey(Value):
    """An API key that works, by its beginning, which is no secret. Without an end it works until another is made."""

    begins: str
    expires_at: Instant | None = None


class LeadSourceChanged(Event):
    """Full state of a source; in mode `test` none of its leads is routed. Without a rate it has the house's.

    `keys` are those that work, or work until their end comes; a key that is not there was revoked or has run out.
    """

    type: ClassVar[str] = "lead_source.changed"
    topic: ClassVar[topics.Topic] = topics.LEAD_SOURCES
    schema_version: ClassVar[int] = 2

    source_id: UUID
    name: str
    mode: Word
    is_active: bool
    rate_per_minute: int | None = None
    keys: tuple[SourceKey, ...] | None = None


class SettingChange(Value):
    """One setting as it was and as it is; without a value before it was made with it."""

    name: str
    before: bool | int | str | tuple[str, ...] | None = None
    after: bool | int | str | tuple[str, ...] | None = None


class IntakePolicyChanged(Event):
    """Operators set otherwise, from now on, what is held as a duplicate or what an escalation policy does.

    `policy` is `duplicate_settings`, or the id of the escalation policy, whose `name` is given: `kind` says which. One
    that is made does nothing until its `is_on` changes. `version` is the policy's, and the event's.
    """

    type: ClassVar[str] = "intake.policy_changed"
    topic: ClassVar[topics.Topic] = topics.INTAKE_POLICIES

    policy: str
    kind: Word
    name: str | None = None
    version: int
    changes: tuple[SettingChange, ...]
    changed_by_id: UUID | None = None
    changed_by_name: str
    changed_at: Instant


class ClientState(Value):
    """A corporate client as others need it. `terms_days` is the days from issue to due."""

    client_id: UUID
    version: int
    name: str
    abn: str | None = None
    billing_name: str
    billing_email: str
    billing_address: str | None = None
    terms_days: int = 30


class ClientChanged(Event):
    """Full state of a client."""

    type: ClassVar[str] = "client.changed"
    topic: ClassVar[topics.Topic] = topics.CLIENTS

    client_id: UUID
    client: ClientState


class BoardOpened(Event):
    """A client contracted a board; experts can be given their participation."""

    type: ClassVar[str] = "board.opened"
    topic: ClassVar[topics.Topic] = topics.BOARDS

    board_id: UUID
    client_id: UUID
    title: str
    contracted_amount_cents: Cents
    currency: Currency
    opened_at: Instant


class BoardClosed(Event):
    """The work is done: the client is to be invoiced for `contracted_amount_cents` (ex GST), the experts to be paid."""

    type: ClassVar[str] = "board.closed"
    topic: ClassVar[topics.Topic] = topics.BOARDS

    board_id: UUID
    title: str
    client: ClientState
    contracted_amount_cents: Cents
    currency: Currency
    purchase_order: str | None = None
    closed_at: Instant
