"""Since when a delivery is billable no more: a credit for an invalid lead has an hour in which to free its place."""

from alembic import context, op

from chassis.migrations import LOCK_TIMEOUT, statements

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# What ended before is not filled in: of what was voided no row tells when, and all of it is long ago.
ENDED = """
ALTER TABLE delivery_events ADD COLUMN ended_at timestamptz;
ALTER TABLE delivery_events ADD CONSTRAINT ck_delivery_events_ended
    CHECK (ended_at IS NULL OR event_status <> 'billable');
DROP TRIGGER delivery_events_keep_their_facts ON delivery_events;
CREATE TRIGGER delivery_events_keep_their_facts BEFORE UPDATE ON delivery_events FOR EACH ROW
    EXECUTE FUNCTION keep_all_but(
        'event_status', 'credit_reason_code', 'ended_at', 'cap_status', 'cap_release_reason', 'version'
    );
"""


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for statement in statements(ENDED):
        op.execute(statement)
    app_role = context.config.attributes.get("app_role")
    if app_role:
        op.execute(f'GRANT UPDATE (ended_at) ON delivery_events TO "{app_role}"')
