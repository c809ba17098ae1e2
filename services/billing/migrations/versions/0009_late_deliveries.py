"""Deliveries that came after their month was invoiced: a debit names them, or they are void with a reason."""

from alembic import context, op

from chassis.migrations import statements

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE adjustment_deliveries (
    adjustment_id uuid NOT NULL,
    delivery_event_id uuid NOT NULL,
    ex_gst_cents bigint NOT NULL,
    gst_cents bigint NOT NULL,
    is_live boolean NOT NULL DEFAULT true,
    CONSTRAINT pk_adjustment_deliveries PRIMARY KEY (adjustment_id, delivery_event_id),
    CONSTRAINT fk_adjustment_deliveries_adjustment_id FOREIGN KEY (adjustment_id) REFERENCES adjustments (id),
    CONSTRAINT fk_adjustment_deliveries_delivery_event_id
        FOREIGN KEY (delivery_event_id) REFERENCES delivery_events (id),
    CONSTRAINT ck_adjustment_deliveries_amounts CHECK (ex_gst_cents >= 0 AND gst_cents >= 0)
);
CREATE UNIQUE INDEX uq_adjustment_deliveries_delivery ON adjustment_deliveries (delivery_event_id) WHERE is_live;
ALTER TABLE delivery_events DROP CONSTRAINT ck_delivery_events_credit_has_a_reason;
ALTER TABLE delivery_events ADD CONSTRAINT ck_delivery_events_end_has_a_reason CHECK (
    (event_status = 'billable') = (credit_reason_code IS NULL)
) NOT VALID;
ALTER TABLE delivery_events VALIDATE CONSTRAINT ck_delivery_events_end_has_a_reason;
"""

# A delivery is billed once, on a line or by a debit, and what is billed is not void.
BILLED_ONCE = """
CREATE OR REPLACE FUNCTION lines_suit_their_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF EXISTS (SELECT FROM touched JOIN adjustment_deliveries a ON a.delivery_event_id = touched.delivery_event_id
               WHERE a.is_live) THEN
        RAISE EXCEPTION 'a delivery that a debit charges stands on no line' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION debits_suit_their_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM adjustments JOIN invoices ON invoices.id = adjustments.invoice_id
                   JOIN delivery_events d ON d.id = NEW.delivery_event_id
                   WHERE adjustments.id = NEW.adjustment_id AND adjustments.type = 'debit'
                     AND d.installer_id = invoices.account_id AND d.event_status = 'billable'
                     AND d.delivered_at >= invoices.period_start AND d.delivered_at < invoices.period_end) THEN
        RAISE EXCEPTION 'a debit charges deliveries of its own invoice''s installer and period'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM invoice_lines WHERE delivery_event_id = NEW.delivery_event_id AND is_live) THEN
        RAISE EXCEPTION 'a delivery that stands on a line is charged by no debit' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER debits_suit_their_invoice BEFORE INSERT ON adjustment_deliveries
    FOR EACH ROW EXECUTE FUNCTION debits_suit_their_invoice();
CREATE FUNCTION prove_debit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT (ex_gst_cents, gst_cents) FROM adjustments WHERE id = NEW.adjustment_id) IS DISTINCT FROM
       (SELECT (sum(ex_gst_cents)::bigint, sum(gst_cents)::bigint) FROM adjustment_deliveries
        WHERE adjustment_id = NEW.adjustment_id) THEN
        RAISE EXCEPTION 'debit % is not the sum of its deliveries', NEW.adjustment_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER debits_are_their_deliveries AFTER INSERT ON adjustment_deliveries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_debit();
CREATE FUNCTION debits_fall_with_their_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.is_live OR (SELECT document_status FROM invoices JOIN adjustments ON adjustments.invoice_id = invoices.id
                       WHERE adjustments.id = NEW.adjustment_id) <> 'void' THEN
        RAISE EXCEPTION 'a delivery is let go only when its invoice is void' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER debits_fall_once BEFORE UPDATE ON adjustment_deliveries
    FOR EACH ROW EXECUTE FUNCTION debits_fall_with_their_invoice();
CREATE TRIGGER adjustment_deliveries_keep_their_facts BEFORE UPDATE ON adjustment_deliveries
    FOR EACH ROW EXECUTE FUNCTION keep_all_but('is_live');
CREATE TRIGGER adjustment_deliveries_are_never_deleted BEFORE DELETE ON adjustment_deliveries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE FUNCTION refuse_void_of_billed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.event_status <> 'billable'
       OR EXISTS (SELECT FROM invoice_lines WHERE delivery_event_id = NEW.id AND is_live)
       OR EXISTS (SELECT FROM adjustment_deliveries WHERE delivery_event_id = NEW.id AND is_live) THEN
        RAISE EXCEPTION 'a delivery that is billed or credited is not voided' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billed_deliveries_are_not_voided BEFORE UPDATE ON delivery_events FOR EACH ROW
    WHEN (NEW.event_status = 'void' AND OLD.event_status <> 'void') EXECUTE FUNCTION refuse_void_of_billed();
"""


def upgrade() -> None:
    for part in (TABLES, BILLED_ONCE):
        for statement in statements(part):
            op.execute(statement)
    app_role = context.config.attributes.get("app_role")
    if app_role:
        op.execute(f'REVOKE UPDATE, DELETE, TRUNCATE ON adjustment_deliveries FROM "{app_role}"')
        op.execute(f'GRANT UPDATE (is_live) ON adjustment_deliveries TO "{app_role}"')
