"""Runs over a month, and what came of each installer in them."""

from collections.abc import Iterator

from alembic import context, op

from chassis.migrations import revoke_change, statements

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE close_runs (
    id uuid NOT NULL,
    kind text NOT NULL,
    is_dry boolean NOT NULL,
    period text NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    installer_ids uuid[],
    due_at timestamptz,
    asked_by_id uuid NOT NULL,
    asked_by_name text NOT NULL,
    request_id text,
    state text NOT NULL,
    planned_count bigint NOT NULL,
    drafted_count bigint NOT NULL DEFAULT 0,
    redrafted_count bigint NOT NULL DEFAULT 0,
    issued_count bigint NOT NULL DEFAULT 0,
    unchanged_count bigint NOT NULL DEFAULT 0,
    blocked_count bigint NOT NULL DEFAULT 0,
    failed_count bigint NOT NULL DEFAULT 0,
    total_cents bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    leased_by uuid,
    leased_until timestamptz,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_close_runs PRIMARY KEY (id),
    CONSTRAINT ck_close_runs_kind CHECK (kind IN ('draft', 'issue')),
    CONSTRAINT ck_close_runs_state CHECK (state IN ('running', 'finished')),
    CONSTRAINT ck_close_runs_period CHECK (period_start < period_end),
    CONSTRAINT ck_close_runs_finished CHECK ((state = 'finished') = (finished_at IS NOT NULL)),
    CONSTRAINT ck_close_runs_counts CHECK (
        drafted_count + redrafted_count + issued_count + unchanged_count + blocked_count + failed_count
        BETWEEN CASE state WHEN 'finished' THEN planned_count ELSE 0 END AND planned_count
    )
);
CREATE INDEX ix_close_runs_period ON close_runs (period, started_at, id);
CREATE INDEX ix_close_runs_started_at ON close_runs (started_at, id);
CREATE INDEX ix_close_runs_running ON close_runs (started_at, id) WHERE state = 'running';

CREATE TABLE close_results (
    run_id uuid NOT NULL,
    installer_id uuid NOT NULL,
    expected_count bigint NOT NULL,
    outcome text,
    invoice_id uuid,
    number text,
    total_cents bigint,
    line_count bigint,
    reasons jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT pk_close_results PRIMARY KEY (run_id, installer_id),
    CONSTRAINT fk_close_results_run_id FOREIGN KEY (run_id) REFERENCES close_runs (id),
    CONSTRAINT ck_close_results_outcome CHECK (
        outcome IN ('drafted', 'redrafted', 'issued', 'unchanged', 'blocked', 'failed')
    )
);
CREATE INDEX ix_close_results_pending ON close_results (run_id, installer_id) WHERE outcome IS NULL;
"""

COUNTS = (
    *("drafted_count", "redrafted_count", "issued_count", "unchanged_count", "blocked_count", "failed_count"),
    "total_cents",
)
# What may still change of a row.
OPEN_COLUMNS = {
    "close_runs": (*COUNTS, "planned_count", "state", "finished_at", "leased_by", "leased_until", "version"),
    "close_results": ("outcome", "invoice_id", "number", "total_cents", "line_count", "reasons"),
}


def _kept(table: str) -> str:
    return ", ".join(f"'{column}'" for column in OPEN_COLUMNS[table])


GUARDS = f"""
CREATE TRIGGER close_runs_keep_what_was_asked BEFORE UPDATE ON close_runs
    FOR EACH ROW EXECUTE FUNCTION keep_all_but({_kept("close_runs")});
CREATE TRIGGER finished_close_runs_rest BEFORE UPDATE ON close_runs
    FOR EACH ROW WHEN (OLD.state = 'finished') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER close_results_keep_what_was_planned BEFORE UPDATE ON close_results
    FOR EACH ROW EXECUTE FUNCTION keep_all_but({_kept("close_results")});
CREATE TRIGGER close_results_are_told_once BEFORE UPDATE ON close_results
    FOR EACH ROW WHEN (OLD.outcome IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER close_runs_are_never_deleted BEFORE DELETE ON close_runs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER close_results_are_never_deleted BEFORE DELETE ON close_results
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    for part in (TABLES, GUARDS):
        for statement in statements(part):
            op.execute(statement)
    for statement in _grants(context.config.attributes.get("app_role")):
        op.execute(statement)


def _grants(app_role: str | None) -> Iterator[str]:
    if not app_role:
        return
    for table, columns in OPEN_COLUMNS.items():
        yield from revoke_change(table, app_role)
        yield f'GRANT UPDATE ({", ".join(columns)}) ON {table} TO "{app_role}"'
