"""What intake keeps of a lead, column by column: what an erasure blanks, and what may stay as it names nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, delete, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.forgetting import BLANK, EMPTY, NOTHING, SAID_SO, Elsewhere, Harmless, Map, Place, forget
from chassis.redaction import forget_views, redact_audit, scrub_bulk, scrub_parked
from contracts.people import literals_of, marks_of, parts_of_name
from contracts.values import LeadContact
from services.intake.models import LeadMatch

OF_A_LEAD = "id = ANY (:ids)"
WORDS = "words of lists of ours, and what the other services told in such words or of an operator"
OF_A_MERGE = "survivor_id = ANY (:ids) OR loser_id = ANY (:ids)"
OF_ITS_FIELDS = f"merge_id IN (SELECT id FROM merges WHERE {OF_A_MERGE})"  # noqa: S608  # ours alone
OF_A_PAIR = "lead_id = ANY (:ids) OR other_id = ANY (:ids)"
OURS = "names of operators and of installers, who are none of the lead's people"

KEPT = Map(
    places=(
        Place("leads", "name", BLANK, OF_A_LEAD),
        Place("leads", "email", BLANK, OF_A_LEAD),
        Place("leads", "email_match", BLANK, OF_A_LEAD),
        Place("leads", "phone", BLANK, OF_A_LEAD),
        Place("leads", "street", BLANK, OF_A_LEAD),
        Place("lead_corrections", "before", EMPTY),
        Place("lead_corrections", "after", EMPTY),
        Place("lead_corrections", "note", NOTHING),
        Place("follow_ups", "note", SAID_SO),
        Place("follow_ups", "outcome_note", NOTHING),
        Place("lead_pairs", "note", NOTHING, OF_A_PAIR),
        Place("merges", "note", NOTHING, OF_A_MERGE),
        Place("merges", "unmerge_note", NOTHING, OF_A_MERGE),
        Place("merge_fields", "before", BLANK, OF_ITS_FIELDS),
        Place("merge_fields", "after", BLANK, OF_ITS_FIELDS),
    ),
    elsewhere=(
        Elsewhere("leads", ("submission_key",), "the key is replaced where it tells of the person"),
        Elsewhere("test_submissions", ("submission_key",), "the key is replaced where it tells of the person"),
        Elsewhere("lead_search", ("text", "merged"), "it is written anew from what is left of the lead"),
        Elsewhere("lead_keys", ("key",), "the key is destroyed"),
        Elsewhere("lead_match", ("value",), "the lead's digests are deleted: no lead that comes is like it"),
        Elsewhere(
            "consents",
            ("text", "url", "remote_address", "asserted_remote_address"),
            "by the database's function erase_consents",
        ),
    ),
    harmless=(
        Harmless(
            "leads",
            (
                "accepted_as",
                "status",
                "selected_path",
                "state",
                "exception_reason",
                "close_reason",
                "reject_reason",
                "service",
                "suburb",
                "postcode",
            ),
            "what was asked for, where but for the street, and what became of it: it names nobody",
        ),
        Harmless("leads", ("fingerprint",), "a digest of the whole submission, by which a repeat of it is known"),
        Harmless("leads", ("correlation_id", "traceparent"), "ids of a request"),
        Harmless("leads", ("owner_name",), OURS),
        Harmless("lead_status_changes", ("from_status", "to_status", "reason_code"), WORDS),
        Harmless("lead_status_changes", ("actor_name",), OURS),
        Harmless("screening_faults", ("fault",), "the name of a fault's class"),
        Harmless("lead_corrections", ("origin", "fields", "reason_code"), WORDS),
        Harmless("lead_corrections", ("made_by_name",), OURS),
        Harmless("follow_ups", ("channel", "state", "outcome"), WORDS),
        Harmless("follow_ups", ("owner_name", "created_by", "done_by"), OURS),
        Harmless("escalations", ("policy_name", "subject_kind", "action"), "how operators named a policy, and words"),
        Harmless("lead_assignments", ("installer_name",), OURS),
        Harmless(
            "lead_assignments",
            ("selected_path", "status", "reason_code", "cap_status", "cap_reason", "return_state", "return_reason"),
            WORDS,
        ),
        Harmless("lead_deliveries", ("state", "currency", "reason_code"), WORDS),
        Harmless("invoiced_deliveries", ("number",), "the number of an invoice"),
        Harmless("erasures", ("asked_via", "reason_code", "counts"), "words of ours, and numbers of rows"),
        Harmless("erasures", ("note",), "it is refused where it names the person"),
        Harmless("erasures", ("requested_by",), OURS),
        Harmless("lead_messages", ("purpose", "outcome", "reason_code", "bounce_reason", "bounce_status"), WORDS),
        Harmless("lead_moments", ("kind", "reason_code", "purpose", "outcome", "detail"), WORDS),
        Harmless("lead_moments", ("number",), "the number of an invoice"),
        Harmless("lead_pairs", ("reasons", "state", "reason_code"), WORDS),
        Harmless("lead_pairs", ("similarities",), "numbers"),
        Harmless("lead_pairs", ("decided_by",), OURS),
        Harmless("merges", ("reason_code", "unmerge_reason"), WORDS),
        Harmless("merges", ("loser_before", "steps_meanwhile"), "how the lead stood, in words of ours and instants"),
        Harmless("merges", ("merged_by", "unmerged_by"), OURS),
        Harmless("merge_fields", ("field",), WORDS),
        Harmless("credit_requests", ("deed", "reason_code", "result", "detail"), WORDS),
        Harmless("credit_requests", ("installer_name", "asked_by"), OURS),
        Harmless("test_submissions", ("faults",), "names of fields, as ours are called, and codes"),
        Harmless("test_submissions", ("fingerprint",), "a digest of the whole submission"),
        Harmless("source_rejections", ("code", "field"), "names of fields, as ours are called, and codes"),
        Harmless("lead_sources", ("name", "mode"), "how operators named a source, and words"),
        Harmless("lead_source_keys", ("prefix", "key_sha256"), "a source's key, of which it holds a digest"),
        Harmless("known_invoices", ("kind", "number", "state"), "the number of an invoice, and words"),
        Harmless("duplicate_settings", ("scope",), WORDS),
        Harmless("duplicate_settings", ("changed_by",), OURS),
        Harmless("escalation_policies", ("name",), "how operators named a policy"),
        Harmless("escalation_policies", ("ownership", "paths", "services", "states", "statuses", "subject"), WORDS),
        Harmless("escalation_policies", ("changed_by",), OURS),
        Harmless("escalation_steps", ("action", "notify"), WORDS),
        Harmless("operators", ("name", "email", "capabilities"), OURS),
        Harmless(
            "clients", ("name", "abn", "billing_name", "billing_email", "billing_address"), "companies, none of a lead"
        ),
        Harmless("boards", ("title", "purchase_order", "currency", "status"), "what companies ordered"),
        Harmless("ndas", ("expert_name", "document_version"), "experts, none of whom is a lead's person"),
    ),
)


async def forget_leads(session: AsyncSession, lead_ids: Sequence[UUID]) -> dict[str, int]:
    """Rows that said something of the persons, by table. Their leads' rows are locked."""
    changed = dict(await forget(session, KEPT.places, lead_ids))
    changed["consents"] = await session.scalar(_ERASE_CONSENTS, {"ids": list(lead_ids)}) or 0
    await session.execute(delete(LeadMatch).where(LeadMatch.lead_id.in_(lead_ids)))
    return changed


