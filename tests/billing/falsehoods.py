"""One falsehood for each equality of the books, as nobody but the owner with all guards off could write it."""

from dataclasses import dataclass

TABLES = (
    *("accounts", "adjustment_deliveries", "adjustment_lines", "adjustments", "delivery_events", "documents"),
    *("held_deliveries", "invoice_lines", "invoices", "journal_entries", "journal_postings", "number_series"),
    *("payment_reversals", "payments", "receipts", "reconciliations", "write_offs"),
)
CHECKS = {
    "documents": ("hash",),
    "invoice_lines": ("parts", "price_times_quantity"),
    "invoices": ("total", "balance", "customer_credit"),
    "journal_entries": ("currency",),
    "receipts": ("amounts",),
}
GUARDS_OFF = (
    *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in TABLES),
    *(
        f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{check}"
        for table, checks in CHECKS.items()
        for check in checks
    ),
    "DROP INDEX uq_invoice_lines_delivery, uq_adjustment_deliveries_delivery",
)


@dataclass(frozen=True)
class Falsehood:
    """`also` are the other equalities that it cannot help but break."""

    equality: str
    statement: str
    also: frozenset[str] = frozenset()


def where(table: str, condition: str) -> str:
    """One row of them."""
    return f" WHERE id = (SELECT id FROM {table} WHERE {condition} ORDER BY id LIMIT 1)"


def _entry(kind: str, account: str, cents: str = "amount_cents + 1") -> str:
    """One entry of one posting changed: what it is about and the posting's own balance are both wrong."""
    return (
        f"UPDATE journal_entries SET amount_cents = {cents} WHERE account = '{account}' AND posting_id = (SELECT p.id "
        f"FROM journal_postings p JOIN journal_entries e ON e.posting_id = p.id AND e.account = '{account}' "
        f"WHERE p.kind = '{kind}' ORDER BY p.id LIMIT 1)"
    )


UNBALANCED = frozenset({"postings_balance"})

