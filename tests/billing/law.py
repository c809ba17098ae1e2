"""What of each table may change: whatever is not named here is written once, for whoever asks the database.

`rows` narrows a law to rows in one state; every other row of the table has a law of its own, or a wider one.
"""

from dataclasses import dataclass, field

EVERYTHING = ("*",)


@dataclass(frozen=True)
class Law:
    """`open` may be changed. `proved` may be changed with what they follow from, and by themselves never."""

    table: str
    open: tuple[str, ...] = ()
    rows: str = "true"
    proved: tuple[str, ...] = ()
    name: str = field(default="")

    @property
    def title(self) -> str:
        return self.name or self.table


SETTLEMENT = ("credits_cents", "debits_cents", "adjusted_gst_cents", "paid_cents", "customer_credit_cents")
DECIDED = ("state", "gst_cents", "decided_by_id", "decided_by_name", "decided_at")
AGREED = ("state", "decided_by_id", "decided_by_name", "decided_at")
DIFFERS = (
    *("code", "invoice_id", "payment_id", "stripe_id", "ours_cents", "theirs_cents", "ours_state", "theirs_state"),
    *("state", "owner_id", "owner_name", "reason_code", "reason_text", "accepted_by_name"),
    *("first_seen_at", "changed_at", "version"),
)
REVERSED = ("state", "reversed_by_id", "reversed_by_name", "reversed_at", "reversal_reason")

LAWS = (
    # Written once: nothing of them ever changes.
    Law("price_plans"),
    Law("payments"),
    Law("receipts"),
    Law("payment_reversals"),
    Law("adjustment_lines"),
    Law("documents"),
    Law("journal_postings"),
    Law("journal_entries"),
    Law("certificates"),
    Law("certified_equalities"),
    Law("certified_offenders"),
    Law("receivables_snapshots"),
    Law("receivables_snapshot_accounts"),
    Law("statements"),
    Law("month_marks"),
    Law("month_scopes"),
    Law("reconciliation_reviews"),
    Law("audit_entries"),
    # What they cost and what they are about never changes; where they stand does.
    Law(
        "delivery_events",
        ("event_status", "credit_reason_code", "ended_at", "cap_status", "cap_release_reason", "version"),
    ),
    Law("held_deliveries", ("cap_status", "cap_release_reason", "released_at", "version")),
    Law("invoice_lines", proved=("is_live",)),
    Law("adjustment_deliveries", proved=("is_live",)),
    Law(
        "invoices",
        ("paid_at", "paid_no", "rendered_at", "sent_at", "send_no", "version", "stripe_invoice_url"),
        "document_status = 'issued'",
        (*SETTLEMENT, "written_off_cents", "document_status"),
        "invoices that are issued",
    ),
    Law(
        "invoices",
        ("rendered_at", "paid_no", "version"),
        "document_status = 'void'",
        ("paid_cents", "customer_credit_cents"),
        "invoices that are void",
    ),
    Law("adjustments", ("rendered_at",), "state = 'approved'"),
    Law("write_offs", REVERSED, "state = 'approved'", name="write_offs that stand"),
    Law("write_offs", (), "state = 'reversed'", name="write_offs that were reversed"),
    Law("void_requests", AGREED, "state = 'pending'", name="void_requests that wait"),
    Law("void_requests", (), "state <> 'pending'", name="void_requests that are decided"),
    Law("number_series", ("last_number",)),
    # What is over stays as it was.
    Law("close_runs", rows="state = 'finished'", name="close_runs that are finished"),
    Law("close_results", rows="outcome IS NOT NULL", name="close_results that are told"),
    Law("reference_imports", rows="kept_at IS NOT NULL", name="reference_imports that are kept"),
    Law("promises", rows="state <> 'open'", name="promises that ended"),
    Law("reconciliations", rows="stage = 'finished'", name="reconciliations that are finished"),
    Law("book_blocks", ("count", "told_at", "ended_at", "version")),
    Law("differences", DIFFERS),
    # Full state of things that go on; nothing of them is deleted.
    Law("accounts", EVERYTHING),
    Law("billing_contacts", EVERYTHING),
    Law("credit_requests", EVERYTHING),
    Law("open_returns", EVERYTHING),
    Law("invoice_owners", EVERYTHING),
    Law("operators", EVERYTHING),
    Law("stripe_events", EVERYTHING),
    Law("stripe_items", EVERYTHING),
    Law("stripe_roles", EVERYTHING),
)

