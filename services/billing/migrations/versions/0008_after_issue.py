"""After issue: a board's next invoice, a void one's document, what was asked of an adjustment, held payments."""

from alembic import op

from chassis.migrations import statements

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# A board has one invoice that counts; those that were voided stay, and their successor names them.
BOARDS = """
ALTER TABLE invoices DROP CONSTRAINT uq_invoices_board_id;
CREATE UNIQUE INDEX uq_invoices_board ON invoices (board_id) WHERE document_status <> 'void';
CREATE INDEX ix_invoices_board_id ON invoices (board_id);
ALTER TABLE invoices ADD COLUMN replaces_invoice_id uuid;
ALTER TABLE invoices ADD CONSTRAINT fk_invoices_replaces_invoice_id
    FOREIGN KEY (replaces_invoice_id) REFERENCES invoices (id);
ALTER TABLE invoices ADD CONSTRAINT uq_invoices_replaces_invoice_id UNIQUE (replaces_invoice_id);
"""

# What was issued has its document, also where it was voided before it was rendered.
DOCUMENTS = """
DROP INDEX ix_invoices_unrendered;
CREATE INDEX ix_invoices_unrendered ON invoices (issued_at) WHERE issued_at IS NOT NULL AND rendered_at IS NULL;
"""

# Null: all that was left. Of the rows that are there only the sum is known, and it is taken for what was asked.
ASKED = """
ALTER TABLE adjustments ADD COLUMN asked_cents bigint;
ALTER TABLE adjustments DISABLE TRIGGER USER;
UPDATE adjustments SET asked_cents = ex_gst_cents;
ALTER TABLE adjustments ENABLE TRIGGER USER;
"""

# Rows of before may lack Stripe's id, so that a constraint would refuse them: only new ones are looked at.
PAYMENTS = """
ALTER TABLE stripe_events ADD COLUMN held_references text[] NOT NULL DEFAULT '{}';
CREATE INDEX ix_stripe_events_invoice ON stripe_events (stripe_invoice_id)
    WHERE held_references <> '{}' OR state = 'pending';
CREATE FUNCTION refuse_nameless_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a payment at Stripe is known by its id there' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER payments_at_stripe_have_its_id BEFORE INSERT ON payments FOR EACH ROW
    WHEN (NEW.method = 'stripe' AND NEW.external_payment_ref IS NULL) EXECUTE FUNCTION refuse_nameless_payment();
"""


def upgrade() -> None:
    for part in (BOARDS, DOCUMENTS, ASKED, PAYMENTS):
        for statement in statements(part):
            op.execute(statement)
