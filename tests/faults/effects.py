"""What must come of events, and what must never be there, as SQL over the tables: once more, by nobody's code.

An effect is what a consumer makes of an event: one row for each, in the database of the one who applies it.
"""

from dataclasses import dataclass

from tests.faults.facts import ERASED, LET_IN


@dataclass(frozen=True, slots=True)
class Effect:
    """The keys that `cause` gives in one service are those that `rows` gives in another, each as often."""

    name: str
    cause_service: str
    cause: str
    service: str
    rows: str


EFFECTS = (
    Effect(
        "each return as it stands at intake",
        "routing",
        "SELECT DISTINCT ON (assignment_id) assignment_id || ' ' || replace(state, 'requested', 'asked') "
        "FROM returns ORDER BY assignment_id, requested_at DESC",
        "intake",
        "SELECT assignment_id || ' ' || return_state FROM lead_assignments WHERE return_state IS NOT NULL",
    ),
    Effect(
        "a mail for each return denied",
        "routing",
        "SELECT id FROM returns WHERE state = 'denied'",
        "notifications",
        "SELECT subject_id FROM messages WHERE purpose = 'return_answer'",
    ),
    Effect(
        "each statement that was mailed, as its bytes",
        "billing",
        "SELECT id || ' ' || sha256 FROM statements",
        "notifications",
        "SELECT id || ' ' || sha256 FROM documents WHERE invoice_id IS NULL",
    ),
    Effect(
        "a dispatch and a first decision for each lead",
        "intake",
        LET_IN,
        "routing",
        "SELECT d.lead_id FROM dispatches d LEFT JOIN decisions f ON f.lead_id = d.lead_id AND f.attempt_no = 1",
    ),
    Effect(
        "a contact for each dispatch but of who was erased",
        "intake",
        f"{LET_IN} AND lead_id NOT IN ({ERASED})",
        "routing",
        "SELECT lead_id FROM lead_contacts",
    ),
    *(
        Effect(
            f"each lead's key at {service}, as far as it goes",
            "intake",
            "SELECT lead_id || ' ' || version FROM lead_keys",
            service,
            "SELECT lead_id || ' ' || version FROM lead_keys WHERE version > 0",
        )
        for service in ("routing", "notifications")
    ),
    Effect(
        "a mail for each assignment",
        "routing",
        "SELECT id FROM assignments",
        "notifications",
        "SELECT subject_id FROM messages WHERE purpose = 'lead_delivery' AND subject_kind = 'assignment'",
    ),
    Effect(
        "an assignment sent for each mail accepted, or an operator told that it was taken back before",
        "notifications",
        "SELECT subject_id FROM messages WHERE purpose = 'lead_delivery' AND state = 'accepted'",
        "routing",
        "SELECT id FROM assignments WHERE sent_at IS NOT NULL UNION ALL "
        "SELECT assignment_id FROM dispatch_exceptions WHERE reason = 'delivered_late'",
    ),
    Effect(
        "a delivery in the ledger, or held, for each assignment sent",
        "routing",
        "SELECT id FROM assignments WHERE sent_at IS NOT NULL",
        "billing",
        "SELECT assignment_id FROM delivery_events UNION ALL "
        "SELECT assignment_id FROM held_deliveries WHERE released_at IS NULL",
    ),
    Effect(
        "each lead at the version that routing told last",
        "routing",
        "SELECT lead_id || ' ' || version FROM dispatches",
        "intake",
        f"SELECT id || ' ' || dispatch_version FROM leads WHERE id IN ({LET_IN})",
    ),
    Effect(
        "delivered leads at routing and at intake",
        "routing",
        "SELECT lead_id FROM dispatches WHERE delivered_at IS NOT NULL",
        "intake",
        "SELECT id FROM leads WHERE delivered_at IS NOT NULL",
    ),
    Effect(
        "each installer's account at its last version",
        "routing",
        "SELECT id || ' ' || version FROM installers",
        "billing",
        "SELECT id || ' ' || source_version FROM accounts WHERE kind = 'installer'",
    ),
    Effect(
        "what stands with each installer, as billing told it last",
        "billing",
        "SELECT id || ' ' || version FROM accounts WHERE kind = 'installer' AND version > 0",
        "routing",
        "SELECT installer_id || ' ' || version FROM installer_accounts",
    ),
    Effect(
        "each client's account at its last version",
        "intake",
        "SELECT id || ' ' || version FROM clients",
        "billing",
        "SELECT id || ' ' || source_version FROM accounts WHERE kind = 'client'",
    ),
    Effect(
        "a board at payouts for each board",
        "intake",
        "SELECT id || ' ' || version FROM boards",
        "payouts",
        "SELECT id || ' ' || board_version FROM boards",
    ),
    Effect(
        "an invoice for each board closed",
        "intake",
        "SELECT id FROM boards WHERE closed_at IS NOT NULL",
        "billing",
        "SELECT board_id FROM invoices WHERE kind = 'client'",
    ),
    Effect(
        "pay made ready for each board whose invoice is paid",
        "billing",
        "SELECT board_id FROM invoices WHERE kind = 'client' AND paid_at IS NOT NULL",
        "payouts",
        "SELECT board_id FROM board_payments",
    ),
    Effect(
        "a posting for each payout allocated",
        "payouts",
        "SELECT id FROM payouts",
        "billing",
        "SELECT payout_id FROM journal_postings WHERE kind = 'payout_allocated'",
    ),
    Effect(
        "a posting for each payout sent",
        "payouts",
        "SELECT payout_id FROM attempts WHERE kind = 'transfer' AND outcome = 'succeeded'",
        "billing",
        "SELECT payout_id FROM journal_postings WHERE kind = 'payout_sent'",
    ),
    Effect(
        "a mail for each invoice sent",
        "billing",
        "SELECT id || ' ' || n FROM invoices, generate_series(1, send_no) AS n",
        "notifications",
        "SELECT subject_id || ' ' || send_no FROM messages WHERE purpose = 'invoice'",
    ),
)


