"""Persons are erased: leads that say nothing of theirs, consents that lose their words, and who asked for it."""

from alembic import context, op

from chassis.migrations import LOCK_TIMEOUT, erasable, statements

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = r"""
CREATE TABLE erasures (
    id uuid NOT NULL,
    asked_via varchar(40) NOT NULL,
    reason_code varchar(40) NOT NULL,
    note text NOT NULL,
    requested_by text NOT NULL,
    erased_at timestamptz NOT NULL,
    lead_ids uuid[] NOT NULL,
    counts jsonb NOT NULL,
    CONSTRAINT pk_erasures PRIMARY KEY (id),
    CONSTRAINT ck_erasures_asked_via_known CHECK (asked_via IN ('person', 'source', 'regulator')),
    CONSTRAINT ck_erasures_reason_code_known
        CHECK (reason_code IN ('consent_withdrawn', 'no_longer_needed', 'objected', 'unlawful', 'other')),
    CONSTRAINT ck_erasures_leads_named CHECK (cardinality(lead_ids) > 0)
);
CREATE INDEX ix_erasures_erased_at_id ON erasures (erased_at, id);
CREATE INDEX ix_erasures_lead_ids ON erasures USING gin (lead_ids);
ALTER TABLE leads
    ADD COLUMN erased_at timestamptz,
    DROP CONSTRAINT ck_leads_phone_e164,
    ADD CONSTRAINT ck_leads_phone_e164 CHECK (erased_at IS NOT NULL OR phone ~ '^\+[1-9][0-9]{6,14}$') NOT VALID,
    ADD CONSTRAINT ck_leads_erased_says_nothing
        CHECK (erased_at IS NULL OR name || email || email_match || phone || street = '') NOT VALID,
    DROP CONSTRAINT ck_leads_close_reason_known,
    ADD CONSTRAINT ck_leads_close_reason_known CHECK (close_reason IN ('invalid_lead', 'duplicate', 'withdrawn',
        'unplaceable', 'test_lead', 'operator_error', 'erased', 'other')) NOT VALID;
"""
VALID = ("ck_leads_phone_e164", "ck_leads_erased_says_nothing", "ck_leads_close_reason_known")


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for statement in statements(TABLES):
        op.execute(statement)
    for constraint in VALID:
        op.execute(f"ALTER TABLE leads VALIDATE CONSTRAINT {constraint}")
    words = {"text": "''", "url": "''", "remote_address": "''"}
    app_role = context.config.attributes.get("app_role")
    for statement in erasable("consents", words, "lead_id = ANY (lead_ids)", "lead_ids uuid[]", app_role):
        op.execute(statement)
