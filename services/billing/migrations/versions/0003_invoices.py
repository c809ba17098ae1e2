"""Invoices, their lines and numbers."""

from alembic import op

from chassis.migrations import statements

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE invoices (
    id uuid NOT NULL,
    kind text NOT NULL,
    account_id uuid NOT NULL,
    board_id uuid,
    period text,
    period_start timestamptz,
    period_end timestamptz,
    purchase_order text,
    document_status text NOT NULL,
    number text,
    subtotal_cents bigint NOT NULL,
    gst_cents bigint NOT NULL,
    total_cents bigint NOT NULL,
    currency text NOT NULL,
    gst_rule text NOT NULL,
    credits_cents bigint NOT NULL DEFAULT 0,
    debits_cents bigint NOT NULL DEFAULT 0,
    adjusted_gst_cents bigint NOT NULL DEFAULT 0,
    paid_cents bigint NOT NULL DEFAULT 0,
    balance_cents bigint NOT NULL
        GENERATED ALWAYS AS (total_cents - credits_cents + debits_cents + adjusted_gst_cents - paid_cents) STORED,
    stripe_invoice_id text,
    stripe_invoice_url text,
    seller jsonb,
    buyer jsonb,
    created_at timestamptz NOT NULL,
    issued_at timestamptz,
    due_at timestamptz,
    rendered_at timestamptz,
    sent_at timestamptz,
    send_no bigint NOT NULL DEFAULT 0,
    paid_at timestamptz,
    voided_at timestamptz,
    void_reason_code text,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_invoices PRIMARY KEY (id),
    CONSTRAINT ck_invoices_kind CHECK (kind IN ('installer', 'client')),
    CONSTRAINT ck_invoices_document_status CHECK (document_status IN ('draft', 'issued', 'void')),
    CONSTRAINT ck_invoices_currency CHECK (currency = 'AUD'),
    CONSTRAINT ck_invoices_total CHECK (total_cents = subtotal_cents + gst_cents),
    CONSTRAINT ck_invoices_balance CHECK (document_status = 'draft' OR balance_cents >= 0),
    CONSTRAINT ck_invoices_settlement CHECK (credits_cents >= 0 AND debits_cents >= 0 AND paid_cents >= 0),
    CONSTRAINT ck_invoices_subject CHECK (
        CASE kind WHEN 'installer' THEN period IS NOT NULL AND period_start < period_end AND board_id IS NULL
        ELSE board_id IS NOT NULL AND period IS NULL
        AND period_start IS NULL AND period_end IS NULL
        END
    ),
    CONSTRAINT ck_invoices_issued_is_complete CHECK (
        document_status <> 'issued' OR (number IS NOT NULL
        AND issued_at IS NOT NULL AND due_at IS NOT NULL
        AND seller IS NOT NULL AND buyer IS NOT NULL)
    ),
    CONSTRAINT ck_invoices_draft_is_open CHECK (
        document_status <> 'draft' OR (number IS NULL AND paid_cents = 0)
    ),
    CONSTRAINT ck_invoices_void_has_an_instant CHECK ((document_status = 'void') = (voided_at IS NOT NULL)),
    CONSTRAINT fk_invoices_account_id FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT uq_invoices_board_id UNIQUE (board_id),
    CONSTRAINT uq_invoices_number UNIQUE (number),
    CONSTRAINT uq_invoices_stripe_invoice_id UNIQUE (stripe_invoice_id)
);
CREATE INDEX ix_invoices_account ON invoices (account_id, created_at, id);
CREATE INDEX ix_invoices_period ON invoices (period, created_at, id);
CREATE INDEX ix_invoices_dated_at ON invoices (coalesce(issued_at, created_at));
CREATE INDEX ix_invoices_created_at ON invoices (created_at, id);
CREATE INDEX ix_invoices_owed ON invoices (due_at, id) WHERE document_status = 'issued' AND balance_cents > 0;
CREATE INDEX ix_invoices_status ON invoices (document_status, period_start);
CREATE INDEX ix_invoices_unrendered ON invoices (issued_at)
    WHERE document_status = 'issued' AND rendered_at IS NULL;
CREATE UNIQUE INDEX uq_invoices_account_period ON invoices (account_id, period_start)
    WHERE document_status <> 'void';

CREATE TABLE invoice_lines (
    invoice_id uuid NOT NULL,
    line_no bigint NOT NULL,
    delivery_event_id uuid,
    description text NOT NULL,
    quantity bigint NOT NULL,
    unit_price_cents bigint NOT NULL,
    includes_gst boolean NOT NULL,
    gst_treatment text NOT NULL,
    ex_gst_cents bigint NOT NULL,
    gst_cents bigint NOT NULL,
    inc_gst_cents bigint NOT NULL,
    is_live boolean NOT NULL DEFAULT true,
    CONSTRAINT pk_invoice_lines PRIMARY KEY (invoice_id, line_no),
    CONSTRAINT ck_invoice_lines_gst_treatment CHECK (gst_treatment IN ('taxable', 'gst_free')),
    CONSTRAINT ck_invoice_lines_quantity CHECK (quantity > 0),
    CONSTRAINT ck_invoice_lines_parts CHECK (inc_gst_cents = ex_gst_cents + gst_cents),
    CONSTRAINT ck_invoice_lines_price_times_quantity CHECK (
        quantity * unit_price_cents = CASE WHEN includes_gst THEN inc_gst_cents ELSE ex_gst_cents END
    ),
    CONSTRAINT fk_invoice_lines_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id)
);
CREATE UNIQUE INDEX uq_invoice_lines_delivery ON invoice_lines (delivery_event_id) WHERE is_live;

CREATE TABLE number_series (
    entity text NOT NULL,
    series text NOT NULL,
    last_number bigint NOT NULL,
    CONSTRAINT pk_number_series PRIMARY KEY (entity, series)
);
"""


def upgrade() -> None:
    for statement in statements(TABLES):
        op.execute(statement)
