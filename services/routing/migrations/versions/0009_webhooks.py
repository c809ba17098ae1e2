"""Delivery by webhook: what is on its way, each try of it, tests, and a log of deliveries by either channel."""

from alembic import op

from chassis.migrations import statements

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE delivery_endpoints
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN last_accepted_at timestamptz,
    ADD COLUMN tested_at timestamptz,
    ADD CONSTRAINT uq_delivery_endpoints_id UNIQUE (id);
CREATE TABLE webhook_deliveries (
    assignment_id uuid NOT NULL,
    installer_id uuid NOT NULL,
    state text NOT NULL,
    attempts smallint NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    lease_until timestamptz,
    http_status smallint,
    reason_code text,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (assignment_id),
    CONSTRAINT fk_webhook_deliveries_assignment_id FOREIGN KEY (assignment_id) REFERENCES assignments (id),
    CONSTRAINT fk_webhook_deliveries_installer_id FOREIGN KEY (installer_id) REFERENCES installers (id),
    CONSTRAINT ck_webhook_deliveries_state CHECK (state IN ('waiting', 'sending', 'accepted', 'failed', 'cancelled')),
    CONSTRAINT ck_webhook_deliveries_lease CHECK ((state = 'sending') = (lease_until IS NOT NULL)),
    CONSTRAINT ck_webhook_deliveries_settled CHECK ((state IN ('waiting', 'sending')) = (settled_at IS NULL)),
    CONSTRAINT ck_webhook_deliveries_attempts CHECK (attempts >= 0)
);
CREATE INDEX ix_webhook_deliveries_waiting ON webhook_deliveries (installer_id, next_attempt_at)
    WHERE state = 'waiting';
CREATE INDEX ix_webhook_deliveries_sending ON webhook_deliveries (lease_until) WHERE state = 'sending';
CREATE TABLE webhook_attempts (
    id uuid NOT NULL,
    assignment_id uuid NOT NULL,
    attempt_no smallint NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    outcome text,
    http_status smallint,
    reason_code text,
    duration_ms integer,
    answer_bytes integer,
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (id),
    CONSTRAINT uq_webhook_attempts_assignment_id_attempt_no UNIQUE (assignment_id, attempt_no),
    CONSTRAINT fk_webhook_attempts_assignment_id FOREIGN KEY (assignment_id)
        REFERENCES webhook_deliveries (assignment_id),
    CONSTRAINT ck_webhook_attempts_outcome CHECK (outcome IN ('accepted', 'refused', 'again', 'gone', 'unknown')),
    CONSTRAINT ck_webhook_attempts_finished CHECK ((outcome IS NULL) = (finished_at IS NULL))
);
CREATE TABLE webhook_tests (
    id uuid NOT NULL,
    installer_id uuid NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    lease_until timestamptz,
    finished_at timestamptz,
    outcome text,
    http_status smallint,
    reason_code text,
    duration_ms integer,
    CONSTRAINT pk_webhook_tests PRIMARY KEY (id),
    CONSTRAINT fk_webhook_tests_installer_id FOREIGN KEY (installer_id) REFERENCES installers (id),
    CONSTRAINT ck_webhook_tests_outcome CHECK (outcome IN ('accepted', 'refused', 'again', 'gone', 'unknown')),
    CONSTRAINT ck_webhook_tests_finished CHECK ((outcome IS NULL) = (finished_at IS NULL))
);
CREATE INDEX ix_webhook_tests_installer_id ON webhook_tests (installer_id, asked_at);
CREATE INDEX ix_webhook_tests_unfinished ON webhook_tests (asked_at) WHERE finished_at IS NULL;
CREATE TABLE delivery_log (
    id bigserial NOT NULL,
    assignment_id uuid NOT NULL,
    at timestamptz NOT NULL,
    channel text NOT NULL,
    what text NOT NULL,
    reason_code text,
    status smallint,
    CONSTRAINT pk_delivery_log PRIMARY KEY (id),
    CONSTRAINT fk_delivery_log_assignment_id FOREIGN KEY (assignment_id) REFERENCES assignments (id),
    CONSTRAINT ck_delivery_log_channel CHECK (channel IN ('mail', 'webhook')),
    CONSTRAINT ck_delivery_log_what CHECK (what IN ('accepted', 'tried', 'failed', 'accepted_late'))
);
CREATE INDEX ix_delivery_log_assignment_id ON delivery_log (assignment_id, id);
"""


def upgrade() -> None:
    for statement in statements(TABLES):
        op.execute(statement)
