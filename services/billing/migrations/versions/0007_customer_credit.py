"""The customers' credit: money beyond what is owed has its account in the journal, and is proved at commit."""

from alembic import op

from chassis.migrations import statements

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# A computed column's expression is changed by another column: it goes with what hangs on it.
COLUMNS = """
ALTER TABLE accounts ADD COLUMN customer_credit_cents bigint NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD CONSTRAINT ck_accounts_customer_credit CHECK (customer_credit_cents >= 0);
ALTER TABLE invoices ADD COLUMN customer_credit_cents bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices DROP COLUMN balance_cents;
ALTER TABLE invoices ADD COLUMN balance_cents bigint NOT NULL GENERATED ALWAYS AS (
    total_cents - credits_cents + debits_cents + adjusted_gst_cents - paid_cents + customer_credit_cents
) STORED;
ALTER TABLE invoices ADD CONSTRAINT ck_invoices_balance CHECK (document_status = 'draft' OR balance_cents >= 0);
ALTER TABLE invoices ADD CONSTRAINT ck_invoices_customer_credit CHECK (customer_credit_cents <= paid_cents);
CREATE INDEX ix_invoices_owed ON invoices (due_at, id) WHERE document_status = 'issued' AND balance_cents > 0;
"""

# Checked without a lock that writers would wait for.
WORDS = """
ALTER TABLE journal_entries DROP CONSTRAINT ck_journal_entries_account;
ALTER TABLE journal_entries ADD CONSTRAINT ck_journal_entries_account CHECK (
    account IN ('receivable', 'revenue', 'gst_payable', 'customer_credit', 'credits_given', 'cash',
    'stripe_clearing', 'expert_cost', 'expert_payable')
) NOT VALID;
ALTER TABLE journal_entries VALIDATE CONSTRAINT ck_journal_entries_account;
ALTER TABLE journal_postings DROP CONSTRAINT ck_journal_postings_kind;
ALTER TABLE journal_postings ADD CONSTRAINT ck_journal_postings_kind CHECK (
    kind IN ('invoice_issued', 'invoice_voided', 'payment_received', 'credit_given', 'debit_charged',
    'credit_applied', 'payout_allocated', 'payout_sent', 'payout_reversed')
) NOT VALID;
ALTER TABLE journal_postings VALIDATE CONSTRAINT ck_journal_postings_kind;
"""

# Stripe may take money for an invoice that is void with us: then it is the customer's, and in the books all the same.
INVOICES = """
DROP TRIGGER issued_invoices_keep_their_face ON invoices;
CREATE TRIGGER issued_invoices_keep_their_face BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (OLD.document_status = 'issued' AND NEW.document_status = 'issued')
    EXECUTE FUNCTION keep_all_but(
        'credits_cents', 'debits_cents', 'adjusted_gst_cents', 'paid_cents', 'customer_credit_cents', 'balance_cents',
        'paid_at', 'rendered_at', 'sent_at', 'send_no', 'version'
    );
DROP TRIGGER void_invoices_rest ON invoices;
CREATE TRIGGER void_invoices_rest BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (OLD.document_status = 'void')
    EXECUTE FUNCTION keep_all_but('paid_cents', 'customer_credit_cents', 'balance_cents', 'rendered_at', 'version');
"""

# What an invoice left to its customer is what the journal says of it; an account has what its invoices left.
SETTLEMENT = """
CREATE OR REPLACE FUNCTION prove_settlement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
    said invoices%ROWTYPE;
    paid bigint;
    credits bigint;
    debits bigint;
    gst bigint;
    left_over bigint;
BEGIN
    SELECT * INTO said FROM invoices WHERE id = owner;
    SELECT coalesce(sum(amount_cents), 0) INTO paid FROM payments WHERE invoice_id = owner;
    SELECT coalesce(sum(ex_gst_cents) FILTER (WHERE type = 'credit'), 0),
           coalesce(sum(ex_gst_cents) FILTER (WHERE type = 'debit'), 0),
           coalesce(sum(CASE type WHEN 'debit' THEN gst_cents ELSE -gst_cents END), 0)
        INTO credits, debits, gst FROM adjustments WHERE invoice_id = owner AND state = 'approved';
    SELECT coalesce(-sum(entry.amount_cents), 0) INTO left_over
        FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
        WHERE posting.invoice_id = owner AND entry.account = 'customer_credit';
    IF (said.paid_cents, said.credits_cents, said.debits_cents, said.adjusted_gst_cents, said.customer_credit_cents)
        IS DISTINCT FROM (paid, credits, debits, gst, left_over) THEN
        RAISE EXCEPTION 'the settlement of invoice % is not the sum of its payments and adjustments', owner
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER invoices_settle_truly ON invoices;
CREATE CONSTRAINT TRIGGER invoices_settle_truly
    AFTER UPDATE OF paid_cents, credits_cents, debits_cents, adjusted_gst_cents, customer_credit_cents ON invoices
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_settlement('id');
CREATE FUNCTION prove_customer_credit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
BEGIN
    IF (SELECT customer_credit_cents FROM accounts WHERE id = owner)
        <> (SELECT coalesce(sum(customer_credit_cents), 0) FROM invoices WHERE account_id = owner) THEN
        RAISE EXCEPTION 'the credit of customer % is not the sum of what its invoices left', owner
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER accounts_have_what_was_left AFTER UPDATE OF customer_credit_cents ON accounts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_customer_credit('id');
CREATE CONSTRAINT TRIGGER invoices_leave_truly AFTER UPDATE OF customer_credit_cents ON invoices
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_customer_credit('account_id');
CREATE FUNCTION prove_left_over() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner uuid := (SELECT invoice_id FROM journal_postings WHERE id = NEW.posting_id);
BEGIN
    IF (SELECT coalesce(-sum(entry.amount_cents), 0)
        FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
        WHERE posting.invoice_id = owner AND entry.account = 'customer_credit')
        IS DISTINCT FROM (SELECT customer_credit_cents FROM invoices WHERE id = owner) THEN
        RAISE EXCEPTION 'posting % moves a credit that invoice % does not know of', NEW.posting_id, owner
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER customer_credit_is_an_invoices AFTER INSERT ON journal_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.account = 'customer_credit')
    EXECUTE FUNCTION prove_left_over();
"""


def upgrade() -> None:
    for part in (COLUMNS, WORDS, INVOICES, SETTLEMENT):
        for statement in statements(part):
            op.execute(statement)
