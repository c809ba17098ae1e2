"""What finance wrote when it declined stands in the answer too: the erasure of a person may have to blank it there."""

from alembic import op

from chassis.migrations import statements

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

GUARD = """
DROP TRIGGER final_answers_rest ON credit_requests;
CREATE TRIGGER final_answers_rest BEFORE UPDATE ON credit_requests
    FOR EACH ROW WHEN (OLD.result IN ('credited', 'voided', 'not_charged', 'declined', 'refused'))
    EXECUTE FUNCTION keep_all_but('note', 'decline_note', 'detail');
"""


def upgrade() -> None:
    for statement in statements(GUARD):
        op.execute(statement)
