"""What the program must not be able to do to money, whatever it tries: triggers, proofs at commit, and grants."""

from collections.abc import Iterator

from alembic import context, op

from chassis.migrations import revoke_change, statements, written_once

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WRITTEN_ONCE = (
    "price_plans",
    "payments",
    "adjustment_lines",
    "documents",
    "journal_postings",
    "journal_entries",
)

# What may still change of a row that is otherwise written once.
OPEN_COLUMNS = {
    "delivery_events": ("event_status", "credit_reason_code", "cap_status", "cap_release_reason", "version"),
    "held_deliveries": ("cap_status", "cap_release_reason", "released_at", "version"),
    "invoice_lines": ("is_live",),
}

KEEP_ALL_BUT = """
CREATE FUNCTION keep_all_but() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - TG_ARGV IS DISTINCT FROM to_jsonb(OLD) - TG_ARGV THEN
        RAISE EXCEPTION 'this column of % is written once', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""

# A draft is free. An issued invoice keeps its face: only what is owed, its sending and its voiding go on.
INVOICES = """
CREATE TRIGGER issued_invoices_keep_their_face BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (OLD.document_status = 'issued' AND NEW.document_status = 'issued')
    EXECUTE FUNCTION keep_all_but(
        'credits_cents', 'debits_cents', 'adjusted_gst_cents', 'paid_cents', 'balance_cents', 'paid_at',
        'rendered_at', 'sent_at', 'send_no', 'version'
    );
CREATE TRIGGER issued_invoices_end_void BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (OLD.document_status = 'issued' AND NEW.document_status <> 'issued')
    EXECUTE FUNCTION keep_all_but('document_status', 'voided_at', 'void_reason_code', 'balance_cents', 'version');
CREATE TRIGGER void_invoices_rest BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (OLD.document_status = 'void')
    EXECUTE FUNCTION keep_all_but('balance_cents', 'version');
CREATE FUNCTION refuse_back_to_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an invoice does not become a draft again' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER invoices_do_not_go_back BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (OLD.document_status <> 'draft' AND NEW.document_status = 'draft')
    EXECUTE FUNCTION refuse_back_to_draft();
"""

# By statement, over the rows it touched: a month's lines are one INSERT, and a check per row would double its cost.
LINES = """
CREATE FUNCTION only_drafts_change_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM touched JOIN invoices ON invoices.id = touched.invoice_id
               WHERE invoices.document_status <> 'draft') THEN
        RAISE EXCEPTION '% of lines: the invoice is not a draft', TG_OP USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION lines_suit_their_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM touched JOIN invoices ON invoices.id = touched.invoice_id
               LEFT JOIN delivery_events d ON d.id = touched.delivery_event_id
               WHERE CASE invoices.kind
                   WHEN 'client' THEN touched.delivery_event_id IS NOT NULL
                   ELSE d.id IS NULL OR d.installer_id <> invoices.account_id OR touched.quantity <> 1
                        OR d.unit_price_cents <> touched.unit_price_cents OR d.includes_gst <> touched.includes_gst
                        OR d.gst_treatment <> touched.gst_treatment
                        OR d.delivered_at < invoices.period_start OR d.delivered_at >= invoices.period_end END) THEN
        RAISE EXCEPTION 'a line of an installer is one delivery of the period at its own price, a client''s is none'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER lines_are_added_to_drafts AFTER INSERT ON invoice_lines
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION only_drafts_change_lines();
CREATE TRIGGER lines_suit_their_invoice AFTER INSERT ON invoice_lines
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION lines_suit_their_invoice();
CREATE TRIGGER lines_leave_drafts_alone AFTER DELETE ON invoice_lines
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION only_drafts_change_lines();
CREATE FUNCTION lines_fall_with_their_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.is_live OR (SELECT document_status FROM invoices WHERE id = NEW.invoice_id) <> 'void' THEN
        RAISE EXCEPTION 'a line falls only when its invoice is void' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoice_lines_fall_once BEFORE UPDATE ON invoice_lines
    FOR EACH ROW EXECUTE FUNCTION lines_fall_with_their_invoice();
"""

ADJUSTMENTS = """
CREATE TRIGGER adjustments_are_decided_once BEFORE UPDATE ON adjustments FOR EACH ROW
    WHEN (OLD.state = 'pending')
    EXECUTE FUNCTION keep_all_but(
        'state', 'gst_cents', 'number', 'decided_by_id', 'decided_by_name', 'decided_at', 'rendered_at'
    );
