"""Receivables over time: snapshots that are kept, promises to pay, who sees to an invoice, statements that were sent."""  # noqa: E501

from collections.abc import Iterator

from alembic import context, op

from chassis.migrations import revoke_change, statements, written_once

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

FIGURES = """
    not_due_cents bigint NOT NULL,
    to_30_cents bigint NOT NULL,
    to_60_cents bigint NOT NULL,
    to_90_cents bigint NOT NULL,
    over_90_cents bigint NOT NULL,
    credit_cents bigint NOT NULL,
    disputed_cents bigint NOT NULL,
    sales_cents bigint NOT NULL,
    paid_count bigint NOT NULL,
    late_days bigint NOT NULL,
    true_days numeric
"""

TABLES = f"""
CREATE TABLE receivables_snapshots (
    id uuid NOT NULL,
    kind text NOT NULL,
    period text,
    as_of timestamptz NOT NULL,
    month_start timestamptz NOT NULL,
    {FIGURES.strip()},
    account_count bigint NOT NULL,
    ledger_cents bigint NOT NULL,
    taken_by text NOT NULL,
    taken_at timestamptz NOT NULL,
    CONSTRAINT pk_receivables_snapshots PRIMARY KEY (id),
    CONSTRAINT uq_receivables_snapshots_kind_as_of UNIQUE (kind, as_of),
    CONSTRAINT ck_receivables_snapshots_kind CHECK (kind IN ('weekly', 'month_end', 'month_issued', 'by_hand')),
    CONSTRAINT ck_receivables_snapshots_period CHECK (
        (kind IN ('month_end', 'month_issued')) = (period IS NOT NULL)
    ),
    CONSTRAINT ck_receivables_snapshots_month CHECK (month_start < as_of)
);
CREATE INDEX ix_receivables_snapshots_as_of ON receivables_snapshots (as_of, id);

CREATE TABLE receivables_snapshot_accounts (
    snapshot_id uuid NOT NULL,
    account_id uuid NOT NULL,
    {FIGURES.strip()},
    CONSTRAINT pk_receivables_snapshot_accounts PRIMARY KEY (snapshot_id, account_id),
    CONSTRAINT fk_receivables_snapshot_accounts_snapshot_id FOREIGN KEY (snapshot_id)
        REFERENCES receivables_snapshots (id),
    CONSTRAINT fk_receivables_snapshot_accounts_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
);

CREATE TABLE promises (
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_cents bigint NOT NULL,
    promised_for date NOT NULL,
    promised_by text,
    note text,
    settled_cents bigint NOT NULL,
    state text NOT NULL,
    made_by_id uuid NOT NULL,
    made_by_name text NOT NULL,
    made_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by_name text,
    ended_reason text,
    CONSTRAINT pk_promises PRIMARY KEY (id),
    CONSTRAINT fk_promises_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT ck_promises_state CHECK (state IN ('open', 'kept', 'broken', 'withdrawn')),
    CONSTRAINT ck_promises_amount_cents CHECK (amount_cents > 0),
    CONSTRAINT ck_promises_ended CHECK ((state = 'open') = (ended_at IS NULL)),
    CONSTRAINT ck_promises_ended_by CHECK ((ended_at IS NULL) = (ended_by_name IS NULL)),
    CONSTRAINT ck_promises_ended_reason CHECK ((state = 'withdrawn') = (ended_reason IS NOT NULL))
);
CREATE INDEX ix_promises_invoice ON promises (invoice_id, made_at, id);
CREATE UNIQUE INDEX uq_promises_open ON promises (invoice_id) WHERE state = 'open';
CREATE INDEX ix_promises_broken ON promises (invoice_id) WHERE state = 'broken';
CREATE INDEX ix_promises_promised_for ON promises (promised_for, id) WHERE state = 'open';

CREATE TABLE invoice_owners (
    invoice_id uuid NOT NULL,
    owner_id uuid,
    owner_name text,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_invoice_owners PRIMARY KEY (invoice_id),
    CONSTRAINT fk_invoice_owners_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT ck_invoice_owners_owner CHECK ((owner_id IS NULL) = (owner_name IS NULL))
);
CREATE INDEX ix_invoice_owners_owner ON invoice_owners (owner_id) WHERE owner_id IS NOT NULL;

CREATE TABLE statements (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    from_day date NOT NULL,
    to_day date NOT NULL,
    opening_cents bigint NOT NULL,
    closing_cents bigint NOT NULL,
    file_name text NOT NULL,
    media_type text NOT NULL,
    sha256 text NOT NULL,
    content bytea NOT NULL,
    recipient_count bigint NOT NULL,
    sent_by_name text NOT NULL,
    sent_at timestamptz NOT NULL,
    CONSTRAINT pk_statements PRIMARY KEY (id),
    CONSTRAINT fk_statements_account_id FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT ck_statements_days CHECK (from_day <= to_day),
    CONSTRAINT ck_statements_hash CHECK (encode(sha256(content), 'hex') = sha256),
    CONSTRAINT ck_statements_recipient_count CHECK (recipient_count > 0)
);
CREATE INDEX ix_statements_account ON statements (account_id, sent_at);
"""

GUARDS = """
CREATE TRIGGER promises_keep_what_was_promised BEFORE UPDATE ON promises FOR EACH ROW WHEN (OLD.state = 'open')
    EXECUTE FUNCTION keep_all_but('state', 'ended_at', 'ended_by_name', 'ended_reason');
CREATE TRIGGER promises_end_once BEFORE UPDATE ON promises FOR EACH ROW WHEN (OLD.state <> 'open')
    EXECUTE FUNCTION refuse_change();
"""

WRITTEN_ONCE = ("receivables_snapshots", "receivables_snapshot_accounts", "statements")
NEVER_DELETED = ("promises", "invoice_owners")
# What may still change of a row.
OPEN_COLUMNS = {
    "promises": ("state", "ended_at", "ended_by_name", "ended_reason"),
    "invoice_owners": ("owner_id", "owner_name", "changed_at"),
}


def upgrade() -> None:
    for part in (TABLES, GUARDS):
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
