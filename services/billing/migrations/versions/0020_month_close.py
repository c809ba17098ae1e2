"""A month's close keeps who ticked which step, whom it is about, and the Stripe references that were looked at."""

from collections.abc import Iterator

from alembic import context, op

from chassis.migrations import revoke_change, statements, written_once

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

STEPS = """('month', 'held', 'unrecorded', 'returns', 'preview', 'drafts', 'review', 'export', 'references', 'issue',
        'issued', 'snapshot', 'reconcile')"""
MONTH = "period ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$'"

TABLES = f"""
CREATE TABLE month_marks (
    id uuid NOT NULL,
    period text NOT NULL,
    step text NOT NULL,
    is_done boolean NOT NULL,
    note text,
    made_by_id uuid NOT NULL,
    made_by_name text NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_month_marks PRIMARY KEY (id),
    CONSTRAINT ck_month_marks_period CHECK ({MONTH}),
    CONSTRAINT ck_month_marks_step CHECK (step IN {STEPS})
);
CREATE INDEX ix_month_marks_period ON month_marks (period, step, id);

CREATE TABLE month_scopes (
    id uuid NOT NULL,
    period text NOT NULL,
    installer_ids uuid[],
    made_by_id uuid NOT NULL,
    made_by_name text NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_month_scopes PRIMARY KEY (id),
    CONSTRAINT ck_month_scopes_period CHECK ({MONTH}),
    CONSTRAINT ck_month_scopes_installer_ids CHECK (installer_ids IS NULL OR cardinality(installer_ids) > 0)
);
CREATE INDEX ix_month_scopes_period ON month_scopes (period, id);

CREATE TABLE reference_imports (
    id uuid NOT NULL,
    period text NOT NULL,
    rows jsonb NOT NULL,
    made_by_id uuid NOT NULL,
    made_by_name text NOT NULL,
    made_at timestamptz NOT NULL,
    kept_by_name text,
    kept_at timestamptz,
    kept_count bigint,
    CONSTRAINT pk_reference_imports PRIMARY KEY (id),
    CONSTRAINT ck_reference_imports_period CHECK ({MONTH}),
    CONSTRAINT ck_reference_imports_kept CHECK (
        (kept_at IS NULL) = (kept_by_name IS NULL) AND (kept_at IS NULL) = (kept_count IS NULL)
    )
);
CREATE INDEX ix_reference_imports_period ON reference_imports (period, id);
"""

GUARDS = """
CREATE TRIGGER reference_imports_keep_what_was_sent BEFORE UPDATE ON reference_imports FOR EACH ROW
    WHEN (OLD.kept_at IS NULL)
    EXECUTE FUNCTION keep_all_but('kept_by_name', 'kept_at', 'kept_count');
CREATE TRIGGER reference_imports_are_kept_once BEFORE UPDATE ON reference_imports FOR EACH ROW
    WHEN (OLD.kept_at IS NOT NULL)
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reference_imports_are_never_deleted BEFORE DELETE ON reference_imports FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
"""

WRITTEN_ONCE = ("month_marks", "month_scopes")
KEPT = ("kept_by_name", "kept_at", "kept_count")


def upgrade() -> None:
    for part in (TABLES, GUARDS):
        for statement in statements(part):
            op.execute(statement)
    for statement in _rights(context.config.attributes.get("app_role")):
        op.execute(statement)


def _rights(app_role: str | None) -> Iterator[str]:
    for table in WRITTEN_ONCE:
        yield from written_once(table)
    for table in (*WRITTEN_ONCE, "reference_imports"):
        yield from revoke_change(table, app_role)
    if app_role:
        yield f'GRANT UPDATE ({", ".join(KEPT)}) ON reference_imports TO "{app_role}"'