CREATE TRIGGER decided_adjustments_rest BEFORE UPDATE ON adjustments FOR EACH ROW
    WHEN (OLD.state <> 'pending') EXECUTE FUNCTION keep_all_but('rendered_at');
"""

# At commit, because a payment and the invoice it settles are two statements of one transaction.
SETTLEMENT = """
CREATE FUNCTION prove_settlement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
    said invoices%ROWTYPE;
    paid bigint;
    credits bigint;
    debits bigint;
    gst bigint;
BEGIN
    SELECT * INTO said FROM invoices WHERE id = owner;
    SELECT coalesce(sum(amount_cents), 0) INTO paid FROM payments WHERE invoice_id = owner;
    SELECT coalesce(sum(ex_gst_cents) FILTER (WHERE type = 'credit'), 0),
           coalesce(sum(ex_gst_cents) FILTER (WHERE type = 'debit'), 0),
           coalesce(sum(CASE type WHEN 'debit' THEN gst_cents ELSE -gst_cents END), 0)
        INTO credits, debits, gst FROM adjustments WHERE invoice_id = owner AND state = 'approved';
    IF (said.paid_cents, said.credits_cents, said.debits_cents, said.adjusted_gst_cents)
        IS DISTINCT FROM (paid, credits, debits, gst) THEN
        RAISE EXCEPTION 'the settlement of invoice % is not the sum of its payments and adjustments', owner
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_settle_truly
    AFTER UPDATE OF paid_cents, credits_cents, debits_cents, adjusted_gst_cents ON invoices
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_settlement('id');
CREATE CONSTRAINT TRIGGER payments_settle_truly AFTER INSERT ON payments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_settlement('invoice_id');
CREATE CONSTRAINT TRIGGER adjustments_settle_truly AFTER INSERT OR UPDATE ON adjustments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_settlement('invoice_id');
"""

JOURNAL = """
CREATE FUNCTION prove_posting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posting uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
    sides bigint;
    off_currency text;
BEGIN
    SELECT count(*) INTO sides FROM journal_entries WHERE posting_id = posting;
    SELECT currency INTO off_currency FROM journal_entries WHERE posting_id = posting
        GROUP BY currency HAVING sum(amount_cents) <> 0 LIMIT 1;
    IF sides < 2 OR off_currency IS NOT NULL THEN
        RAISE EXCEPTION 'posting % does not balance', posting USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER postings_balance AFTER INSERT ON journal_postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_posting('id');
CREATE CONSTRAINT TRIGGER entries_balance AFTER INSERT ON journal_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_posting('posting_id');
"""

NEVER_DELETED = (*OPEN_COLUMNS, "invoices", "adjustments", "accounts", "number_series", "stripe_events")


def upgrade() -> None:
    app_role = context.config.attributes.get("app_role")
    for statement in (*_triggers(), *_grants(app_role)):
        op.execute(statement)


def _triggers() -> Iterator[str]:
    for part in (KEEP_ALL_BUT, INVOICES, LINES, ADJUSTMENTS, SETTLEMENT, JOURNAL):
        yield from statements(part)
    for table in WRITTEN_ONCE:
        yield from written_once(table)
    for table, columns in OPEN_COLUMNS.items():
        listed = ", ".join(f"'{column}'" for column in columns)
        yield (
            f"CREATE TRIGGER {table}_keep_their_facts BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION keep_all_but({listed})"
        )
    for table in NEVER_DELETED:
        # Lines of a draft are replaced; their own trigger looks after the others.
        if table != "invoice_lines":
            yield (
                f"CREATE TRIGGER {table}_are_never_deleted BEFORE DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )


def _grants(app_role: str | None) -> Iterator[str]:
    if not app_role:
        return
    for table in WRITTEN_ONCE:
        yield from revoke_change(table, app_role)
    for table in NEVER_DELETED:
        kept = "TRUNCATE" if table == "invoice_lines" else "DELETE, TRUNCATE"
        yield f'REVOKE {kept} ON {table} FROM "{app_role}"'
    for table, columns in OPEN_COLUMNS.items():
        yield f'REVOKE UPDATE ON {table} FROM "{app_role}"'
        yield f'GRANT UPDATE ({", ".join(columns)}) ON {table} TO "{app_role}"'
