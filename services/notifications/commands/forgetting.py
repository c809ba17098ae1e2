"""What notifications keeps of a person: what is forgotten with a lead's key, and what names nobody.

The person is known by what the lead's own mails tell, and by what the key opens while it is there: they are looked for
in everything that was typed or answered, whatever it is about.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text as SqlText
from sqlalchemy import bindparam, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.forgetting import Elsewhere, Harmless, Map, Typed, redact
from chassis.redaction import forget_views, redact_audit, scrub_bulk, scrub_parked, take_turn
from contracts.people import literals_of, marks_of, parts_of_name
from contracts.values import LeadContact
from services.notifications.commands.keys import locked_keys, open_contact
from services.notifications.commands.messages import publish_outcome, settle
from services.notifications.domain.contacts import SEALED, contact_in, forgotten
from services.notifications.domain.messages import MessageState
from services.notifications.models import Attempt, LeadKey, Message
from services.notifications.queries.messages import IS_CORRECTION, IS_DELIVERY

ERASED = "contact_erased"

OF_LEADS = "purpose IN ('lead_delivery', 'lead_correction')"
"""Mails that tell of somebody by their lead: of another of the same name, unless they are the lead's own."""
TYPED = (
    Typed("messages", ("recipient_email", "recipient_name", "override_reason"), ("context",), unless=OF_LEADS),
    Typed("attempts", ("response",)),
    Typed("suppressions", ("detail", "lifted_reason")),
    Typed("tickets", ("subject", "requester_name", "requester_email")),
)
WORDS = "words of lists of ours"
IDS = "ids and digests, made by us"

KEPT = Map(
    places=(),
    elsewhere=(
        Elsewhere("lead_keys", ("key",), "it is destroyed, and the row stays as a tombstone"),
        Elsewhere("messages", ("context",), "what a lead's mails tell of the person is taken out; others are redacted"),
        Elsewhere("messages", ("recipient_email", "recipient_name", "override_reason"), "redacted by what is sought"),
        Elsewhere("attempts", ("response",), "those of the lead's mails are deleted, others are redacted"),
        Elsewhere("ticket_entries", ("body", "author_name"), "by the database's function erase_ticket_entries"),
        Elsewhere("suppressions", ("detail", "lifted_reason"), "redacted by what is sought"),
    ),
    harmless=(
        Harmless("messages", ("purpose", "subject_kind", "mail_class", "template", "state", "reason_code"), WORDS),
        Harmless("messages", ("enhanced_status", "bounce_status", "recipient_hash", "header_id", "sha256"), IDS),
        Harmless("messages", ("correlation_id", "causation_id", "traceparent"), IDS),
        Harmless("messages", ("extra_headers",), "ids of a thread's mails"),
        Harmless("attempts", ("outcome", "enhanced_status"), WORDS),
        Harmless("ticket_entries", ("kind",), WORDS),
        Harmless("suppressions", ("address_hash", "reason_code", "source"), WORDS),
        Harmless("suppressions", ("lifted_by",), "the name of an operator"),
    ),
)


async def forget_leads(session: AsyncSession, lead_ids: Collection[UUID], now: datetime) -> None:
    """Before the keys are destroyed. A mail that waits is never sent; one that is being sent is not tried again."""
    await take_turn(session)
    keys = await locked_keys(session, lead_ids, for_update=True)
    messages = await _lock_messages_of(session, lead_ids)
    contacts = list(_contacts(messages, keys))
    for message in messages:
        _forget(session, message, now)
    await session.flush()
    answers = update(Attempt).where(Attempt.message_id.in_([message.id for message in messages]))
    await session.execute(answers.values(response=None))
    await _forget_typed(session, lead_ids, contacts, [message.id for message in messages])


def _forget(session: AsyncSession, message: Message, now: datetime) -> None:
    message.context = forgotten(message.purpose, message.context or {})
    message.waits_for_lead_id = None
    if message.state is MessageState.ACCEPTED:
        return
    message.cancelled_at = message.cancelled_at or now
    if message.state.is_waiting:
        settle(message, MessageState.FAILED, ERASED, now)
        publish_outcome(session, message, now)


async def _lock_messages_of(session: AsyncSession, lead_ids: Collection[UUID]) -> list[Message]:
    """That told of the leads' persons, or were to; by the index of either purpose."""
    of_leads = Message.context["lead_id"].astext.in_([str(id_) for id_ in lead_ids])
    found = await session.scalars(
        select(Message)
        .where(or_(IS_DELIVERY & of_leads, IS_CORRECTION & of_leads))
        .order_by(Message.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


def _contacts(messages: Sequence[Message], keys: Mapping[UUID, LeadKey]) -> Iterator[LeadContact]:
    for message in messages:
        context, lead_id = message.context or {}, message.waits_for_lead_id
        if (told := contact_in(context)) is not None:
            yield told
        elif lead_id is not None and SEALED in context and (key := keys[lead_id].key) is not None:
            yield open_contact(key, context[SEALED], lead_id)


_ERASE_ENTRIES = text("SELECT erase_ticket_entries(:literals)").bindparams(bindparam("literals", type_=ARRAY(SqlText)))


async def _forget_typed(
    session: AsyncSession, lead_ids: Collection[UUID], contacts: Sequence[LeadContact], message_ids: Sequence[UUID]
) -> None:
    literals = list(dict.fromkeys(literal for contact in contacts for literal in literals_of(contact)))
    parts = [part for contact in contacts for part in parts_of_name(contact)]
    await redact(session, TYPED, literals)
    await session.execute(_ERASE_ENTRIES, {"literals": literals})
    await redact_audit(session, [Subject("message", id_) for id_ in message_ids], literals)
    await scrub_bulk(session, literals)
    await forget_views(session, [*literals, *parts])
    marks = [mark for contact in contacts for mark in marks_of(contact)]
    await scrub_parked(session, lead_ids, marks)