FALSEHOODS = (
    Falsehood(
        "lines_are_deliveries",
        "UPDATE delivery_events SET unit_price_cents = unit_price_cents + 1 WHERE id = "
        "(SELECT delivery_event_id FROM invoice_lines WHERE line_no = 2 AND delivery_event_id IS NOT NULL)",
    ),
    # One that was recorded in time becomes another's, and nothing of theirs bills it.
    Falsehood(
        "issued_months_bill_their_deliveries",
        "UPDATE delivery_events SET installer_id = (SELECT account_id FROM invoices WHERE kind = 'installer'), "
        "recorded_at = recorded_at - interval '1 day' WHERE id NOT IN "
        "(SELECT delivery_event_id FROM invoice_lines WHERE delivery_event_id IS NOT NULL) "
        "AND id NOT IN (SELECT delivery_event_id FROM adjustment_deliveries)",
    ),
    Falsehood(
        "lines_live_with_their_invoices",
        "UPDATE invoice_lines SET is_live = false WHERE line_no = 2 AND delivery_event_id IS NOT NULL",
        frozenset({"issued_months_bill_their_deliveries"}),
    ),
    Falsehood(
        "deliveries_are_billed_once",
        "INSERT INTO adjustment_deliveries (adjustment_id, delivery_event_id, ex_gst_cents, gst_cents) "
        "SELECT a.adjustment_id, l.delivery_event_id, 0, 0 FROM adjustment_deliveries a, invoice_lines l "
        "WHERE l.delivery_event_id IS NOT NULL LIMIT 1",
    ),
    Falsehood(
        "voided_deliveries_are_unbilled",
        "UPDATE delivery_events SET event_status = 'void', credit_reason_code = 'system_fault' WHERE id = "
        "(SELECT delivery_event_id FROM invoice_lines WHERE line_no = 2 AND delivery_event_id IS NOT NULL)",
    ),
    Falsehood(
        "held_deliveries_are_recorded", "UPDATE held_deliveries SET released_at = now() WHERE released_at IS NULL"
    ),
    Falsehood(
        "credited_deliveries_have_credits",
        "UPDATE delivery_events SET event_status = 'credited', credit_reason_code = 'system_fault' WHERE id = "
        "(SELECT delivery_event_id FROM invoice_lines WHERE line_no = 2 AND delivery_event_id IS NOT NULL)",
    ),
    Falsehood(
        "releases_are_credits",
        "UPDATE delivery_events SET cap_status = 'released', cap_release_reason = 'credit_linked'"
        + where("delivery_events", "event_status = 'billable'"),
    ),
    Falsehood(
        "credits_release_caps",
        "UPDATE delivery_events SET cap_status = 'counted', cap_release_reason = NULL, "
        "ended_at = ended_at - interval '2 hours' WHERE event_status = 'credited'",
    ),
    Falsehood(
        "lines_are_totals",
        "UPDATE invoice_lines SET inc_gst_cents = inc_gst_cents + 1 WHERE line_no = 2",
    ),
    Falsehood("line_gst_is_invoice_gst", "UPDATE invoice_lines SET gst_cents = gst_cents + 1 WHERE line_no = 2"),
    Falsehood(
        # Its document, if it was drawn already, goes along.
        "invoice_numbers_have_no_gaps",
        "WITH renumbered AS (UPDATE invoices SET number = 'WB-000999' WHERE number = 'WB-000002' RETURNING id) "
        "UPDATE documents SET number = 'WB-000999' FROM renumbered "
        "WHERE invoice_id = renumbered.id AND adjustment_id IS NULL",
    ),
    Falsehood(
        "note_numbers_have_no_gaps", "UPDATE number_series SET last_number = 99 WHERE series = 'adjustment_note'"
    ),
    Falsehood("documents_are_kept", "UPDATE documents SET number = 'WB-000999'"),
    # What is paid and what was left over rise together, so that the balance stays what it was.
    Falsehood(
        "paid_is_payments",
        "UPDATE invoices SET paid_cents = paid_cents + 1, written_off_cents = written_off_cents - 1"
        + where("invoices", "written_off_cents > 0"),
        frozenset({"written_off_is_write_offs"}),
    ),
    Falsehood(
        "adjustments_are_applied",
        "UPDATE invoices SET adjusted_gst_cents = adjusted_gst_cents + 1, paid_cents = paid_cents + 1"
        + where("invoices", "debits_cents > 0"),
        frozenset({"paid_is_payments", "gst_is_invoiced"}),
    ),
    Falsehood(
        "written_off_is_write_offs",
        "UPDATE write_offs SET amount_cents = amount_cents + 1 WHERE state = 'approved'",
        frozenset({"write_offs_are_posted", "bad_debts_are_written_off"}),
    ),
    Falsehood(
        "payments_are_money",
        "UPDATE payments SET external_payment_ref = 'pi_elsewhere1'"
        + where("payments", "external_payment_ref IS NULL"),
    ),
    Falsehood("receipts_are_payments_and_rests", "UPDATE receipts SET amount_cents = amount_cents + 1"),
    Falsehood(
        "rests_are_the_customers",
        _entry("cash_unapplied", "customer_credit"),
        UNBALANCED | {"customer_credit_is_posted"},
    ),
    Falsehood("reversals_are_posted", _entry("payment_reversed", "cash"), UNBALANCED),
    Falsehood(
        "reversals_fit_what_came_in",
        "UPDATE payment_reversals SET amount_cents = 1001 WHERE receipt_id IS NOT NULL",
        frozenset({"reversals_are_posted", "customer_credit_is_left_over"}),
    ),
    Falsehood(
        "adjustments_are_posted",
        _entry("debit_charged", "receivable"),
        UNBALANCED | {"receivable_is_owed"},
    ),
    Falsehood(
        "credits_fall_on_lines",
        "UPDATE adjustment_lines SET gst_cents = gst_cents + 1 WHERE line_no = 2",
    ),
    Falsehood("late_debits_are_deliveries", "UPDATE adjustment_deliveries SET ex_gst_cents = ex_gst_cents + 1"),
    Falsehood(
        "write_offs_are_posted",
        _entry("write_off_reversed", "receivable"),
        UNBALANCED | {"receivable_is_owed"},
    ),
    Falsehood(
        "invoices_are_posted",
        _entry("invoice_issued", "receivable"),
        UNBALANCED | {"receivable_is_owed"},
    ),
    Falsehood("receivable_is_owed", _entry("payment_received", "receivable"), UNBALANCED),
    Falsehood("revenue_is_invoiced", _entry("invoice_issued", "revenue"), UNBALANCED),
    Falsehood("gst_is_invoiced", _entry("invoice_issued", "gst_payable"), UNBALANCED),
    Falsehood("credits_are_given", _entry("credit_given", "credits_given"), UNBALANCED),
    Falsehood("bad_debts_are_written_off", _entry("written_off", "bad_debts"), UNBALANCED),
    Falsehood(
        "left_over_is_posted",
        _entry("credit_applied", "customer_credit"),
        UNBALANCED | {"customer_credit_is_posted"},
    ),
    Falsehood(
        "customer_credit_is_posted",
        "UPDATE accounts SET customer_credit_cents = customer_credit_cents + 1"
        + where("accounts", "customer_credit_cents > 0"),
        frozenset({"customer_credit_is_left_over"}),
    ),
    Falsehood(
        "customer_credit_is_left_over",
        "UPDATE receipts SET rest_cents = rest_cents + 1, amount_cents = amount_cents + 1",
        frozenset({"rests_are_the_customers"}),
    ),
    Falsehood("postings_balance", _entry("payout_allocated", "expert_cost")),
    Falsehood(
        "postings_are_facts",
        "INSERT INTO journal_postings (id, source_key, kind, occurred_at, posted_at) "
        "VALUES (gen_random_uuid(), 'payment:stray', 'payment_received', now(), now())",
        UNBALANCED,
    ),
    Falsehood(
        "unapplied_credit_was_applied",
        "UPDATE journal_postings SET source_key = 'another:reversed' WHERE kind = 'credit_unapplied'",
    ),
    Falsehood("stripes_rows_are_posted", "UPDATE stripe_items SET fee_cents = fee_cents + 1 WHERE kind = 'movement'"),
    Falsehood(
        "pay_is_allocated",
        _entry("payout_sent", "expert_payable", "9000"),
        UNBALANCED,
    ),
    Falsehood(
        "stripe_is_clearing",
        "UPDATE reconciliations SET theirs_balance_cents = theirs_balance_cents + 1 WHERE stage = 'finished'",
    ),
)
