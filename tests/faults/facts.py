"""What must be there, as SQL over the tables and names of the wire: written down here once more, by nobody's code.

A fact is a row that says that something happened; its event must have been committed with it. An effect is what a
consumer makes of an event: one row for each, in the database of the one who applies it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """Each key that `rows` gives, as often as it does, is the key of one event of `type` in `service`'s outbox."""

    service: str
    type: str
    rows: str


TOLD = "purpose IN ('lead_delivery', 'invoice', 'payout_receipt')"
"""Mails whose outcome somebody waits for."""

ERASED = "SELECT id FROM leads WHERE erased_at IS NOT NULL"
"""Leads whose persons were erased."""

LET_IN = "SELECT lead_id FROM lead_status_changes WHERE to_status = 'routable'"
"""Leads that screening has sent on their way."""

CLOSED = """
    SELECT lead_id FROM lead_status_changes WHERE to_status = 'closed' AND reason_code <> 'merged'
    UNION ALL
    SELECT loser_id FROM merges WHERE is_told
"""
"""By hand, or because they were merged; of one that nobody had heard of nobody hears that."""

FACTS = (
    Fact("intake", "lead.created", LET_IN),
    Fact("intake", "lead.erased", ERASED),
    Fact("intake", "lead_key.destroyed", "SELECT lead_id FROM lead_keys WHERE destroyed_at IS NOT NULL"),
    Fact("intake", "lead_key.created", "SELECT lead_id FROM lead_keys WHERE destroyed_at IS NULL OR version = 2"),
    Fact("intake", "lead.closed", CLOSED),
    Fact("intake", "lead.rejected", "SELECT id FROM leads WHERE status = 'rejected'"),
    Fact("intake", "lead.merged", "SELECT loser_id FROM merges"),
    Fact("intake", "lead.unmerged", "SELECT loser_id FROM merges WHERE unmerged_at IS NOT NULL"),
    Fact("intake", "lead.reopened", "SELECT loser_id FROM merges WHERE is_told AND unmerged_at IS NOT NULL"),
    Fact("intake", "lead.credits_asked", "SELECT DISTINCT ON (deed_id) lead_id FROM credit_requests"),
    Fact("intake", "lead.escalated", "SELECT lead_id FROM escalations"),
    Fact("intake", "lead_source.changed", "SELECT id FROM lead_sources, generate_series(1, version)"),
    Fact(
        "intake",
        "lead.corrected",
        "SELECT lead_id FROM lead_corrections WHERE is_told",
    ),
    Fact("intake", "board.opened", "SELECT id FROM boards"),
    Fact("intake", "board.closed", "SELECT id FROM boards WHERE closed_at IS NOT NULL"),
    Fact("intake", "client.changed", "SELECT id FROM clients, generate_series(1, version)"),
    Fact("routing", "installer.changed", "SELECT id FROM installers, generate_series(1, version)"),
    Fact("routing", "dispatch.decided", "SELECT lead_id FROM decisions"),
    Fact("routing", "dispatch.delivered", "SELECT lead_id FROM dispatches WHERE delivered_at IS NOT NULL"),
    Fact(
        "routing",
        "dispatch.exception_raised",
        "SELECT lead_id FROM dispatch_exceptions, generate_series(1, told_count)",
    ),
    Fact(
        "routing",
        "dispatch.exception_resolved",
        "SELECT lead_id FROM dispatch_exceptions WHERE resolved_at IS NOT NULL",
    ),
    Fact("routing", "assignment.created", "SELECT id FROM assignments"),
    Fact("routing", "assignment.sent", "SELECT id FROM assignments WHERE sent_at IS NOT NULL"),
    Fact("routing", "assignment.return_requested", "SELECT assignment_id FROM returns"),
    Fact("routing", "assignment.returned", "SELECT assignment_id FROM returns WHERE state = 'accepted'"),
    Fact("routing", "assignment.return_denied", "SELECT assignment_id FROM returns WHERE state = 'denied'"),
    Fact("routing", "assignment.return_withdrawn", "SELECT assignment_id FROM returns WHERE state = 'withdrawn'"),
    Fact("routing", "assignment.failed", "SELECT id FROM assignments WHERE status = 'failed'"),
    Fact("routing", "assignment.cancelled", "SELECT id FROM assignments WHERE status = 'cancelled'"),
    Fact("routing", "assignment.cap_released", "SELECT id FROM assignments WHERE cap_state = 'released'"),
    Fact("notifications", "message.accepted", f"SELECT id FROM messages WHERE state = 'accepted' AND {TOLD}"),
    Fact(
        "notifications", "message.failed", f"SELECT id FROM messages WHERE state IN ('failed', 'suppressed') AND {TOLD}"
    ),
    Fact("billing", "delivery.recorded", "SELECT assignment_id FROM delivery_events"),
    Fact("billing", "delivery.held", "SELECT assignment_id FROM held_deliveries"),
    Fact("billing", "delivery.voided", "SELECT assignment_id FROM delivery_events WHERE event_status = 'void'"),
    Fact("billing", "delivery.credited", "SELECT assignment_id FROM delivery_events WHERE event_status = 'credited'"),
    Fact(
        # What a delivery has versions for beside its record, its hold and its end.
        "billing",
        "delivery.credit_answered",
        """
        SELECT d.assignment_id
          FROM delivery_events d LEFT JOIN held_deliveries h ON h.assignment_id = d.assignment_id,
               generate_series(2, d.version - (h.assignment_id IS NOT NULL)::int - (d.event_status <> 'billable')::int)
        UNION ALL
        SELECT assignment_id FROM held_deliveries, generate_series(2, version) WHERE released_at IS NULL
        """,
    ),
    Fact("billing", "account.changed", "SELECT id FROM accounts, generate_series(1, version)"),
    Fact("billing", "invoice.issued", "SELECT id FROM invoices WHERE issued_at IS NOT NULL"),
    Fact(
        "billing",
        "invoice.deliveries_listed",
        """
        SELECT i.id
          FROM invoices i
          JOIN LATERAL (SELECT count(delivery_event_id) AS number FROM invoice_lines WHERE invoice_id = i.id) l ON true,
               generate_series(1, (l.number + 999) / 1000)
         WHERE i.issued_at IS NOT NULL
        UNION ALL
        SELECT a.invoice_id
          FROM adjustments a
         WHERE a.state = 'approved' AND EXISTS (SELECT FROM adjustment_deliveries d WHERE d.adjustment_id = a.id)
        """,
    ),
    Fact("billing", "invoice.document_rendered", "SELECT invoice_id FROM documents"),
    Fact("billing", "invoice.sent", "SELECT id FROM invoices, generate_series(1, send_no)"),
    Fact("billing", "invoice.payment_recorded", "SELECT invoice_id FROM payments"),
    Fact("billing", "invoice.paid", "SELECT id FROM invoices WHERE paid_at IS NOT NULL"),
    Fact("billing", "invoice.voided", "SELECT id FROM invoices WHERE voided_at IS NOT NULL"),
    Fact("payouts", "payout.allocated", "SELECT id FROM payouts"),
    Fact(
        "payouts",
        "payout.sent",
        "SELECT payout_id FROM attempts WHERE kind = 'transfer' AND outcome = 'succeeded'",
    ),
    Fact(
        "payouts",
        "payout.reversed",
        "SELECT payout_id FROM attempts WHERE kind = 'reversal' AND outcome = 'succeeded'",
    ),
)


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


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Rows of id and version; each version up to it is the version of one event of that key in the topic."""

    service: str
    topic: str
    rows: str


AGGREGATES = (
    Aggregate("intake", "intake.leads", "SELECT id, version FROM leads"),
    Aggregate("intake", "intake.lead_keys", "SELECT lead_id, version FROM lead_keys"),
    Aggregate("intake", "intake.lead_deeds", "SELECT id, deeds_version FROM leads"),
    Aggregate("intake", "intake.lead_sources", "SELECT id, version FROM lead_sources"),
    Aggregate("intake", "intake.clients", "SELECT id, version FROM clients"),
    Aggregate("intake", "intake.boards", "SELECT id, version FROM boards"),
    Aggregate("routing", "routing.installers", "SELECT id, version FROM installers"),
    Aggregate("routing", "routing.assignments", "SELECT id, version FROM assignments"),
    Aggregate("routing", "routing.dispatches", "SELECT lead_id, version FROM dispatches"),
    Aggregate("billing", "billing.accounts", "SELECT id, version FROM accounts"),
    Aggregate("billing", "billing.invoices", "SELECT id, version FROM invoices"),
    Aggregate(
        "billing",
        "billing.deliveries",
        "SELECT assignment_id, version FROM delivery_events UNION ALL "
        "SELECT assignment_id, version FROM held_deliveries WHERE released_at IS NULL",
    ),
    Aggregate(
        "payouts",
        "payouts.payouts",
        "SELECT id, version FROM payouts UNION ALL SELECT id, allocation_version FROM boards",
    ),
    Aggregate("notifications", "notifications.messages", "SELECT id, version FROM messages"),
)
