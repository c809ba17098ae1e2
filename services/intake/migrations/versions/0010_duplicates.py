"""Leads that may be one: settings, keys, pairs; merges that can be undone, and credits that they ask for."""

from alembic import op

from chassis.migrations import statements

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SETTINGS = """
CREATE TABLE duplicate_settings (
    id integer NOT NULL,
    is_on boolean NOT NULL,
    hold_from integer NOT NULL,
    review_from integer NOT NULL,
    reject_from integer,
    look_back_days integer NOT NULL,
    scope varchar(40) NOT NULL,
    changed_at timestamptz,
    changed_by text,
    version integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_duplicate_settings PRIMARY KEY (id),
    CONSTRAINT ck_duplicate_settings_one_row CHECK (id = 1),
    CONSTRAINT ck_duplicate_settings_thresholds_range CHECK (review_from >= 30 AND hold_from <= 100),
    CONSTRAINT ck_duplicate_settings_review_before_hold CHECK (review_from <= hold_from),
    CONSTRAINT ck_duplicate_settings_reject_last CHECK (reject_from BETWEEN hold_from AND 100),
    CONSTRAINT ck_duplicate_settings_look_back_days_range CHECK (look_back_days BETWEEN 1 AND 365),
    CONSTRAINT ck_duplicate_settings_scope_known CHECK (scope IN ('any', 'same_service'))
);
INSERT INTO duplicate_settings (id, is_on, hold_from, review_from, look_back_days, scope)
VALUES (1, true, 80, 45, 30, 'same_service');
"""

PAIRS = """
CREATE TABLE lead_match (
    kind smallint NOT NULL,
    value bytea NOT NULL,
    lead_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_lead_match PRIMARY KEY (kind, value, lead_id),
    CONSTRAINT ck_lead_match_value_length CHECK (octet_length(value) = 16)
);
CREATE INDEX ix_lead_match_lead_id ON lead_match (lead_id);
CREATE TABLE lead_pairs (
    id uuid NOT NULL,
    lead_id uuid NOT NULL,
    other_id uuid NOT NULL,
    score smallint NOT NULL,
    reasons text[] NOT NULL,
    similarities jsonb NOT NULL,
    days_apart integer NOT NULL,
    is_same_service boolean NOT NULL,
    holds boolean NOT NULL,
    state varchar(40) NOT NULL,
    found_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by text,
    reason_code text,
    note text,
    CONSTRAINT pk_lead_pairs PRIMARY KEY (lead_id, other_id),
    CONSTRAINT uq_lead_pairs_id UNIQUE (id),
    CONSTRAINT ck_lead_pairs_two_leads CHECK (lead_id <> other_id),
    CONSTRAINT ck_lead_pairs_score_range CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT ck_lead_pairs_decided CHECK ((state = 'open') = (decided_at IS NULL)),
    CONSTRAINT ck_lead_pairs_state_known CHECK (state IN ('open', 'merged', 'dismissed'))
);
CREATE UNIQUE INDEX uq_lead_pairs_once ON lead_pairs (least(lead_id, other_id), greatest(lead_id, other_id));
CREATE INDEX ix_lead_pairs_state_found_at ON lead_pairs (state, found_at, id);
CREATE INDEX ix_lead_pairs_found_at ON lead_pairs (found_at, id);
CREATE INDEX ix_lead_pairs_other_id ON lead_pairs (other_id);
"""

