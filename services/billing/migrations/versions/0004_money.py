"""Payments, adjustments, documents, the journal, Stripe's events."""

from alembic import op

from chassis.migrations import statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE payments (
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    received_at timestamptz NOT NULL,
    method text NOT NULL,
    reference text,
    external_payment_ref text,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_payments PRIMARY KEY (id),
    CONSTRAINT ck_payments_method CHECK (
        method IN ('bank_transfer', 'card', 'cheque', 'cash', 'stripe', 'other')
    ),
    CONSTRAINT ck_payments_amount_cents CHECK (amount_cents > 0),
    CONSTRAINT ck_payments_currency CHECK (currency = 'AUD'),
    CONSTRAINT ck_payments_has_a_reference CHECK (reference IS NOT NULL OR external_payment_ref IS NOT NULL),
    CONSTRAINT fk_payments_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT uq_payments_reference UNIQUE (reference),
    CONSTRAINT uq_payments_external_payment_ref UNIQUE (external_payment_ref)
);
CREATE INDEX ix_payments_invoice ON payments (invoice_id, received_at);

CREATE TABLE adjustments (
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    type text NOT NULL,
    reason_code text NOT NULL,
    notes text,
    line_no bigint,
    gst_treatment text NOT NULL,
    ex_gst_cents bigint NOT NULL,
    gst_cents bigint NOT NULL,
    state text NOT NULL,
    number text,
    made_by_id uuid NOT NULL,
    made_by_name text NOT NULL,
    created_at timestamptz NOT NULL,
    decided_by_id uuid,
    decided_by_name text,
    decided_at timestamptz,
    rendered_at timestamptz,
    CONSTRAINT pk_adjustments PRIMARY KEY (id),
    CONSTRAINT ck_adjustments_type CHECK (type IN ('credit', 'debit')),
    CONSTRAINT ck_adjustments_state CHECK (state IN ('pending', 'approved', 'rejected')),
    CONSTRAINT ck_adjustments_gst_treatment CHECK (gst_treatment IN ('taxable', 'gst_free')),
    CONSTRAINT ck_adjustments_amounts CHECK (ex_gst_cents > 0 AND gst_cents >= 0),
    CONSTRAINT ck_adjustments_approved_has_a_number CHECK ((state = 'approved') = (number IS NOT NULL)),
    CONSTRAINT ck_adjustments_decided CHECK ((state = 'pending') = (decided_at IS NULL)),
    CONSTRAINT fk_adjustments_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT uq_adjustments_number UNIQUE (number)
);
CREATE INDEX ix_adjustments_invoice ON adjustments (invoice_id, created_at);
CREATE INDEX ix_adjustments_pending ON adjustments (created_at, id) WHERE state = 'pending';
CREATE INDEX ix_adjustments_unrendered ON adjustments (decided_at)
    WHERE state = 'approved' AND rendered_at IS NULL;

CREATE TABLE adjustment_lines (
    adjustment_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    line_no bigint NOT NULL,
    ex_gst_cents bigint NOT NULL,
    gst_cents bigint NOT NULL,
    CONSTRAINT pk_adjustment_lines PRIMARY KEY (adjustment_id, invoice_id, line_no),
    CONSTRAINT fk_adjustment_lines_invoice_id_line_no FOREIGN KEY (invoice_id, line_no)
        REFERENCES invoice_lines (invoice_id, line_no),
    CONSTRAINT ck_adjustment_lines_amounts CHECK (ex_gst_cents > 0 AND gst_cents >= 0),
    CONSTRAINT fk_adjustment_lines_adjustment_id FOREIGN KEY (adjustment_id) REFERENCES adjustments (id)
);
CREATE INDEX ix_adjustment_lines_line ON adjustment_lines (invoice_id, line_no);

