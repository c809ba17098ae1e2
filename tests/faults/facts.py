"""What must be told, as SQL over the tables and names of the wire: written down here once more, by nobody's code.

A fact is a row that says that something happened; its event must have been committed with it.
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

RUN_THAT_ENDED = "state = 'finished' AND NOT is_dry"
"""Over a month; a dry one changes nothing, and nobody hears of it."""

ASKED_OF_A_SECOND = """
    generate_series(1, CASE state WHEN 'rejected' THEN 2 ELSE 1 END)
    WHERE state IN ('pending', 'rejected') OR decided_by_id <> made_by_id
"""
"""What one operator asks for waits for another, who agrees or turns it down; what does not wait is its maker's."""

GIVEN = """
    SELECT d.lead_id
      FROM audit_entries a JOIN dispatch_exceptions d ON d.id::text = a.subject_id
     WHERE a.subject_kind = 'dispatch_exception'
       AND (a.action IN ('claim_exception', 'hand_over_exception', 'unassign_exception')
            OR a.action IN ('escalate_exception', 'snooze_exception')
               AND a.before->>'owner' IS DISTINCT FROM a.after->>'owner')
"""
"""Whose an item of the exception queue is changes by an operator's deed, or by itself."""

PUT_OFF = """
    SELECT d.lead_id
      FROM audit_entries a JOIN dispatch_exceptions d ON d.id::text = a.subject_id
     WHERE a.subject_kind = 'dispatch_exception'
       AND (a.action IN ('snooze_exception', 'wake_exception')
            OR a.action = 'unassign_exception'
               AND a.before->>'snoozed_until' IS DISTINCT FROM a.after->>'snoozed_until')
"""
"""Until when it sleeps changes by an operator's deed, and where it is nobody's any more."""

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
        "intake.policy_changed",
        "SELECT 'duplicate_settings' FROM duplicate_settings, generate_series(1, version) UNION ALL "
        "SELECT id::text FROM escalation_policies, generate_series(1, version)",
    ),
    Fact(
        "intake",
        "lead.corrected",
        "SELECT lead_id FROM lead_corrections WHERE is_told",
    ),
    Fact("intake", "board.opened", "SELECT id FROM boards"),
    Fact("intake", "board.closed", "SELECT id FROM boards WHERE closed_at IS NOT NULL"),
    Fact("intake", "client.changed", "SELECT id FROM clients, generate_series(1, version)"),
    Fact("routing", "installer.changed", "SELECT id FROM installers, generate_series(1, version)"),
    Fact("routing", "installer.breaker_moved", "SELECT id FROM delivery_endpoints, generate_series(1, version)"),
    Fact(
        "routing",
        "routing.policy_changed",
        "SELECT kind FROM routing_policies WHERE version > 1 UNION ALL "
        "SELECT 'auto_dispatch' FROM auto_dispatch, generate_series(2, version)",
    ),
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
    Fact("routing", "dispatch.exception_owner_changed", GIVEN),
    Fact("routing", "dispatch.exception_snoozed", PUT_OFF),
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
    Fact(
        "notifications",
        "message.settled",
        "SELECT id FROM messages, generate_series(1, version) WHERE purpose IN ('lead_correction', 'return_answer')",
    ),
    Fact("notifications", "message.bounced", f"SELECT id FROM messages WHERE bounced_at IS NOT NULL AND {TOLD}"),
    Fact("billing", "delivery.recorded", "SELECT assignment_id FROM delivery_events"),
    Fact("billing", "delivery.held", "SELECT assignment_id FROM held_deliveries"),
    Fact("billing", "price_plan.added", "SELECT id FROM price_plans"),
    Fact("billing", "books.blocked", "SELECT id FROM book_blocks, generate_series(1, version)"),
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
    Fact("billing", "invoice.paid", "SELECT id FROM invoices, generate_series(1, paid_no)"),
    Fact(
        "billing",
        "invoice.payment_reversed",
        "SELECT invoice_id FROM payments JOIN payment_reversals r ON r.payment_id = payments.id",
    ),
    Fact(
        "billing",
        "invoice.credit_unapplied",
        "SELECT invoice_id FROM journal_postings WHERE kind = 'credit_unapplied'",
    ),
    Fact("billing", "invoice.written_off", "SELECT invoice_id FROM write_offs WHERE state IN ('approved', 'reversed')"),
    Fact("billing", "invoice.adjustment_asked", f"SELECT invoice_id FROM adjustments, {ASKED_OF_A_SECOND}"),
    Fact("billing", "invoice.write_off_asked", f"SELECT invoice_id FROM write_offs, {ASKED_OF_A_SECOND}"),
    Fact("billing", "invoice.void_asked", f"SELECT invoice_id FROM void_requests, {ASKED_OF_A_SECOND}"),
    Fact("billing", "invoice.write_off_reversed", "SELECT invoice_id FROM write_offs WHERE state = 'reversed'"),
    Fact("billing", "payment.received", "SELECT id FROM receipts"),
    Fact("billing", "receivables.snapshot_taken", "SELECT id FROM receivables_snapshots"),
    Fact("billing", "statement.sent", "SELECT id FROM statements, generate_series(1, recipient_count)"),
    Fact(
        "billing",
        "invoice.promised",
        "SELECT invoice_id FROM promises, generate_series(1, CASE state WHEN 'open' THEN 1 ELSE 2 END)",
    ),
    Fact("billing", "month.drafted", f"SELECT id FROM close_runs WHERE kind = 'draft' AND {RUN_THAT_ENDED}"),
    Fact("billing", "month.issued", f"SELECT id FROM close_runs WHERE kind = 'issue' AND {RUN_THAT_ENDED}"),
    Fact("billing", "difference.changed", "SELECT id FROM differences, generate_series(1, version)"),
    Fact("billing", "reconciliation.finished", "SELECT id FROM reconciliations WHERE finished_at IS NOT NULL"),
    Fact("billing", "books.certified", "SELECT id FROM certificates"),
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
class Aggregate:
    """Rows of id and version; each version up to it is the version of one event of that key in the topic.

    From `first` on: what was there before anybody did anything has a version that nobody was told of.
    """

    service: str
    topic: str
    rows: str
    first: int = 1


