"""Settlement whole: receipts, reversals and write-offs with their proofs at commit; the operators who own work."""

from collections.abc import Iterator

from alembic import context, op

from chassis.migrations import revoke_change, statements, written_once
from services.billing.migrations.settlement import PROOFS, PROVING, REFERENCES

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Checked without a lock that writers would wait for.
WORDS = """
ALTER TABLE journal_entries DROP CONSTRAINT ck_journal_entries_account;
ALTER TABLE journal_entries ADD CONSTRAINT ck_journal_entries_account CHECK (
    account IN ('receivable', 'revenue', 'gst_payable', 'customer_credit', 'credits_given', 'bad_debts', 'cash',
    'stripe_clearing', 'stripe_fees', 'expert_cost', 'expert_payable')
) NOT VALID;
ALTER TABLE journal_entries VALIDATE CONSTRAINT ck_journal_entries_account;
ALTER TABLE journal_postings DROP CONSTRAINT ck_journal_postings_kind;
ALTER TABLE journal_postings ADD CONSTRAINT ck_journal_postings_kind CHECK (
    kind IN ('invoice_issued', 'invoice_voided', 'payment_received', 'payment_reversed', 'cash_unapplied',
    'credit_given', 'debit_charged', 'credit_applied', 'credit_unapplied', 'written_off', 'write_off_reversed',
    'stripe_fee', 'stripe_moved', 'payout_allocated', 'payout_sent', 'payout_reversed')
) NOT VALID;
ALTER TABLE journal_postings VALIDATE CONSTRAINT ck_journal_postings_kind;
CREATE INDEX ix_journal_postings_party ON journal_postings (party_id)
    WHERE party_id IS NOT NULL AND invoice_id IS NULL AND payout_id IS NULL;
"""

# A computed column's expression is changed by another column: it goes with what hangs on it. What is paid was told so
# once; from now on the database counts it, as processes of before do not while they still run.
INVOICES = """
ALTER TABLE invoices ADD COLUMN written_off_cents bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN paid_no bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices DROP COLUMN balance_cents;
ALTER TABLE invoices ADD COLUMN balance_cents bigint NOT NULL GENERATED ALWAYS AS (
    total_cents - credits_cents + debits_cents + adjusted_gst_cents - paid_cents + customer_credit_cents
    - written_off_cents
) STORED;
ALTER TABLE invoices DISABLE TRIGGER USER;
UPDATE invoices SET paid_no = 1 WHERE paid_at IS NOT NULL;
ALTER TABLE invoices ENABLE TRIGGER USER;
ALTER TABLE invoices ADD CONSTRAINT ck_invoices_balance CHECK (document_status = 'draft' OR balance_cents >= 0);
ALTER TABLE invoices ADD CONSTRAINT ck_invoices_written_off CHECK (
    written_off_cents = 0 OR (written_off_cents > 0 AND document_status = 'issued')
);
CREATE FUNCTION count_paid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.paid_no := OLD.paid_no + (OLD.paid_at IS NULL AND NEW.paid_at IS NOT NULL)::int;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_count_how_often_paid BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (NEW.paid_no <> OLD.paid_no OR (OLD.paid_at IS NULL AND NEW.paid_at IS NOT NULL))
    EXECUTE FUNCTION count_paid();
CREATE INDEX ix_invoices_owed ON invoices (due_at, id) WHERE document_status = 'issued' AND balance_cents > 0;
DROP TRIGGER issued_invoices_keep_their_face ON invoices;
CREATE TRIGGER issued_invoices_keep_their_face BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (OLD.document_status = 'issued' AND NEW.document_status = 'issued')
    EXECUTE FUNCTION keep_all_but(
        'credits_cents', 'debits_cents', 'adjusted_gst_cents', 'paid_cents', 'customer_credit_cents',
        'written_off_cents', 'balance_cents', 'paid_at', 'paid_no', 'rendered_at', 'sent_at', 'send_no',
        'stripe_invoice_id', 'stripe_invoice_url', 'version'
    );
CREATE TRIGGER issued_invoices_take_one_reference BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (OLD.document_status = 'issued' AND NEW.document_status = 'issued' AND (
        (OLD.stripe_invoice_id IS NOT NULL AND NEW.stripe_invoice_id IS DISTINCT FROM OLD.stripe_invoice_id)
        OR (OLD.stripe_invoice_url IS NOT NULL AND NEW.stripe_invoice_url IS DISTINCT FROM OLD.stripe_invoice_url)
    ))
    EXECUTE FUNCTION refuse_change();
"""