_ERASE_CONSENTS = text("SELECT erase_consents(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


@dataclass(frozen=True, slots=True)
class Told:
    """What the leads have said of the person, now and before each correction."""

    literals: tuple[str, ...]
    marks: tuple[str, ...]
    parts: tuple[str, ...]

    @classmethod
    def by(cls, contacts: Sequence[LeadContact]) -> "Told":
        literals = dict.fromkeys(literal for contact in contacts for literal in literals_of(contact))
        marks = dict.fromkeys(mark for contact in contacts for mark in marks_of(contact))
        parts = dict.fromkeys(part for contact in contacts for part in parts_of_name(contact))
        return cls(tuple(literals), tuple(marks), tuple(parts))

    def stands_in(self, text: str) -> bool:
        lower = text.lower()
        return any(each.lower() in lower for each in (*self.literals, *self.parts))


async def forget_typed(session: AsyncSession, lead_ids: Sequence[UUID], told: Told) -> Mapping[str, int]:
    """What operators wrote, wherever it stands: reasons given for the leads' deeds, and all that holds a literal.

    By a part of a name alone only saved searches are forgotten: elsewhere it may be any word.
    """
    subjects = [Subject(kind, id_) for id_ in lead_ids for kind in ("lead", "consent")]
    follow_ups = await session.scalars(_FOLLOW_UPS, {"ids": list(lead_ids)})
    subjects += [Subject("follow_up", id_) for id_ in follow_ups]
    await scrub_bulk(session, told.literals)
    return {
        "test_submissions": await _rename_tests(session, told.literals),
        "audit_entries": await redact_audit(session, subjects, told.literals),
        "saved_views": await forget_views(session, [*told.literals, *told.parts]),
        "parked_events": await scrub_parked(session, lead_ids, told.marks),
    }


# As a lead's key that tells of the person: domain/erasure.py.
_RENAME_TESTS = text(
    """
    UPDATE test_submissions
    SET submission_key = 'erased-' || encode(sha256(convert_to(submission_key, 'UTF8')), 'hex')
    FROM literal_patterns(:literals) AS patterns WHERE holds_pattern(submission_key, patterns) RETURNING id
    """
).bindparams(bindparam("literals", type_=ARRAY(Text)))


async def _rename_tests(session: AsyncSession, literals: Sequence[str]) -> int:
    renamed = await session.execute(_RENAME_TESTS, {"literals": list(literals)})
    return len(renamed.all())


_FOLLOW_UPS = (
    text("SELECT id FROM follow_ups WHERE lead_id = ANY (:ids)")
    .bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    .columns(id=Uuid)
)

_RENAME_KEYS = text(
    """
    UPDATE leads SET submission_key = renamed.submission_key
    FROM unnest(:ids, :names) AS renamed (id, submission_key) WHERE leads.id = renamed.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("names", type_=ARRAY(Text)))


async def rename_keys(session: AsyncSession, names: Mapping[UUID, str]) -> None:
    if names:
        await session.execute(_RENAME_KEYS, {"ids": list(names), "names": list(names.values())})
