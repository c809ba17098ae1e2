"""Returns that are not decided yet, credit hold, and what was last told of each account."""

from alembic import context, op

from chassis.migrations import statements

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE open_returns (
    assignment_id uuid NOT NULL,
    installer_id uuid NOT NULL,
    return_id uuid NOT NULL,
    version bigint NOT NULL,
    decide_by timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT pk_open_returns PRIMARY KEY (assignment_id)
);
CREATE INDEX ix_open_returns_waiting ON open_returns (decide_by, assignment_id) WHERE closed_at IS NULL;
ALTER TABLE accounts ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN credit_hold boolean NOT NULL DEFAULT false;
ALTER TABLE accounts ADD COLUMN credit_hold_reason text;
ALTER TABLE accounts ADD COLUMN credit_hold_since timestamptz;
ALTER TABLE accounts ADD COLUMN told_at timestamptz;
ALTER TABLE accounts ADD COLUMN told_has_prices boolean;
ALTER TABLE accounts ADD COLUMN told_credit_hold boolean;
ALTER TABLE accounts ADD COLUMN told_credit_hold_reason text;
ALTER TABLE accounts ADD COLUMN told_outstanding_cents bigint;
ALTER TABLE accounts ADD COLUMN told_overdue_cents bigint;
ALTER TABLE accounts ADD COLUMN told_is_collectable boolean;
ALTER TABLE accounts ADD CONSTRAINT ck_accounts_credit_hold CHECK (
    credit_hold = (credit_hold_reason IS NOT NULL) AND credit_hold = (credit_hold_since IS NOT NULL)
) NOT VALID;
ALTER TABLE accounts VALIDATE CONSTRAINT ck_accounts_credit_hold;
"""


def upgrade() -> None:
    for statement in statements(TABLES):
        op.execute(statement)
    app_role = context.config.attributes.get("app_role")
    if app_role:
        op.execute(f'REVOKE DELETE, TRUNCATE ON open_returns FROM "{app_role}"')
