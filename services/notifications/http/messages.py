"""Messages as operators see them: what was sent to whom, and what became of each try."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from jinja2 import TemplateError
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.notifications.commands.messages import retry_message
from services.notifications.domain.addresses import address_hash
from services.notifications.domain.messages import MessageAction, MessageState, Standing, obstacle_to_retry
from services.notifications.domain.purposes import MailPurpose
from services.notifications.http.fields import Reason
from services.notifications.models import Attempt, Message
from services.notifications.queries.messages import MessageFilter, attempts_of, list_messages, one_message
from services.notifications.rendering import Renderer


class MessageRow(BaseModel):
    """`next_attempt_at` is business time; null once nothing follows by itself. Addresses are gone when erased.

    `standing` is the state with what has bounced, and what may have arrived, told apart. `bounced_at` and
    `bounce_status` are of what came back after it was accepted.
    """

    id: UUID
    purpose: MailPurpose
    subject_kind: str
    subject_id: UUID
    send_no: int
    recipient_email: str | None
    recipient_name: str | None
    state: MessageState
    standing: Standing
    state_since: datetime
    reason_code: str | None
    smtp_status: int | None
    enhanced_status: str | None
    tries: int
    unknown_outcomes: int
    next_attempt_at: datetime | None
    sender_account_id: UUID | None
    created_at: datetime
    accepted_at: datetime | None
    bounced_at: datetime | None
    bounce_status: str | None
    available_actions: list[str]


class AttemptRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    attempt_no: int
    sender_account_id: UUID
    outcome: str
    smtp_status: int | None
    enhanced_status: str | None
    response: str | None
    started_at: datetime
    finished_at: datetime | None


class MessageDetail(MessageRow):
    """`subject` and `text` are as the mail says them; null once they were erased. `sha256` is of the whole mail."""

    message_id_header: str
    document_id: UUID | None
    sha256: str | None
    correlation_id: str | None
    override_reason: str | None
    erased_at: datetime | None
    subject: str | None
    text: str | None
    attempts: list[AttemptRow]


class RetryMessage(Body):
    """`override_suppression` sends it although the address is on the suppression list: the reason says why."""

    reason: Reason
    override_suppression: bool = False


def row_of(message: Message) -> dict[str, object]:
    # A suppression is no obstacle to who overrides it.
    obstacle = obstacle_to_retry(message.settled(is_suppressed=False))
    fields = {name: getattr(message, name, None) for name in MessageRow.model_fields}
    return fields | {
        "next_attempt_at": message.next_attempt_at if message.state.is_waiting else None,
        "available_actions": [] if obstacle else [MessageAction.RETRY],
    }


def _detail(message: Message, attempts: Sequence[Attempt], renderer: Renderer) -> MessageDetail:
    subject, text = wording_of(message, renderer)
    further = ("document_id", "sha256", "correlation_id", "override_reason", "erased_at")
    return MessageDetail.model_validate(
        row_of(message)
        | {name: getattr(message, name) for name in further}
        | {
            "message_id_header": message.header_id,
            "subject": subject,
            "text": text,
            "attempts": [AttemptRow.model_validate(attempt) for attempt in attempts],
        }
    )


def wording_of(message: Message, renderer: Renderer) -> tuple[str | None, str | None]:
    """None for what was erased, or was queued for a template that this release does not have or feeds otherwise."""
    if message.context is None:
        return None, None
    try:
        written = renderer.write(message.template, message.template_version, message.context)
    except (TemplateError, TypeError, ValueError):
        return None, None
    return written.subject, written.text


@get("/admin/messages", guards=[requires(Capability.READ_OPS)])
async def list_mail(
    database: Given[Database],
    page: Given[PageRequest],
    purpose: FromQuery[MailPurpose | None] = None,
    in_state: Annotated[MessageState | None, QueryParameter(name="state")] = None,
    subject_id: FromQuery[UUID | None] = None,
    recipient: Annotated[str | None, QueryParameter(max_length=254, description="the whole address")] = None,
    created_from: FromQuery[AwareInstant | None] = None,
    created_before: FromQuery[AwareInstant | None] = None,
) -> Page[MessageRow]:
    """Newest first."""
    recipient_hash = address_hash(recipient) if recipient else None
    wanted = MessageFilter(purpose, in_state, subject_id, recipient_hash, created_from, created_before)
    async with database.reading() as session:
        found = await list_messages(session, page, wanted)
    return page.page(
        found,
        lambda message: (message.created_at, message.id),
        lambda message: MessageRow.model_validate(row_of(message)),
    )


@get("/admin/messages/{message_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_message(
    message_id: FromPath[UUID], database: Given[Database], renderer: Given[Renderer]
) -> MessageDetail:
    """One message with its wording and every try."""
    async with database.reading() as session:
        message = await one_message(session, message_id)
        attempts = await attempts_of(session, message_id)
    return _detail(message, attempts, renderer)


@post("/admin/messages/{message_id:uuid}/retry", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def retry_mail(
    message_id: FromPath[UUID],
    data: JSONBody[RetryMessage],
    database: Given[Database],
    clock: Given[Clock],
    renderer: Given[Renderer],
    operator: Given[Operator],
) -> MessageDetail:
    """Queue a message again that failed or was suppressed.

    It is the same mail under the same Message-ID; its tries begin anew. Queued already, it stays as it is.
    """
    async with database.transaction() as session:
        message = await retry_message(
            session,
            message_id,
            operator,
            data.reason,
            override_suppression=data.override_suppression,
            now=clock.now(),
        )
        attempts = await attempts_of(session, message_id)
    return _detail(message, attempts, renderer)


ROUTES = (list_mail, get_message, retry_mail)