CHANGED = {
    "uuid": "gen_random_uuid()",
    # Of its own in each row, or two that have none would be refused for being alike.
    "text": "coalesce({0}, gen_random_uuid()::text) || 'x'",
    "bigint": "coalesce({0}, 0) + 1",
    "boolean": "NOT coalesce({0}, false)",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 day'",
    "jsonb": "'{{\"another\": 1}}'",
    "bytea": "'\\x00'",
    "ARRAY": "array_append({0}, NULL)",
    "date": "coalesce({0}, current_date) + 1",
    "numeric": "coalesce({0}, 0) + 1",
}
"""By data type, a value that the column does not have."""

AGES = (
    "not_due_cents, to_30_cents, to_60_cents, to_90_cents, over_90_cents, credit_cents, disputed_cents, sales_cents, "
    "paid_count, late_days"
)
ASKED = "id, invoice_id, amount_cents, reason_code, state, made_by_id, made_by_name, created_at"
NOTHING = "0, 0, 0, 0, 0, 0, 0, 0, 0, 0"
REST = (
    "INSERT INTO operators (operator_id, name, email, is_active, capabilities, version) "
    "VALUES (gen_random_uuid(), 'Mia Maker', 'mia@waybill.example', true, '{}', 1)",
    "INSERT INTO stripe_roles (id, changed_at, changed_by) VALUES (1, now(), 'Mia Maker')",
    "INSERT INTO stripe_events (id, event_id, type, state, received_at, next_attempt_at) "
    "VALUES (gen_random_uuid(), 'evt_1', 'invoice.paid', 'pending', now(), now())",
    "INSERT INTO open_returns (assignment_id, installer_id, return_id, version, decide_by) "
    "VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, now())",
    "INSERT INTO credit_requests (request_id, assignment_id, lead_id, installer_id, reason_code, deed, deed_id, "
    "asked_by_id, asked_by_name, is_proposal, asked_at) SELECT gen_random_uuid(), gen_random_uuid(), "
    "gen_random_uuid(), gen_random_uuid(), 'invalid_contact', 'merge', gen_random_uuid(), gen_random_uuid(), "
    "'Mia Maker', false, now()",
    "INSERT INTO billing_contacts "
    "(id, account_id, name, email, gets_invoices, gets_statements, created_at, updated_at) "
    "SELECT gen_random_uuid(), id, 'Mia', 'mia@sunny.example', true, true, now(), now() FROM accounts LIMIT 1",
    "INSERT INTO book_blocks (id, reason_code, count, since, told_at) "
    "VALUES (gen_random_uuid(), 'deliveries_unrecorded', 1, now(), now())",
    "INSERT INTO close_runs (id, kind, is_dry, period, period_start, period_end, asked_by_id, asked_by_name, state, "
    "planned_count, unchanged_count, started_at, finished_at) VALUES (gen_random_uuid(), 'draft', false, '2026-03', "
    "now(), now() + interval '1 day', gen_random_uuid(), 'Mia Maker', 'finished', 1, 1, now(), now())",
    "INSERT INTO close_results (run_id, installer_id, expected_count, outcome) "
    "SELECT id, gen_random_uuid(), 1, 'unchanged' FROM close_runs",
    "INSERT INTO month_marks (id, period, step, is_done, made_by_id, made_by_name, made_at) "
    "VALUES (gen_random_uuid(), '2026-03', 'held', true, gen_random_uuid(), 'Mia Maker', now())",
    "INSERT INTO month_scopes (id, period, made_by_id, made_by_name, made_at) "
    "VALUES (gen_random_uuid(), '2026-03', gen_random_uuid(), 'Mia Maker', now())",
    "INSERT INTO reference_imports (id, period, rows, made_by_id, made_by_name, made_at, kept_by_name, kept_at, "
    "kept_count) VALUES (gen_random_uuid(), '2026-03', '[]', gen_random_uuid(), 'Mia Maker', now(), 'Mia Maker', "
    "now(), 0)",
    f"INSERT INTO receivables_snapshots (id, kind, as_of, month_start, {AGES}, account_count, ledger_cents, taken_by, "
    f"taken_at) SELECT gen_random_uuid(), 'by_hand', now(), now() - interval '1 day', {NOTHING}, 1, 0, 'Mia', now()",
    f"INSERT INTO receivables_snapshot_accounts (snapshot_id, account_id, {AGES}) "
    f"SELECT s.id, a.id, {NOTHING} FROM receivables_snapshots s, accounts a LIMIT 1",
    "INSERT INTO promises (id, invoice_id, amount_cents, promised_for, settled_cents, state, made_by_id, made_by_name, "
    "made_at, ended_at, ended_by_name) SELECT gen_random_uuid(), id, 1, current_date, 0, 'broken', gen_random_uuid(), "
    "'Mia Maker', now(), now(), 'Waybill' FROM invoices WHERE document_status = 'issued' LIMIT 1",
    f"INSERT INTO void_requests ({ASKED}) SELECT gen_random_uuid(), id, 1, 'duplicate', 'pending', gen_random_uuid(), "
    "'Mia Maker', now() FROM invoices WHERE document_status = 'issued' LIMIT 1",
    f"INSERT INTO void_requests ({ASKED}, decided_by_id, decided_by_name, decided_at) SELECT gen_random_uuid(), id, 1, "
    "'duplicate', 'approved', gen_random_uuid(), 'Mia Maker', now(), gen_random_uuid(), 'Chris Checker', now() "
    "FROM invoices WHERE document_status = 'void' LIMIT 1",
    "INSERT INTO invoice_owners (invoice_id, changed_at) SELECT id, now() FROM invoices LIMIT 1",
    "INSERT INTO statements (id, account_id, from_day, to_day, opening_cents, closing_cents, file_name, media_type, "
    "sha256, content, recipient_count, sent_by_name, sent_at) SELECT gen_random_uuid(), id, current_date, "
    "current_date, 0, 0, 'a.pdf', 'application/pdf', encode(sha256(''), 'hex'), '', 1, 'Mia Maker', now() "
    "FROM accounts LIMIT 1",
    "INSERT INTO reconciliations (id, mode, asked_by_name, started_at, last_at, stage, next_attempt_at, finished_at) "
    "VALUES (gen_random_uuid(), 'asked', 'Mia Maker', now(), now(), 'finished', now(), now())",
    "INSERT INTO reconciliation_reviews (id, reconciliation_id, open_count, owner_missing_count, reviewed_by_id, "
    "reviewed_by_name, reviewed_at) SELECT gen_random_uuid(), id, 0, 0, gen_random_uuid(), 'Mia Maker', now() "
    "FROM reconciliations",
    "INSERT INTO stripe_items (kind, stripe_id, state, amount_cents, fee_cents, currency, occurred_at, seen_at) "
    "VALUES ('charge', 'ch_1', 'succeeded', 1, 0, 'AUD', now(), now())",
    "INSERT INTO differences (id, about, about_key, kind, code, state, first_seen_at, changed_at) "
    "VALUES (gen_random_uuid(), 'payment', 'ch_1', 'missing_here', 'payment_not_here', 'open', now(), now())",
)
"""A row in each table that filled books leave empty."""

UNCREDITED = (
    "NOT EXISTS (SELECT FROM adjustment_lines l "
    "WHERE (l.invoice_id, l.line_no) = (invoice_lines.invoice_id, invoice_lines.line_no))"
)
DELETED = {"invoice_lines": f"DELETE FROM invoice_lines WHERE {UNCREDITED}"}
"""Where all rows would be refused for another reason."""

DELETABLE = frozenset({"billing_contacts"})
"""People beside an account's own address, who may ask to be forgotten: of them nothing is kept."""
