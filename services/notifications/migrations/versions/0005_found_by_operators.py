"""What operators look mail up by: a lead's id, a document's number; and tickets by how long they wait."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_documents_number", "documents", ["number"])
    op.create_index(
        "ix_messages_lead",
        "messages",
        [sa.text("(context ->> 'lead_id')")],
        postgresql_where=sa.text("purpose = 'lead_delivery'"),
    )
    op.create_index("ix_tickets_state_since", "tickets", ["state_since", "id"])


def downgrade() -> None:
    op.drop_index("ix_tickets_state_since", table_name="tickets")
    op.drop_index("ix_messages_lead", table_name="messages")
    op.drop_index("ix_documents_number", table_name="documents")
