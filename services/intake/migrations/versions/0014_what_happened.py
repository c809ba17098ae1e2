"""What happened is kept beside what stands: a return that was asked for and then denied was both."""

from alembic import context, op

from chassis.migrations import LOCK_TIMEOUT, revoke_change, statements, written_once

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = r"""
CREATE TABLE lead_moments (
    event_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    reason_code text,
    amount_cents bigint,
    balance_cents bigint,
    invoice_id uuid,
    number text,
    adjustment_id uuid,
    purpose text,
    outcome text,
    detail text,
    CONSTRAINT pk_lead_moments PRIMARY KEY (event_id, subject_id)
);
ALTER TABLE lead_messages ADD COLUMN purpose text NOT NULL DEFAULT 'lead_delivery';
CREATE INDEX ix_lead_moments_subject_id_at ON lead_moments (subject_id, at);
"""

# Of what was told before only the last is known: it is what the timelines have told until now.
KNOWN = r"""
INSERT INTO lead_moments (event_id, subject_id, version, kind, at, reason_code)
    SELECT gen_random_uuid(), assignment_id, version, told.kind, return_changed_at, return_reason
    FROM lead_assignments JOIN (VALUES
        ('asked', 'assignment.return_requested'), ('accepted', 'assignment.returned'),
        ('denied', 'assignment.return_denied'), ('withdrawn', 'assignment.return_withdrawn')
    ) AS told (state, kind) ON told.state = return_state
    WHERE return_changed_at IS NOT NULL;
INSERT INTO lead_moments (event_id, subject_id, version, kind, at, amount_cents)
    SELECT gen_random_uuid(), assignment_id, 1, 'delivery.recorded', recorded_at, unit_price_cents
    FROM lead_deliveries WHERE recorded_at IS NOT NULL;
INSERT INTO lead_moments (event_id, subject_id, version, kind, at, reason_code)
    SELECT gen_random_uuid(), assignment_id, version, told.kind, since, reason_code
    FROM lead_deliveries JOIN (VALUES
        ('held', 'delivery.held'), ('credited', 'delivery.credited'), ('void', 'delivery.voided')
    ) AS told (state, kind) USING (state);
INSERT INTO lead_moments (event_id, subject_id, version, kind, at, invoice_id, number, adjustment_id)
    SELECT gen_random_uuid(), assignment_id, 1, 'invoice.deliveries_listed', listed_at, invoice_id, number,
        adjustment_id
    FROM invoiced_deliveries;
INSERT INTO lead_moments (event_id, subject_id, version, kind, at, invoice_id, number)
    SELECT gen_random_uuid(), invoice_id, version, told.kind, since, invoice_id, number
    FROM known_invoices JOIN (VALUES
        ('paid', 'invoice.paid'), ('partly_paid', 'invoice.payment_recorded'),
        ('written_off', 'invoice.written_off'), ('void', 'invoice.voided')
    ) AS told (state, kind) USING (state)
    WHERE since IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for statement in statements(TABLES + KNOWN):
        op.execute(statement)
    app_role = context.config.attributes.get("app_role")
    for statement in (*written_once("lead_moments"), *revoke_change("lead_moments", app_role)):
        op.execute(statement)
