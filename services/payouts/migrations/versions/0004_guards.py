"""What the program must not be able to do to experts' pay, whatever it tries: triggers, a proof at commit, grants."""

from collections.abc import Iterator

from alembic import context, op

from chassis.migrations import statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What may still change of a row whose other columns are written once.
OPEN_COLUMNS = {
    "payouts": (
        "state",
        "state_since",
        "reason_code",
        "invoice_id",
        "stripe_transfer_id",
        "sent_at",
        "reversed_cents",
        "version",
    ),
    "attempts": ("outcome", "refusal_code", "stripe_id", "lease_until", "settled_at"),
}
NEVER_DELETED = ("payouts", "attempts", "experts", "boards", "board_payments")

KEEP_ALL_BUT = """
CREATE FUNCTION keep_all_but() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Without arguments TG_ARGV is null, not empty.
    IF to_jsonb(NEW) - coalesce(TG_ARGV, '{}') IS DISTINCT FROM to_jsonb(OLD) - coalesce(TG_ARGV, '{}') THEN
        RAISE EXCEPTION 'this column of % is written once', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""

# What was sent stays sent to where it went; what Stripe answered stays answered. A refusal that was only concluded from
# looking in vain can turn out to be a success, never the other way round.
SETTLED = """
CREATE TRIGGER sent_payouts_stay_sent BEFORE UPDATE ON payouts FOR EACH ROW
    WHEN (OLD.stripe_transfer_id IS NOT NULL)
    EXECUTE FUNCTION keep_all_but('state', 'state_since', 'reason_code', 'reversed_cents', 'version');
CREATE TRIGGER attempts_that_succeeded_rest BEFORE UPDATE ON attempts FOR EACH ROW
    WHEN (OLD.outcome = 'succeeded') EXECUTE FUNCTION keep_all_but();
CREATE TRIGGER attempts_that_were_refused_rest BEFORE UPDATE ON attempts FOR EACH ROW
    WHEN (OLD.outcome = 'refused' AND NEW.outcome <> 'succeeded') EXECUTE FUNCTION keep_all_but();
CREATE UNIQUE INDEX uq_attempts_paid_once ON attempts (payout_id) WHERE kind = 'transfer' AND outcome = 'succeeded';
"""

# At commit, because an attempt and the payout that it settles are two statements of one transaction.
PROOF = """
CREATE FUNCTION prove_payout() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
    said payouts%ROWTYPE;
    transfer text;
    sent bigint;
    reversed bigint;
BEGIN
    SELECT * INTO said FROM payouts WHERE id = owner;
    SELECT max(stripe_id) FILTER (WHERE kind = 'transfer'),
           sum(amount_cents) FILTER (WHERE kind = 'transfer'),
           coalesce(sum(amount_cents) FILTER (WHERE kind = 'reversal'), 0)
        INTO transfer, sent, reversed FROM attempts WHERE payout_id = owner AND outcome = 'succeeded';
    IF said.stripe_transfer_id IS DISTINCT FROM transfer OR said.reversed_cents <> reversed
        OR (transfer IS NOT NULL AND sent <> said.amount_cents) THEN
        RAISE EXCEPTION 'payout % is not what its attempts came to', owner USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payouts_are_what_their_attempts_came_to
    AFTER INSERT OR UPDATE OF stripe_transfer_id, reversed_cents ON payouts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_payout('id');
CREATE CONSTRAINT TRIGGER attempts_come_to_their_payout AFTER INSERT OR UPDATE OF outcome, stripe_id ON attempts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_payout('payout_id');
"""


def upgrade() -> None:
    app_role = context.config.attributes.get("app_role")
    for statement in (*_triggers(), *_grants(app_role)):
        op.execute(statement)


def _triggers() -> Iterator[str]:
    for part in (KEEP_ALL_BUT, SETTLED, PROOF):
        yield from statements(part)
    for table, columns in OPEN_COLUMNS.items():
        listed = ", ".join(f"'{column}'" for column in columns)
        yield (
            f"CREATE TRIGGER {table}_keep_their_facts BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION keep_all_but({listed})"
        )
    for table in NEVER_DELETED:
        yield (
            f"CREATE TRIGGER {table}_are_never_deleted BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def _grants(app_role: str | None) -> Iterator[str]:
    if not app_role:
        return
    for table in NEVER_DELETED:
        yield f'REVOKE DELETE, TRUNCATE ON {table} FROM "{app_role}"'
    for table, columns in OPEN_COLUMNS.items():
        yield f'REVOKE UPDATE ON {table} FROM "{app_role}"'
        yield f'GRANT UPDATE ({", ".join(columns)}) ON {table} TO "{app_role}"'


def downgrade() -> None:
    raise RuntimeError("the ledger of what was paid is not taken back: restore a backup instead")
