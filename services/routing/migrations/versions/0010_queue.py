"""The exception queue works by itself: since when a lead has waited, when somebody is called, and installers' days."""

from alembic import op

from chassis.migrations import statements

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STEP = """
ALTER TABLE dispatch_exceptions ADD COLUMN waits_since timestamptz DEFAULT now();
UPDATE dispatch_exceptions SET waits_since = raised_at;
-- The default is for processes of the version before, while they are still there.
ALTER TABLE dispatch_exceptions ALTER COLUMN waits_since SET NOT NULL;
UPDATE dispatch_exceptions SET escalate_at = raised_at + CASE
    WHEN reason IN ('auto_dispatch_off', 'outside_hours', 'all_at_cap', 'all_away', 'no_coverage')
    THEN interval '8 hours' ELSE interval '30 minutes' END
WHERE resolved_at IS NULL AND escalate_at IS NULL;
CREATE TABLE installer_days (
    installer_id uuid NOT NULL,
    day date NOT NULL,
    state text NOT NULL,
    considered integer NOT NULL,
    eligible integer NOT NULL,
    chosen integer NOT NULL,
    entitled_ppm bigint NOT NULL,
    obstacles jsonb NOT NULL,
    sent integer NOT NULL,
    failed integer NOT NULL,
    returned integer NOT NULL,
    deliver_seconds_sum bigint NOT NULL,
    within_5_min integer NOT NULL,
    CONSTRAINT pk_installer_days PRIMARY KEY (installer_id, day, state),
    CONSTRAINT fk_installer_days_installer_id FOREIGN KEY (installer_id) REFERENCES installers (id),
    CONSTRAINT ck_installer_days_state CHECK (state IN ('ACT', 'NSW', 'NT', 'QLD', 'SA', 'TAS', 'VIC', 'WA')),
    CONSTRAINT ck_installer_days_counts CHECK (chosen <= eligible AND eligible <= considered)
);
CREATE INDEX ix_installer_days_day ON installer_days (day);
"""


def upgrade() -> None:
    for statement in statements(STEP):
        op.execute(statement)
