"""People behind leads are kept sealed, and the keys apart from them, until they are destroyed."""

from alembic import context, op

from chassis.migrations import LOCK_TIMEOUT, erasable, statements

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE lead_keys (
    lead_id uuid NOT NULL,
    key bytea,
    version integer NOT NULL,
    CONSTRAINT pk_lead_keys PRIMARY KEY (lead_id),
    CONSTRAINT ck_lead_keys_key_length CHECK (octet_length(key) = 32)
);
ALTER TABLE lead_contacts
    ADD COLUMN sealed_contact text,
    ALTER COLUMN name DROP NOT NULL,
    ALTER COLUMN email DROP NOT NULL,
    ALTER COLUMN phone DROP NOT NULL,
    ALTER COLUMN street DROP NOT NULL,
    ADD CONSTRAINT ck_lead_contacts_sealed_or_plain CHECK (
        CASE WHEN sealed_contact IS NULL THEN num_nonnulls(name, email, phone, street) = 4
        ELSE num_nonnulls(name, email, phone, street) = 0 END
    );
"""


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for statement in statements(TABLES):
        op.execute(statement)
    words = {
        "reason_text": "CASE WHEN reason_text IS NOT NULL THEN 'Erased on request' END",
        "override_reason": "CASE WHEN override_reason IS NOT NULL THEN 'Erased on request' END",
    }
    app_role = context.config.attributes.get("app_role")
    for statement in erasable("decisions", words, "lead_id = ANY (lead_ids)", "lead_ids uuid[]", app_role):
        op.execute(statement)
