"""Who else gets an account's invoices and statements; and since when something keeps the books from being closed."""

from alembic import context, op

from chassis.migrations import revoke_change, statements

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE billing_contacts (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    gets_invoices boolean NOT NULL,
    gets_statements boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_billing_contacts PRIMARY KEY (id),
    CONSTRAINT fk_billing_contacts_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
);
CREATE UNIQUE INDEX uq_billing_contacts_email ON billing_contacts (account_id, lower(email));

CREATE TABLE book_blocks (
    id uuid NOT NULL,
    reason_code text NOT NULL,
    count bigint NOT NULL,
    since timestamptz NOT NULL,
    told_at timestamptz NOT NULL,
    ended_at timestamptz,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_book_blocks PRIMARY KEY (id),
    CONSTRAINT ck_book_blocks_reason_code CHECK (reason_code IN ('deliveries_unrecorded')),
    CONSTRAINT ck_book_blocks_count CHECK (count > 0)
);
CREATE UNIQUE INDEX uq_book_blocks_open ON book_blocks (reason_code) WHERE ended_at IS NULL;
"""

# An episode is told of and ends; what it was stays.
GUARDS = """
CREATE TRIGGER book_blocks_keep_what_they_were BEFORE UPDATE ON book_blocks FOR EACH ROW
    EXECUTE FUNCTION keep_all_but('count', 'told_at', 'ended_at', 'version');
CREATE TRIGGER book_blocks_are_never_deleted BEFORE DELETE ON book_blocks
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
OPEN_COLUMNS = ("count", "told_at", "ended_at", "version")


def upgrade() -> None:
    for part in (TABLES, GUARDS):
        for statement in statements(part):
            op.execute(statement)
    app_role = context.config.attributes.get("app_role")
    if app_role:
        for statement in revoke_change("book_blocks", app_role):
            op.execute(statement)
        op.execute(f'GRANT UPDATE ({", ".join(OPEN_COLUMNS)}) ON book_blocks TO "{app_role}"')
