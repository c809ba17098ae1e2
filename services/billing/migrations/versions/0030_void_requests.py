"""Voids of issued invoices over the limit: asked for by one operator, agreed to by another."""

from alembic import context, op

from chassis.migrations import LOCK_TIMEOUT, revoke_change, statements

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE void_requests (
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_cents bigint NOT NULL,
    reason_code text NOT NULL,
    notes text,
    state text NOT NULL,
    made_by_id uuid NOT NULL,
    made_by_name text NOT NULL,
    created_at timestamptz NOT NULL,
    decided_by_id uuid,
    decided_by_name text,
    decided_at timestamptz,
    CONSTRAINT pk_void_requests PRIMARY KEY (id),
    CONSTRAINT fk_void_requests_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT ck_void_requests_reason_code CHECK (
        reason_code IN ('issued_in_error', 'duplicate', 'wrong_details', 'agreed_cancellation')
    ),
    CONSTRAINT ck_void_requests_state CHECK (state IN ('pending', 'approved', 'rejected')),
    CONSTRAINT ck_void_requests_amount_cents CHECK (amount_cents > 0),
    CONSTRAINT ck_void_requests_decided CHECK ((state = 'pending') = (decided_at IS NULL)),
    CONSTRAINT ck_void_requests_decided_by CHECK (
        (decided_at IS NULL) = (decided_by_id IS NULL) AND (decided_at IS NULL) = (decided_by_name IS NULL)
    ),
    CONSTRAINT ck_void_requests_agreed_to_by_another CHECK (state <> 'approved' OR decided_by_id <> made_by_id)
);
CREATE INDEX ix_void_requests_invoice ON void_requests (invoice_id, created_at);
CREATE INDEX ix_void_requests_created_at ON void_requests (created_at, id);
CREATE UNIQUE INDEX uq_void_requests_pending ON void_requests (invoice_id) WHERE state = 'pending';
"""

GUARDS = """
CREATE TRIGGER pending_void_requests_keep_what_was_asked BEFORE UPDATE ON void_requests FOR EACH ROW
    WHEN (OLD.state = 'pending')
    EXECUTE FUNCTION keep_all_but('state', 'decided_by_id', 'decided_by_name', 'decided_at');
CREATE TRIGGER void_requests_are_decided_once BEFORE UPDATE ON void_requests FOR EACH ROW
    WHEN (OLD.state <> 'pending') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER void_requests_are_never_deleted BEFORE DELETE ON void_requests FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
"""

# What may still change of a row: that it is decided.
DECIDED = ("state", "decided_by_id", "decided_by_name", "decided_at")


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for part in (TABLES, GUARDS):
        for statement in statements(part):
            op.execute(statement)
    app_role = context.config.attributes.get("app_role")
    if app_role:
        for statement in revoke_change("void_requests", app_role):
            op.execute(statement)
        op.execute(f'GRANT UPDATE ({", ".join(DECIDED)}) ON void_requests TO "{app_role}"')