TABLES = """
CREATE TABLE receipts (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    amount_cents bigint NOT NULL,
    rest_cents bigint NOT NULL,
    currency text NOT NULL,
    received_at timestamptz NOT NULL,
    method text NOT NULL,
    reference text,
    external_payment_ref text,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_receipts PRIMARY KEY (id),
    CONSTRAINT fk_receipts_account_id FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT uq_receipts_reference UNIQUE (reference),
    CONSTRAINT uq_receipts_external_payment_ref UNIQUE (external_payment_ref),
    CONSTRAINT ck_receipts_method CHECK (method IN ('bank_transfer', 'card', 'cheque', 'cash', 'stripe', 'other')),
    CONSTRAINT ck_receipts_amounts CHECK (amount_cents > 0 AND rest_cents BETWEEN 0 AND amount_cents),
    CONSTRAINT ck_receipts_currency CHECK (currency = 'AUD'),
    CONSTRAINT ck_receipts_has_a_reference CHECK (reference IS NOT NULL OR external_payment_ref IS NOT NULL),
    CONSTRAINT ck_receipts_has_stripes_id CHECK (method <> 'stripe' OR external_payment_ref IS NOT NULL)
);
CREATE INDEX ix_receipts_account ON receipts (account_id, received_at);

ALTER TABLE payments ADD COLUMN receipt_id uuid;
ALTER TABLE payments ADD CONSTRAINT fk_payments_receipt_id FOREIGN KEY (receipt_id) REFERENCES receipts (id);
ALTER TABLE payments DROP CONSTRAINT ck_payments_has_a_reference;
ALTER TABLE payments ADD CONSTRAINT ck_payments_has_a_reference CHECK (
    reference IS NOT NULL OR external_payment_ref IS NOT NULL OR receipt_id IS NOT NULL
) NOT VALID;
ALTER TABLE payments VALIDATE CONSTRAINT ck_payments_has_a_reference;
CREATE INDEX ix_payments_receipt ON payments (receipt_id);

CREATE TABLE payment_reversals (
    id uuid NOT NULL,
    payment_id uuid,
    receipt_id uuid,
    amount_cents bigint NOT NULL,
    reason_code text NOT NULL,
    notes text,
    external_ref text,
    made_by_id uuid NOT NULL,
    made_by_name text NOT NULL,
    reversed_at timestamptz NOT NULL,
    CONSTRAINT pk_payment_reversals PRIMARY KEY (id),
    CONSTRAINT fk_payment_reversals_payment_id FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT fk_payment_reversals_receipt_id FOREIGN KEY (receipt_id) REFERENCES receipts (id),
    CONSTRAINT uq_payment_reversals_external_ref UNIQUE (external_ref),
    CONSTRAINT ck_payment_reversals_reason_code CHECK (
        reason_code IN ('entered_in_error', 'bounced', 'refunded', 'charged_back')
    ),
    CONSTRAINT ck_payment_reversals_amount_cents CHECK (amount_cents > 0),
    CONSTRAINT ck_payment_reversals_subject CHECK (num_nonnulls(payment_id, receipt_id) = 1)
);
CREATE INDEX ix_payment_reversals_payment ON payment_reversals (payment_id);
CREATE INDEX ix_payment_reversals_receipt ON payment_reversals (receipt_id);

CREATE TABLE write_offs (
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_cents bigint NOT NULL,
    gst_cents bigint NOT NULL,
    reason_code text NOT NULL,
    notes text,
    state text NOT NULL,
    made_by_id uuid NOT NULL,
    made_by_name text NOT NULL,
    created_at timestamptz NOT NULL,
    decided_by_id uuid,
    decided_by_name text,
    decided_at timestamptz,
    reversed_by_id uuid,
    reversed_by_name text,
    reversed_at timestamptz,
    reversal_reason text,
    CONSTRAINT pk_write_offs PRIMARY KEY (id),
    CONSTRAINT fk_write_offs_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT ck_write_offs_reason_code CHECK (
        reason_code IN ('insolvent', 'uneconomic', 'disputed', 'statute_barred', 'other')
    ),
    CONSTRAINT ck_write_offs_state CHECK (state IN ('pending', 'approved', 'rejected', 'reversed')),
    CONSTRAINT ck_write_offs_amounts CHECK (amount_cents > 0 AND gst_cents BETWEEN 0 AND amount_cents),
    CONSTRAINT ck_write_offs_decided CHECK ((state = 'pending') = (decided_at IS NULL)),
    CONSTRAINT ck_write_offs_decided_by CHECK ((decided_at IS NULL) = (decided_by_name IS NULL)),
    CONSTRAINT ck_write_offs_reversed CHECK ((state = 'reversed') = (reversed_at IS NOT NULL)),
    CONSTRAINT ck_write_offs_reversed_by CHECK (
        (reversed_at IS NULL) = (reversed_by_name IS NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL)
    )
);
CREATE INDEX ix_write_offs_invoice ON write_offs (invoice_id, created_at);
CREATE UNIQUE INDEX uq_write_offs_live ON write_offs (invoice_id) WHERE state IN ('pending', 'approved');

CREATE TABLE operators (
    operator_id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    is_active boolean NOT NULL,
    capabilities text[] NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT pk_operators PRIMARY KEY (operator_id)
);

CREATE TABLE stripe_roles (
    id bigint NOT NULL,
    creator_id uuid,
    approver_id uuid,
    reconciler_id uuid,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT pk_stripe_roles PRIMARY KEY (id),
    CONSTRAINT ck_stripe_roles_one_row CHECK (id = 1)
);
"""

