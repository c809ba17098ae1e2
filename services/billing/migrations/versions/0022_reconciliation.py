"""Our books beside Stripe's: runs, what Stripe said, differences, reviews; which events came by no webhook."""

from collections.abc import Iterator

from alembic import context, op

from chassis.migrations import revoke_change, statements, written_once

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE reconciliations (
    id uuid NOT NULL,
    mode text NOT NULL,
    report text,
    due_at timestamptz,
    asked_by_id uuid,
    asked_by_name text NOT NULL,
    started_at timestamptz NOT NULL,
    first_at timestamptz,
    last_at timestamptz NOT NULL,
    stage text NOT NULL,
    cursor text,
    attempts bigint NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    detail text,
    item_count bigint NOT NULL DEFAULT 0,
    opened_count bigint NOT NULL DEFAULT 0,
    closed_count bigint NOT NULL DEFAULT 0,
    open_count bigint NOT NULL DEFAULT 0,
    theirs_balance_cents bigint,
    ours_balance_cents bigint,
    finished_at timestamptz,
    CONSTRAINT pk_reconciliations PRIMARY KEY (id),
    CONSTRAINT uq_reconciliations_due_at UNIQUE (due_at),
    CONSTRAINT ck_reconciliations_mode CHECK (mode IN ('asked', 'uploaded')),
    CONSTRAINT ck_reconciliations_report CHECK (report IS NULL OR report IN ('balance', 'invoices')),
    CONSTRAINT ck_reconciliations_stage CHECK (
        stage IN ('invoices', 'credit_notes', 'charges', 'refunds', 'movements', 'balance', 'comparing', 'finished')
    ),
    CONSTRAINT ck_reconciliations_uploaded_is_a_report CHECK ((mode = 'uploaded') = (report IS NOT NULL)),
    CONSTRAINT ck_reconciliations_finished CHECK ((stage = 'finished') = (finished_at IS NOT NULL))
);
CREATE INDEX ix_reconciliations_started_at ON reconciliations (started_at, id);
CREATE UNIQUE INDEX uq_reconciliations_one_asks ON reconciliations (mode)
    WHERE mode = 'asked' AND stage <> 'finished';

CREATE TABLE stripe_items (
    kind text NOT NULL,
    stripe_id text NOT NULL,
    state text NOT NULL,
    amount_cents bigint NOT NULL,
    fee_cents bigint NOT NULL,
    currency text NOT NULL,
    type text,
    source_ref text,
    payment_ref text,
    occurred_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT pk_stripe_items PRIMARY KEY (kind, stripe_id),
    CONSTRAINT ck_stripe_items_kind CHECK (kind IN ('invoice', 'credit_note', 'charge', 'refund', 'movement'))
);
CREATE INDEX ix_stripe_items_payment ON stripe_items (payment_ref) WHERE payment_ref IS NOT NULL;
CREATE INDEX ix_stripe_items_source ON stripe_items (source_ref) WHERE source_ref IS NOT NULL;
CREATE INDEX ix_stripe_items_open ON stripe_items (occurred_at) WHERE kind = 'invoice' AND state = 'open';

CREATE TABLE differences (
    id uuid NOT NULL,
    about text NOT NULL,
    about_key text NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    invoice_id uuid,
    payment_id uuid,
    stripe_id text,
    ours_cents bigint,
    theirs_cents bigint,
    ours_state text,
    theirs_state text,
    state text NOT NULL,
    owner_id uuid,
    owner_name text,
    reason_code text,
    reason_text text,
    accepted_by_name text,
    first_seen_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_differences PRIMARY KEY (id),
    CONSTRAINT fk_differences_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT ck_differences_about CHECK (
        about IN ('invoice', 'credit_note', 'payment', 'refund', 'transfer', 'movement', 'balance')
    ),
    CONSTRAINT ck_differences_kind CHECK (kind IN ('missing_here', 'missing_there', 'amount', 'state', 'fee')),
    CONSTRAINT ck_differences_state CHECK (state IN ('open', 'gone', 'accepted')),
    CONSTRAINT ck_differences_accepted_for_a_reason CHECK ((state = 'accepted') = (reason_code IS NOT NULL)),
    CONSTRAINT ck_differences_owner CHECK ((owner_id IS NULL) = (owner_name IS NULL))
);
CREATE UNIQUE INDEX uq_differences_subject ON differences (about, about_key, kind);
CREATE INDEX ix_differences_first_seen_at ON differences (first_seen_at, id);
CREATE INDEX ix_differences_open ON differences (kind, first_seen_at) WHERE state = 'open';
CREATE INDEX ix_differences_invoice ON differences (invoice_id) WHERE invoice_id IS NOT NULL;

CREATE TABLE reconciliation_reviews (
    id uuid NOT NULL,
    reconciliation_id uuid NOT NULL,
    open_count bigint NOT NULL,
    owner_missing_count bigint NOT NULL,
    note text,
    reviewed_by_id uuid NOT NULL,
    reviewed_by_name text NOT NULL,
    reviewed_at timestamptz NOT NULL,
    CONSTRAINT pk_reconciliation_reviews PRIMARY KEY (id),
    CONSTRAINT fk_reconciliation_reviews_reconciliation_id
        FOREIGN KEY (reconciliation_id) REFERENCES reconciliations (id)
);
CREATE INDEX ix_reconciliation_reviews_reviewed_at ON reconciliation_reviews (reviewed_at);

ALTER TABLE stripe_events ADD COLUMN was_missed boolean NOT NULL DEFAULT false;
"""

GUARDS = """
CREATE TRIGGER differences_keep_what_they_are_about BEFORE UPDATE ON differences FOR EACH ROW
    WHEN (NEW.id <> OLD.id OR NEW.about <> OLD.about OR NEW.about_key <> OLD.about_key OR NEW.kind <> OLD.kind)
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER finished_reconciliations_stay BEFORE UPDATE ON reconciliations FOR EACH ROW
    WHEN (OLD.stage = 'finished') EXECUTE FUNCTION refuse_change();
"""

NEVER_DELETED = ("reconciliations", "differences", "stripe_items")


def upgrade() -> None:
    for part in (TABLES, GUARDS):
        for statement in statements(part):
            op.execute(statement)
    for statement in (*_triggers(), *_grants(context.config.attributes.get("app_role"))):
        op.execute(statement)


def _triggers() -> Iterator[str]:
    yield from written_once("reconciliation_reviews")
    for table in NEVER_DELETED:
        yield (
            f"CREATE TRIGGER {table}_are_never_deleted BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def _grants(app_role: str | None) -> Iterator[str]:
    if not app_role:
        return
    yield from revoke_change("reconciliation_reviews", app_role)
    for table in NEVER_DELETED:
        yield f'REVOKE DELETE, TRUNCATE ON {table} FROM "{app_role}"'
