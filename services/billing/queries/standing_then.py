"""How the books stood at an instant, as parts of a WITH: from what had been posted before it, never from what is now.

`:before` is that instant. Due days never change after the issue; what was disputed is known by when it was decided.
"""

# From when ages count: the calendar day of an instant.
DAY = """
    day AS (
        SELECT CAST(:zone AS text) AS zone, (CAST(:at AS timestamptz) AT TIME ZONE CAST(:zone AS text))::date AS today
    )
"""

# What had been posted; `credit` by account and the `control` of what is owed.
STOOD = """
    posted AS (
        SELECT e.account, e.amount_cents, p.kind, p.invoice_id, p.party_id, p.posted_at
        FROM journal_postings p JOIN journal_entries e ON e.posting_id = p.id
        WHERE e.account IN ('receivable', 'customer_credit') AND p.posted_at < :before
    ), credit AS (
        SELECT party_id AS account_id, -sum(amount_cents)::bigint AS cents
        FROM posted WHERE account = 'customer_credit' GROUP BY party_id HAVING sum(amount_cents) <> 0
    ), control AS (
        SELECT coalesce(sum(amount_cents), 0)::bigint AS cents FROM posted WHERE account = 'receivable'
    )
"""

# What each invoice owed by then; summed first, so that only what was left is looked up.
BY_INVOICE = """
    owed AS (
        SELECT i.id AS invoice_id, i.account_id, i.due_at, i.issued_at, cents
        FROM (SELECT invoice_id, sum(amount_cents)::bigint AS cents FROM posted
              WHERE account = 'receivable' GROUP BY invoice_id HAVING sum(amount_cents) <> 0) AS left_over
        JOIN invoices i ON i.id = left_over.invoice_id
    )
"""

AGES = """
    coalesce(sum(cents) FILTER (WHERE days <= 0), 0)::bigint AS not_due,
    coalesce(sum(cents) FILTER (WHERE days BETWEEN 1 AND 30), 0)::bigint AS to_30,
    coalesce(sum(cents) FILTER (WHERE days BETWEEN 31 AND 60), 0)::bigint AS to_60,
    coalesce(sum(cents) FILTER (WHERE days BETWEEN 61 AND 90), 0)::bigint AS to_90,
    coalesce(sum(cents) FILTER (WHERE days > 90), 0)::bigint AS over_90
"""


def _disputed(adjustment: str, write_off: str, proposal: str, line: str) -> str:
    """Credits asked for, write-offs of what is disputed and credits proposed, by invoice, where nobody has decided.

    `line` is the one by which a delivery `d` was billed: one that was billed anew has two.
    """
    return f"""
    disputed AS (
        SELECT invoice_id, sum(cents)::bigint AS disputed_cents
        FROM (
            SELECT invoice_id, ex_gst_cents + gst_cents AS cents FROM adjustments WHERE type = 'credit' AND {adjustment}
            UNION ALL
            SELECT invoice_id, amount_cents FROM write_offs WHERE reason_code = 'disputed' AND {write_off}
            UNION ALL
            SELECT l.invoice_id, l.inc_gst_cents
            FROM credit_requests r
            JOIN delivery_events d ON d.assignment_id = r.assignment_id
            JOIN LATERAL ({line}) AS l ON true
            WHERE r.is_proposal AND {proposal}
        ) AS asked GROUP BY invoice_id
    )
    """  # noqa: S608  # of constants


_OPEN_REQUEST = "(r.result IS NULL OR r.result NOT IN ('credited', 'voided', 'not_charged', 'declined', 'refused'))"
_LINE = "SELECT invoice_id, inc_gst_cents FROM invoice_lines WHERE delivery_event_id = d.id"
# Each by its own index: those that fell with a void are few.
_LINE_THEN = f"""
    SELECT line.* FROM ({_LINE} AND is_live UNION ALL {_LINE} AND NOT is_live) AS line
    JOIN invoices i ON i.id = line.invoice_id
    WHERE i.issued_at < :before AND (i.voided_at IS NULL OR i.voided_at >= :before)
"""  # noqa: S608  # of constants
DISPUTED_NOW = _disputed(
    "state = 'pending'", "state = 'pending'", f"r.decided_at IS NULL AND {_OPEN_REQUEST}", f"{_LINE} AND is_live"
)
DISPUTED_THEN = _disputed(
    "created_at < :before AND (decided_at IS NULL OR decided_at >= :before)",
    "created_at < :before AND (decided_at IS NULL OR decided_at >= :before)",
    f"r.asked_at < :before AND (r.decided_at >= :before OR (r.decided_at IS NULL AND "
    f"({_OPEN_REQUEST} OR r.answered_at >= :before)))",
    _LINE_THEN,
)