GUARDS = """
CREATE TRIGGER pending_write_offs_keep_what_was_asked BEFORE UPDATE ON write_offs FOR EACH ROW
    WHEN (OLD.state = 'pending')
    EXECUTE FUNCTION keep_all_but('state', 'gst_cents', 'decided_by_id', 'decided_by_name', 'decided_at');
CREATE TRIGGER approved_write_offs_keep_their_facts BEFORE UPDATE ON write_offs FOR EACH ROW
    WHEN (OLD.state = 'approved')
    EXECUTE FUNCTION keep_all_but('state', 'reversed_by_id', 'reversed_by_name', 'reversed_at', 'reversal_reason');
CREATE TRIGGER write_offs_are_decided_once BEFORE UPDATE ON write_offs FOR EACH ROW
    WHEN (OLD.state IN ('rejected', 'reversed') OR (OLD.state = 'pending' AND NEW.state = 'reversed')
          OR (OLD.state = 'approved' AND NEW.state IN ('pending', 'rejected')))
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER number_series_only_rise BEFORE UPDATE ON number_series FOR EACH ROW
    WHEN (NEW.last_number < OLD.last_number OR NEW.entity <> OLD.entity OR NEW.series <> OLD.series)
    EXECUTE FUNCTION refuse_change();
"""

WRITTEN_ONCE = ("receipts", "payment_reversals")
NEVER_DELETED = ("write_offs", "operators", "stripe_roles")
# What may still change of a row.
OPEN_COLUMNS = {
    "write_offs": (
        *("state", "gst_cents", "decided_by_id", "decided_by_name", "decided_at"),
        *("reversed_by_id", "reversed_by_name", "reversed_at", "reversal_reason"),
    ),
    "operators": ("name", "email", "is_active", "capabilities", "version"),
    "stripe_roles": ("creator_id", "approver_id", "reconciler_id", "changed_at", "changed_by"),
    "number_series": ("last_number",),
}


def upgrade() -> None:
    for part in (WORDS, INVOICES, TABLES, REFERENCES, GUARDS, PROVING, PROOFS):
        for statement in statements(part):
            op.execute(statement)
    for statement in (*_triggers(), *_grants(context.config.attributes.get("app_role"))):
        op.execute(statement)


def _triggers() -> Iterator[str]:
    for table in WRITTEN_ONCE:
        yield from written_once(table)
    for table in NEVER_DELETED:
        yield (
            f"CREATE TRIGGER {table}_are_never_deleted BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def _grants(app_role: str | None) -> Iterator[str]:
    if not app_role:
        return
    for table in WRITTEN_ONCE:
        yield from revoke_change(table, app_role)
    for table, columns in OPEN_COLUMNS.items():
        yield from revoke_change(table, app_role)
        yield f'GRANT UPDATE ({", ".join(columns)}) ON {table} TO "{app_role}"'