CREATE TABLE documents (
    id uuid NOT NULL,
    kind text NOT NULL,
    invoice_id uuid NOT NULL,
    adjustment_id uuid,
    number text NOT NULL,
    file_name text NOT NULL,
    media_type text NOT NULL,
    sha256 text NOT NULL,
    content bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_documents PRIMARY KEY (id),
    CONSTRAINT ck_documents_kind CHECK (kind IN ('tax_invoice', 'adjustment_note')),
    CONSTRAINT ck_documents_subject CHECK ((kind = 'adjustment_note') = (adjustment_id IS NOT NULL)),
    CONSTRAINT ck_documents_hash CHECK (encode(sha256(content), 'hex') = sha256),
    CONSTRAINT fk_documents_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT uq_documents_adjustment_id UNIQUE (adjustment_id),
    CONSTRAINT fk_documents_adjustment_id FOREIGN KEY (adjustment_id) REFERENCES adjustments (id)
);
CREATE UNIQUE INDEX uq_documents_invoice ON documents (invoice_id) WHERE adjustment_id IS NULL;

CREATE TABLE journal_postings (
    id uuid NOT NULL,
    source_key text NOT NULL,
    kind text NOT NULL,
    occurred_at timestamptz NOT NULL,
    posted_at timestamptz NOT NULL,
    party_id uuid,
    invoice_id uuid,
    payout_id uuid,
    CONSTRAINT pk_journal_postings PRIMARY KEY (id),
    CONSTRAINT ck_journal_postings_kind CHECK (
        kind IN ('invoice_issued', 'invoice_voided', 'payment_received', 'credit_given', 'debit_charged',
        'payout_allocated', 'payout_sent', 'payout_reversed')
    ),
    CONSTRAINT uq_journal_postings_source_key UNIQUE (source_key),
    CONSTRAINT fk_journal_postings_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id)
);
CREATE INDEX ix_journal_postings_invoice_id ON journal_postings (invoice_id);
CREATE INDEX ix_journal_postings_occurred_at ON journal_postings (occurred_at, id);
CREATE INDEX ix_journal_postings_payout_id ON journal_postings (payout_id);

CREATE TABLE journal_entries (
    posting_id uuid NOT NULL,
    entry_no bigint NOT NULL,
    account text NOT NULL,
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    CONSTRAINT pk_journal_entries PRIMARY KEY (posting_id, entry_no),
    CONSTRAINT ck_journal_entries_account CHECK (
        account IN ('receivable', 'revenue', 'gst_payable', 'credits_given', 'cash', 'stripe_clearing',
        'expert_cost', 'expert_payable')
    ),
    CONSTRAINT ck_journal_entries_amount_cents CHECK (amount_cents <> 0),
    CONSTRAINT ck_journal_entries_currency CHECK (currency = 'AUD'),
    CONSTRAINT fk_journal_entries_posting_id FOREIGN KEY (posting_id) REFERENCES journal_postings (id)
);
CREATE INDEX ix_journal_entries_account ON journal_entries (account, currency);

CREATE TABLE stripe_events (
    id uuid NOT NULL,
    event_id text NOT NULL,
    type text NOT NULL,
    stripe_invoice_id text,
    state text NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    detail text,
    received_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT pk_stripe_events PRIMARY KEY (id),
    CONSTRAINT uq_stripe_events_event_id UNIQUE (event_id),
    CONSTRAINT ck_stripe_events_state CHECK (
        state IN ('pending', 'processed', 'ignored', 'unmatched', 'held')
    )
);
CREATE INDEX ix_stripe_events_pending ON stripe_events (next_attempt_at) WHERE state = 'pending';
CREATE INDEX ix_stripe_events_received_at ON stripe_events (received_at, id);
CREATE INDEX ix_stripe_events_state ON stripe_events (state, received_at, id);
CREATE INDEX ix_stripe_events_unmatched ON stripe_events (stripe_invoice_id) WHERE state = 'unmatched';
"""


def upgrade() -> None:
    for statement in statements(TABLES):
        op.execute(statement)
