"""What routing keeps of a lead, column by column: what is forgotten with its person, and what names nobody."""

from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.forgetting import NOTHING, SAID_SO, Elsewhere, Harmless, Map, Place, forget
from chassis.redaction import forget_views, redact_audit, scrub_bulk, scrub_parked, take_turn
from contracts.people import literals_of, marks_of, parts_of_name
from contracts.values import LeadContact as Contact
from services.routing.commands.keys import opened
from services.routing.models import Assignment, DispatchException, LeadContact, LeadKey
from services.routing.queries.arrays import among
from services.routing.queries.dispatches import locked_all

WORDS = "words of lists of ours"
OURS = "names of operators, who are none of the lead's people"
FIGURES = "made by dispatch of installers, places and figures: nobody types it, and no contact enters it"

KEPT = Map(
    places=(
        Place("assignments", "ended_note"),
        Place("assignments", "cap_release_note"),
        Place("dispatch_exceptions", "detail", SAID_SO),
        Place("dispatch_exceptions", "resolved_note", NOTHING),
        Place("dispatch_exceptions", "snooze_note", NOTHING),
        Place("returns", "words", SAID_SO),
        Place("returns", "decision_note", NOTHING),
    ),
    elsewhere=(
        Elsewhere("lead_contacts", ("name", "email", "phone", "street", "sealed_contact"), "the row is deleted"),
        Elsewhere("lead_keys", ("key",), "it is destroyed as intake tells"),
        Elsewhere("decisions", ("reason_text", "override_reason"), "by the database's function erase_decisions"),
    ),
    harmless=(
        Harmless("dispatches", ("selected_path", "state", "status"), WORDS),
        Harmless("dispatches", ("service", "suburb", "postcode"), "what was asked for and where, but for the street"),
        Harmless("assignments", ("selected_path", "status", "cap_state", "channel"), WORDS),
        Harmless("assignments", ("ended_reason", "cap_release_reason"), WORDS),
        Harmless("decisions", ("trigger", "shortfall", "rule_set_version", "outcomes"), WORDS),
        Harmless("decisions", ("operator_name",), OURS),
        Harmless("decisions", ("summary", "candidates", "inputs"), FIGURES),
        Harmless("dispatch_exceptions", ("reason", "resolution"), WORDS),
        Harmless("dispatch_exceptions", ("resolved_by", "owner_name", "snoozed_by"), OURS),
        Harmless("lead_links", ("kind",), WORDS),
        Harmless("webhook_deliveries", ("state", "reason_code"), WORDS),
        Harmless("webhook_attempts", ("outcome", "reason_code"), WORDS),
        Harmless(
            "delivery_log",
            ("channel", "what", "reason_code", "enhanced_status"),
            "words of ours and numbers: no answer of a server is kept",
        ),
        Harmless("returns", ("code", "asked_by", "channel", "state", "rule_verdict", "rule_reason"), WORDS),
        Harmless("returns", ("denial_code", "credit_reason", "credit_result", "credit_detail"), WORDS),
        Harmless("returns", ("requested_by_name", "decided_by_name"), OURS),
        Harmless("returns", ("evidence",), "gathered by the system: ids, instants, figures and words of ours"),
        Harmless("simulation_rows", ("service", "place"), "what was asked for and where, but for the street"),
    ),
)


async def forget_leads(session: AsyncSession, lead_ids: Collection[UUID]) -> None:
    """The persons, and what was typed about their leads. Before a key is destroyed: it tells what to look for.

    What is under way with a lead is waited for, so that nothing is typed behind it. Done twice it changes nothing.
    """
    await take_turn(session)
    await locked_all(session, lead_ids)
    contacts = await _contacts(session, lead_ids)
    literals = [literal for contact in contacts for literal in literals_of(contact)]
    await session.execute(delete(LeadContact).where(among(LeadContact.lead_id, lead_ids)))
    await forget(session, KEPT.places, lead_ids)
    await session.execute(_ERASE_DECISIONS, {"ids": sorted(lead_ids)})
    await redact_audit(session, await _subjects(session, lead_ids), literals)
    await scrub_bulk(session, literals)
    await forget_views(session, [*literals, *_parts(contacts)])
    marks = [mark for contact in contacts for mark in marks_of(contact)]
    await scrub_parked(session, lead_ids, marks)


_ERASE_DECISIONS = text("SELECT erase_decisions(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


def _parts(contacts: Sequence[Contact]) -> Iterator[str]:
    return (part for contact in contacts for part in parts_of_name(contact))


async def _contacts(session: AsyncSession, lead_ids: Collection[UUID]) -> list[Contact]:
    rows = await session.execute(
        select(LeadContact, LeadKey)
        .outerjoin(LeadKey, LeadKey.lead_id == LeadContact.lead_id)
        .where(among(LeadContact.lead_id, lead_ids))
    )
    found = (opened(kept.person, kept.lead_id, key) for kept, key in rows)
    return [contact for contact in found if contact is not None]


async def _subjects(session: AsyncSession, lead_ids: Collection[UUID]) -> list[Subject]:
    """Of the leads' entries in the audit."""
    made = await session.scalars(select(Assignment.id).where(among(Assignment.lead_id, lead_ids)))
    items = await session.scalars(select(DispatchException.id).where(among(DispatchException.lead_id, lead_ids)))
    return [
        *(Subject("assignment", id_) for id_ in made),
        *(Subject("dispatch_exception", id_) for id_ in items),
        *(Subject("lead", id_) for id_ in lead_ids),
    ]