BOOKS = """
    SELECT id, version FROM book_blocks UNION ALL
    SELECT id, version FROM close_runs UNION ALL
    SELECT id, version FROM differences UNION ALL
    SELECT id, recipient_count FROM statements UNION ALL
    SELECT id, 1 FROM certificates UNION ALL
    SELECT id, 1 FROM price_plans UNION ALL
    SELECT id, 1 FROM receipts UNION ALL
    SELECT id, 1 FROM receivables_snapshots UNION ALL
    SELECT id, 1 FROM reconciliations WHERE finished_at IS NOT NULL
"""
"""What is told of the books as a whole has a subject of its own each time."""

AGGREGATES = (
    Aggregate("intake", "intake.leads", "SELECT id, version FROM leads"),
    Aggregate("intake", "intake.lead_keys", "SELECT lead_id, version FROM lead_keys"),
    Aggregate("intake", "intake.lead_deeds", "SELECT id, deeds_version FROM leads"),
    Aggregate("intake", "intake.lead_sources", "SELECT id, version FROM lead_sources"),
    Aggregate(
        "intake",
        "intake.policies",
        "SELECT 'duplicate_settings', version FROM duplicate_settings UNION ALL "
        "SELECT id::text, version FROM escalation_policies",
    ),
    Aggregate("intake", "intake.clients", "SELECT id, version FROM clients"),
    Aggregate("intake", "intake.boards", "SELECT id, version FROM boards"),
    Aggregate("routing", "routing.installers", "SELECT id, version FROM installers"),
    Aggregate("routing", "routing.assignments", "SELECT id, version FROM assignments"),
    Aggregate("routing", "routing.dispatches", "SELECT lead_id, version FROM dispatches"),
    Aggregate("routing", "routing.channels", "SELECT id, version FROM delivery_endpoints"),
    Aggregate(
        "routing",
        "routing.policies",
        "SELECT kind, max(version) FROM routing_policies GROUP BY kind UNION ALL "
        "SELECT 'auto_dispatch', version FROM auto_dispatch",
        first=2,
    ),
    Aggregate("billing", "billing.accounts", "SELECT id, version FROM accounts"),
    Aggregate("billing", "billing.invoices", "SELECT id, version FROM invoices"),
    Aggregate("billing", "billing.books", BOOKS),
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
