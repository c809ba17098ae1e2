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
    Law("audit_entries"),
    # What they cost and what they are about never changes; where they stand does.
    Law("delivery_events", ("event_status", "credit_reason_code", "cap_status", "cap_release_reason", "version")),
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
    Law("number_series", ("last_number",)),
    # Full state of things that go on; nothing of them is deleted.
    Law("accounts", EVERYTHING),
    Law("credit_requests", EVERYTHING),
    Law("open_returns", EVERYTHING),
    Law("operators", EVERYTHING),
    Law("stripe_events", EVERYTHING),
    Law("stripe_roles", EVERYTHING),
)

CHANGED = {
    "uuid": "gen_random_uuid()",
    "text": "coalesce({0}, '') || 'x'",
    "bigint": "coalesce({0}, 0) + 1",
    "boolean": "NOT coalesce({0}, false)",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 day'",
    "jsonb": "'{{\"another\": 1}}'",
    "bytea": "'\\x00'",
    "ARRAY": "array_append({0}, 'x')",
}
"""By data type, a value that the column does not have."""

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
)
"""A row in each table that filled books leave empty."""

UNCREDITED = (
    "NOT EXISTS (SELECT FROM adjustment_lines l "
    "WHERE (l.invoice_id, l.line_no) = (invoice_lines.invoice_id, invoice_lines.line_no))"
)
DELETED = {"invoice_lines": f"DELETE FROM invoice_lines WHERE {UNCREDITED}"}
"""Where all rows would be refused for another reason."""