MERGES = """
CREATE TABLE merges (
    id uuid NOT NULL,
    survivor_id uuid NOT NULL,
    loser_id uuid NOT NULL,
    loser_before jsonb NOT NULL,
    steps_meanwhile jsonb NOT NULL DEFAULT '[]',
    is_told boolean NOT NULL,
    reason_code varchar(40) NOT NULL,
    note text,
    merged_at timestamptz NOT NULL,
    merged_by text NOT NULL,
    unmerged_at timestamptz,
    unmerged_by text,
    unmerge_reason varchar(40),
    unmerge_note text,
    CONSTRAINT pk_merges PRIMARY KEY (id),
    CONSTRAINT fk_merges_survivor_id FOREIGN KEY (survivor_id) REFERENCES leads (id),
    CONSTRAINT fk_merges_loser_id FOREIGN KEY (loser_id) REFERENCES leads (id),
    CONSTRAINT ck_merges_two_leads CHECK (survivor_id <> loser_id),
    CONSTRAINT ck_merges_unmerged CHECK (
        (unmerged_at IS NULL) = (unmerged_by IS NULL) AND (unmerged_at IS NULL) = (unmerge_reason IS NULL)
    ),
    CONSTRAINT ck_merges_reason_code_known CHECK (
        reason_code IN ('asked_twice', 'sent_twice', 'same_household', 'other')
    ),
    CONSTRAINT ck_merges_unmerge_reason_known CHECK (
        unmerge_reason IN ('two_people', 'two_requests', 'operator_error', 'other')
    )
);
CREATE UNIQUE INDEX uq_merges_standing ON merges (loser_id) WHERE unmerged_at IS NULL;
CREATE INDEX ix_merges_survivor_id ON merges (survivor_id);
CREATE INDEX ix_merges_loser_id ON merges (loser_id);
CREATE TABLE merge_fields (
    merge_id uuid NOT NULL,
    field text NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    CONSTRAINT pk_merge_fields PRIMARY KEY (merge_id, field),
    CONSTRAINT fk_merge_fields_merge_id FOREIGN KEY (merge_id) REFERENCES merges (id)
);
ALTER TABLE lead_corrections
    DROP CONSTRAINT ck_lead_corrections_origin_known,
    ADD CONSTRAINT ck_lead_corrections_origin_known CHECK (origin IN ('correction', 'merge', 'unmerge'));
ALTER TABLE leads ADD COLUMN merged_into uuid, ADD COLUMN reject_reason varchar(40);
UPDATE leads SET reject_reason = 'other' WHERE status = 'rejected';
ALTER TABLE leads
    ADD CONSTRAINT fk_leads_merged_into FOREIGN KEY (merged_into) REFERENCES leads (id),
    ADD CONSTRAINT ck_leads_merged_is_closed CHECK (
        merged_into IS NULL OR (status = 'closed' AND close_reason = 'duplicate')
    ),
    ADD CONSTRAINT ck_leads_reject_reason_known CHECK (
        reject_reason IN ('duplicate', 'invalid_lead', 'test_lead', 'other')
    ),
    ADD CONSTRAINT ck_leads_reject_reason_told CHECK ((status = 'rejected') = (reject_reason IS NOT NULL));
CREATE INDEX ix_leads_merged_into ON leads (merged_into) WHERE merged_into IS NOT NULL;
"""

CREDITS = """
CREATE TABLE credit_requests (
    request_id uuid NOT NULL,
    lead_id uuid NOT NULL,
    deed text NOT NULL,
    deed_id uuid NOT NULL,
    assignment_id uuid NOT NULL,
    installer_id uuid NOT NULL,
    installer_name text,
    reason_code varchar(40) NOT NULL,
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    result text,
    detail text,
    adjustment_id uuid,
    invoice_id uuid,
    amount_cents bigint,
    answered_at timestamptz,
    version integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_credit_requests PRIMARY KEY (request_id),
    CONSTRAINT fk_credit_requests_lead_id FOREIGN KEY (lead_id) REFERENCES leads (id),
    CONSTRAINT ck_credit_requests_deed_known CHECK (deed IN ('merge', 'correction')),
    CONSTRAINT ck_credit_requests_answered CHECK ((result IS NULL) = (answered_at IS NULL)),
    CONSTRAINT ck_credit_requests_reason_code_known CHECK (
        reason_code IN (
            'duplicate_dispatch', 'postcode_mismatch', 'unreachable_payload', 'invalid_contact', 'system_fault'
        )
    )
);
CREATE UNIQUE INDEX uq_credit_requests_assignment_id ON credit_requests (assignment_id)
    WHERE result IS NULL OR result NOT IN ('refused', 'not_charged', 'declined');
CREATE INDEX ix_credit_requests_lead_id ON credit_requests (lead_id);
"""


def upgrade() -> None:
    for step in (SETTINGS, PAIRS, MERGES, CREDITS):
        for statement in statements(step):
            op.execute(statement)
