"""Whether the invoices are drafts is asked once for each, where lines come or go, and not once for each line."""

from alembic import op

from chassis.migrations import statements

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# EXISTS has the planner look for a first hit by the index, line by line; there is none, of tens of thousands.
GUARD = """
CREATE OR REPLACE FUNCTION only_drafts_change_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT invoice_id FROM touched) AS given
               JOIN invoices ON invoices.id = given.invoice_id WHERE invoices.document_status <> 'draft') THEN
        RAISE EXCEPTION '% of lines: the invoice is not a draft', TG_OP USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
"""


def upgrade() -> None:
    for statement in statements(GUARD):
        op.execute(statement)