@dataclass(frozen=True, slots=True)
class Nothing:
    """A query that must find nothing."""

    invariant: str
    name: str
    service: str
    rows: str


NOTHING = (
    Nothing(
        "I4",
        "postings whose entries do not sum to zero in each currency",
        "billing",
        "SELECT posting_id FROM journal_entries GROUP BY posting_id, currency HAVING sum(amount_cents) <> 0",
    ),
    Nothing(
        "I4",
        "currencies whose entries do not sum to zero",
        "billing",
        "SELECT currency FROM journal_entries GROUP BY currency HAVING sum(amount_cents) <> 0",
    ),
    Nothing(
        "I4",
        "receivable in the journal apart from what is open on invoices",
        "billing",
        "SELECT 1 WHERE (SELECT coalesce(sum(amount_cents), 0) FROM journal_entries WHERE account = 'receivable') <> "
        "(SELECT coalesce(sum(balance_cents), 0) FROM invoices WHERE document_status = 'issued')",
    ),
    Nothing(
        "I6",
        "exclusive leads billed more than once",
        "billing",
        "SELECT lead_id FROM delivery_events WHERE product_type = 'exclusive' GROUP BY lead_id HAVING count(*) > 1",
    ),
    Nothing(
        "I6",
        "leads billed twice to one installer",
        "billing",
        "SELECT lead_id FROM delivery_events GROUP BY lead_id, installer_id HAVING count(*) > 1",
    ),
    Nothing(
        "I6",
        "shared leads billed more than three times",
        "billing",
        "SELECT lead_id FROM delivery_events GROUP BY lead_id HAVING count(*) > 3",
    ),
    Nothing(
        "I3",
        "leads screened more than once",
        "intake",
        "SELECT lead_id FROM lead_status_changes WHERE from_status = 'received' GROUP BY lead_id HAVING count(*) > 1",
    ),
    Nothing(
        "I3",
        "leads that nobody screened",
        "intake",
        "SELECT id FROM leads WHERE status = 'received' OR NOT EXISTS "
        "(SELECT FROM lead_status_changes c WHERE c.lead_id = leads.id AND c.from_status = 'received')",
    ),
    Nothing(
        "I3",
        "installers over or under what their caps count",
        "routing",
        "SELECT installer_id FROM cap_windows w WHERE kind = 'month' GROUP BY installer_id HAVING sum(used) <> "
        "(SELECT count(*) FROM assignments a WHERE a.installer_id = w.installer_id AND a.cap_state = 'counted')",
    ),
)
