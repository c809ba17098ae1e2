"""Events that intake publishes."""

from typing import ClassVar
from uuid import UUID

from contracts import topics
from contracts.envelope import Event
from contracts.values import Cents, Currency, Instant, LeadContact, Location, SelectedPath, Value


class LeadCreated(Event):
    """A lead was taken in and may be dispatched."""

    type: ClassVar[str] = "lead.created"
    topic: ClassVar[topics.Topic] = topics.LEADS

    lead_id: UUID
    source_id: UUID
    selected_path: SelectedPath
    service: str
    location: Location
    contact: LeadContact | None = None
    received_at: Instant


class LeadClosed(Event):
    """An operator ended the lead's way: nobody gets it any more. What was delivered before stays delivered."""

    type: ClassVar[str] = "lead.closed"
    topic: ClassVar[topics.Topic] = topics.LEADS

    lead_id: UUID
    reason_code: str
    closed_at: Instant


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
