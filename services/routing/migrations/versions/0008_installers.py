"""Installers' contacts and notes, and an index by which the demand of a month is counted where nobody covers it."""

from alembic import context, op

from chassis.migrations import revoke_change, statements, written_once

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STEP = """
CREATE TABLE installer_contacts (
    id uuid NOT NULL,
    installer_id uuid NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    email text,
    phone text,
    created_at timestamptz NOT NULL,
    removed_at timestamptz,
    CONSTRAINT pk_installer_contacts PRIMARY KEY (id),
    CONSTRAINT fk_installer_contacts_installer_id FOREIGN KEY (installer_id) REFERENCES installers (id),
    CONSTRAINT ck_installer_contacts_role CHECK (role IN ('owner', 'dispatch', 'accounts', 'site')),
    CONSTRAINT ck_installer_contacts_can_be_reached CHECK (email IS NOT NULL OR phone IS NOT NULL)
);
CREATE INDEX ix_installer_contacts_installer_id ON installer_contacts (installer_id) WHERE removed_at IS NULL;
CREATE TABLE installer_notes (
    id uuid NOT NULL,
    installer_id uuid NOT NULL,
    text text NOT NULL,
    author_id uuid NOT NULL,
    author_name text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_installer_notes PRIMARY KEY (id),
    CONSTRAINT fk_installer_notes_installer_id FOREIGN KEY (installer_id) REFERENCES installers (id)
);
CREATE INDEX ix_installer_notes_installer_id ON installer_notes (installer_id, created_at, id);
CREATE INDEX ix_dispatches_created_at ON dispatches (created_at) INCLUDE (service, state, postcode);
"""


def upgrade() -> None:
    for statement in statements(STEP):
        op.execute(statement)
    app_role = context.config.attributes.get("app_role")
    for statement in (*written_once("installer_notes"), *revoke_change("installer_notes", app_role)):
        op.execute(statement)
