"""Simulations and the leads that they would have moved; a person's leads are found from either side."""

from alembic import op

from chassis.migrations import statements

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STEP = """
CREATE TABLE simulations (
    id uuid NOT NULL,
    state text NOT NULL,
    draft json NOT NULL,
    asked_by_id uuid NOT NULL,
    asked_by_name text NOT NULL,
    asked_at timestamptz NOT NULL,
    lease_until timestamptz,
    tries smallint NOT NULL DEFAULT 0,
    leads integer,
    progress integer NOT NULL DEFAULT 0,
    started_at timestamptz,
    finished_at timestamptz,
    totals json,
    fault text,
    CONSTRAINT pk_simulations PRIMARY KEY (id),
    CONSTRAINT ck_simulations_state CHECK (state IN ('asked', 'running', 'finished', 'failed', 'cancelled')),
    CONSTRAINT ck_simulations_running CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT ck_simulations_ended
        CHECK ((state IN ('finished', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT ck_simulations_has_totals CHECK ((state = 'finished') = (totals IS NOT NULL)),
    CONSTRAINT ck_simulations_has_its_fault CHECK ((state = 'failed') = (fault IS NOT NULL))
);
CREATE INDEX ix_simulations_asked_at ON simulations (asked_at, id);
CREATE INDEX ix_simulations_open ON simulations (asked_at) WHERE state IN ('asked', 'running');
CREATE TABLE simulation_rows (
    id uuid NOT NULL,
    simulation_id uuid NOT NULL,
    lead_id uuid NOT NULL,
    service text NOT NULL,
    place text NOT NULL,
    received_at timestamptz NOT NULL,
    before uuid[] NOT NULL,
    after uuid[] NOT NULL,
    before_cents bigint NOT NULL,
    after_cents bigint NOT NULL,
    unpriced smallint NOT NULL,
    CONSTRAINT pk_simulation_rows PRIMARY KEY (id),
    CONSTRAINT uq_simulation_rows_simulation_id_lead_id UNIQUE (simulation_id, lead_id),
    CONSTRAINT fk_simulation_rows_simulation_id FOREIGN KEY (simulation_id) REFERENCES simulations (id)
);
CREATE INDEX ix_simulation_rows_received_at ON simulation_rows (simulation_id, received_at, lead_id);
CREATE INDEX ix_lead_links_other_lead_id ON lead_links (other_lead_id);
"""


def upgrade() -> None:
    for statement in statements(STEP):
        op.execute(statement)
