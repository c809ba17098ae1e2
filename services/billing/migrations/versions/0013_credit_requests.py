"""Credits that other services ask for: each request with what became of it, proposals with who decided."""

from alembic import context, op

from chassis.migrations import statements

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FINAL = "('credited', 'voided', 'not_charged', 'declined', 'refused')"
ANSWER = ("result", "detail", "adjustment_id", "invoice_id", "amount_cents", "answered_at")
DECISION = ("decided_by_id", "decided_by_name", "decided_at", "decline_note")
# What a person wrote beside it: the erasure of a person may have to blank it.
WORDS = ("note", "decline_note", "detail")

TABLE = f"""
CREATE TABLE credit_requests (
    request_id uuid NOT NULL,
    assignment_id uuid NOT NULL,
    lead_id uuid NOT NULL,
    installer_id uuid NOT NULL,
    reason_code text NOT NULL,
    note text,
    deed text NOT NULL,
    deed_id uuid NOT NULL,
    asked_by_id uuid,
    asked_by_name text NOT NULL,
    is_proposal boolean NOT NULL,
    asked_at timestamptz NOT NULL,
    result text,
    detail text,
    adjustment_id uuid,
    invoice_id uuid,
    amount_cents bigint,
    answered_at timestamptz,
    decided_by_id uuid,
    decided_by_name text,
    decided_at timestamptz,
    decline_note text,
    CONSTRAINT pk_credit_requests PRIMARY KEY (request_id),
    CONSTRAINT fk_credit_requests_adjustment_id FOREIGN KEY (adjustment_id) REFERENCES adjustments (id),
    CONSTRAINT fk_credit_requests_invoice_id FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT ck_credit_requests_reason_code CHECK (reason_code IN
        ('duplicate_dispatch', 'postcode_mismatch', 'unreachable_payload', 'invalid_contact', 'system_fault')),
    CONSTRAINT ck_credit_requests_result CHECK (result IN ('proposed', 'waits_for_invoice', 'pending_approval',
        'credited', 'voided', 'not_charged', 'declined', 'refused')),
    CONSTRAINT ck_credit_requests_answered CHECK ((result IS NULL) = (answered_at IS NULL)),
    CONSTRAINT ck_credit_requests_adjusted CHECK (
        result NOT IN ('pending_approval', 'credited') OR adjustment_id = request_id),
    CONSTRAINT ck_credit_requests_amount CHECK (
        (result IN ('pending_approval', 'credited', 'voided')) = (amount_cents IS NOT NULL)),
    CONSTRAINT ck_credit_requests_asked_by_a_person CHECK (is_proposal OR asked_by_id IS NOT NULL),
    CONSTRAINT ck_credit_requests_decided CHECK (
        (decided_at IS NULL) = (decided_by_id IS NULL) AND (decided_at IS NULL) = (decided_by_name IS NULL)),
    CONSTRAINT ck_credit_requests_decided_proposal CHECK (
        CASE WHEN is_proposal THEN decided_at IS NOT NULL
             OR result IS NULL OR result IN ('proposed', 'not_charged', 'refused')
             ELSE decided_at IS NULL AND result IS DISTINCT FROM 'proposed' END),
    CONSTRAINT ck_credit_requests_declined CHECK (
        result IS DISTINCT FROM 'declined' OR decline_note IS NOT NULL)
);
CREATE INDEX ix_credit_requests_assignment ON credit_requests (assignment_id);
CREATE INDEX ix_credit_requests_asked_at ON credit_requests (asked_at, request_id);
CREATE INDEX ix_credit_requests_open ON credit_requests (asked_at, request_id)
    WHERE result IS NULL OR result NOT IN {FINAL};
CREATE UNIQUE INDEX uq_credit_requests_under_way ON credit_requests (assignment_id)
    WHERE result IN ('waits_for_invoice', 'pending_approval');
"""


def _kept(*columns: str) -> str:
    return ", ".join(f"'{column}'" for column in dict.fromkeys(columns))


GUARDS = f"""
CREATE TRIGGER credit_requests_keep_what_was_asked BEFORE UPDATE ON credit_requests
    FOR EACH ROW EXECUTE FUNCTION keep_all_but({_kept(*ANSWER, *DECISION, *WORDS)});
CREATE TRIGGER final_answers_rest BEFORE UPDATE ON credit_requests
    FOR EACH ROW WHEN (OLD.result IN {FINAL}) EXECUTE FUNCTION keep_all_but({_kept(*WORDS)});
CREATE TRIGGER credit_requests_are_never_deleted BEFORE DELETE ON credit_requests
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    for part in (TABLE, GUARDS):
        for statement in statements(part):
            op.execute(statement)
    app_role = context.config.attributes.get("app_role")
    if app_role:
        op.execute(f'REVOKE UPDATE, DELETE, TRUNCATE ON credit_requests FROM "{app_role}"')
        columns = ", ".join(dict.fromkeys((*ANSWER, *DECISION, *WORDS)))
        op.execute(f'GRANT UPDATE ({columns}) ON credit_requests TO "{app_role}"')
