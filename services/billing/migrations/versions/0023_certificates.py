"""Certificates of the books: what each equality came to, signed, and never changed."""

from collections.abc import Iterator

from alembic import context, op

from chassis.migrations import revoke_change, statements, written_once

revision = "0023"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE certificates (
    id uuid NOT NULL,
    as_of timestamptz NOT NULL,
    due_at timestamptz,
    taken_at timestamptz NOT NULL,
    taken_by_id uuid,
    taken_by_name text NOT NULL,
    equality_count bigint NOT NULL,
    failed_count bigint NOT NULL,
    not_compared_count bigint NOT NULL,
    sha256 text NOT NULL,
    key_id text,
    signature bytea,
    CONSTRAINT pk_certificates PRIMARY KEY (id),
    CONSTRAINT uq_certificates_due_at UNIQUE (due_at),
    CONSTRAINT ck_certificates_counts CHECK (
        failed_count >= 0 AND not_compared_count >= 0 AND failed_count + not_compared_count <= equality_count
    ),
    CONSTRAINT ck_certificates_signature CHECK ((key_id IS NULL) = (signature IS NULL))
);
CREATE INDEX ix_certificates_taken_at ON certificates (taken_at, id);

CREATE TABLE certified_equalities (
    certificate_id uuid NOT NULL,
    name text NOT NULL,
    place bigint NOT NULL,
    unit text NOT NULL,
    left_sum bigint NOT NULL,
    right_sum bigint NOT NULL,
    compared_count bigint NOT NULL,
    offender_count bigint NOT NULL,
    outcome text NOT NULL,
    CONSTRAINT pk_certified_equalities PRIMARY KEY (certificate_id, name),
    CONSTRAINT fk_certified_equalities_certificate_id FOREIGN KEY (certificate_id) REFERENCES certificates (id),
    CONSTRAINT ck_certified_equalities_unit CHECK (unit IN ('cents', 'count')),
    CONSTRAINT ck_certified_equalities_outcome CHECK (outcome IN ('holds', 'fails', 'not_compared'))
);

CREATE TABLE certified_offenders (
    certificate_id uuid NOT NULL,
    name text NOT NULL,
    place bigint NOT NULL,
    key text NOT NULL,
    left_side bigint,
    right_side bigint,
    CONSTRAINT pk_certified_offenders PRIMARY KEY (certificate_id, name, place),
    CONSTRAINT fk_certified_offenders_certificate_id_name FOREIGN KEY (certificate_id, name)
        REFERENCES certified_equalities (certificate_id, name)
);
"""
WRITTEN_ONCE = ("certificates", "certified_equalities", "certified_offenders")


def upgrade() -> None:
    for statement in (*statements(TABLES), *_guards(context.config.attributes.get("app_role"))):
        op.execute(statement)


def _guards(app_role: str | None) -> Iterator[str]:
    for table in WRITTEN_ONCE:
        yield from written_once(table)
        yield from revoke_change(table, app_role)
    # The serving role could not before; now nobody can.
    yield (
        "CREATE TRIGGER open_returns_are_never_deleted BEFORE DELETE ON open_returns "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
