"""Leads that installers give back."""

from alembic import op

from chassis.migrations import statements

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE returns (
    id uuid NOT NULL,
    assignment_id uuid NOT NULL,
    lead_id uuid NOT NULL,
    installer_id uuid NOT NULL,
    code text NOT NULL,
    words text NOT NULL,
    asked_by text NOT NULL,
    channel text NOT NULL,
    requested_at timestamptz NOT NULL,
    requested_by_id uuid,
    requested_by_name text NOT NULL,
    decide_by timestamptz NOT NULL,
    evidence jsonb NOT NULL,
    rule_verdict text NOT NULL,
    rule_reason text NOT NULL,
    state text NOT NULL,
    decided_at timestamptz,
    decided_by_id uuid,
    decided_by_name text,
    decided_by_rule boolean NOT NULL DEFAULT false,
    denial_code text,
    decision_note text,
    credit_reason text,
    is_offered_on boolean,
    credit_result text,
    credit_detail text,
    credit_invoice_id uuid,
    credit_answered_at timestamptz,
    CONSTRAINT pk_returns PRIMARY KEY (id),
    CONSTRAINT fk_returns_assignment_id FOREIGN KEY (assignment_id) REFERENCES assignments (id),
    CONSTRAINT ck_returns_code CHECK (
        code IN ('contact_invalid', 'did_not_request', 'duplicate_from_us', 'out_of_area', 'wrong_service',
                 'outside_criteria', 'not_decision_maker', 'test_or_competitor', 'consent_or_compliance', 'other')
    ),
    CONSTRAINT ck_returns_asked_by CHECK (asked_by IN ('installer', 'operator')),
    CONSTRAINT ck_returns_channel CHECK (channel IN ('mail', 'phone', 'api')),
    CONSTRAINT ck_returns_rule_verdict CHECK (rule_verdict IN ('accept', 'deny', 'ask')),
    CONSTRAINT ck_returns_state CHECK (state IN ('requested', 'accepted', 'denied', 'withdrawn')),
    CONSTRAINT ck_returns_denial_code CHECK (
        denial_code IN ('window_passed', 'inside_territory', 'service_offered', 'not_proven', 'sales_outcome',
                        'quota_used')
    ),
    CONSTRAINT ck_returns_credit_reason CHECK (
        credit_reason IN ('duplicate_dispatch', 'postcode_mismatch', 'unreachable_payload', 'invalid_contact',
                          'system_fault')
    ),
    CONSTRAINT ck_returns_decided CHECK ((state = 'requested') = (decided_at IS NULL)),
    CONSTRAINT ck_returns_decided_by CHECK ((decided_at IS NULL) = (decided_by_name IS NULL)),
    CONSTRAINT ck_returns_denied CHECK ((state = 'denied') = (denial_code IS NOT NULL)),
    CONSTRAINT ck_returns_accepted CHECK ((state = 'accepted') = (is_offered_on IS NOT NULL)),
    CONSTRAINT ck_returns_credited CHECK (state = 'accepted' OR credit_reason IS NULL),
    CONSTRAINT ck_returns_answered CHECK (num_nulls(credit_result, credit_answered_at) IN (0, 2))
);
CREATE UNIQUE INDEX uq_returns_standing ON returns (assignment_id) WHERE state IN ('requested', 'accepted');
CREATE INDEX ix_returns_decide_by ON returns (decide_by, id) WHERE state = 'requested';
CREATE INDEX ix_returns_requested_at ON returns (requested_at, id);
CREATE INDEX ix_returns_installer_id_requested_at ON returns (installer_id, requested_at, id);
CREATE INDEX ix_returns_assignment_id ON returns (assignment_id);
CREATE INDEX ix_returns_lead_id ON returns (lead_id);
"""


def upgrade() -> None:
    for statement in statements(TABLE):
        op.execute(statement)
