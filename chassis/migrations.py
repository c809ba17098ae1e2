"""The frozen DDL of the chassis's tables, in the steps in which it grew. A service's migrations call a step each."""

from collections.abc import Iterator

from chassis.migration_steps import STEP_1, STEP_2, STEP_3, STEP_4, STEP_5

# A migration that cannot have its lock soon gives up instead of queueing every writer behind it.
LOCK_TIMEOUT = "SET lock_timeout = '5s'"


def statements(step: str) -> Iterator[str]:
    """The step's statements one by one; a function's body keeps its semicolons."""
    quoted = False
    statement: list[str] = []
    for line in step.strip().splitlines():
        statement.append(line)
        quoted ^= line.count("$$") % 2 == 1
        if line.rstrip().endswith(";") and not quoted:
            yield "\n".join(statement)
            statement = []


def create_chassis_tables() -> list[str]:
    """The first step, as statements to execute in order."""
    return list(statements(STEP_1))


def grow_event_path() -> list[str]:
    """The second step: the outbox becomes a ring of segments, what waits in it stays; consumers get positions."""
    return list(statements(STEP_2))


def furnish_console() -> list[str]:
    """The third step: what the console keeps of its own, saved views and bulk jobs, and indexes for its lists."""
    return list(statements(STEP_3))


def allow_erasure(app_role: str | None) -> list[str]:
    """The fourth step: `redact_audit`, which the serving role may call, and no other way to change an audit row."""
    granted = [f'GRANT EXECUTE ON FUNCTION redact_audit TO "{app_role}"'] if app_role else []
    return [*statements(STEP_4), *granted, *revoke_change("audit_entries", app_role)]


def keep_bulk_requests() -> list[str]:
    """The fifth step: a bulk job keeps the request that confirmed it, and the jobs are a list."""
    return list(statements(STEP_5))


def whole_chassis() -> list[str]:
    """All steps, for a database that has nothing else."""
    steps = (create_chassis_tables(), grow_event_path(), furnish_console(), allow_erasure(None), keep_bulk_requests())
    return [statement for step in steps for statement in step]


def written_once(table: str) -> list[str]:
    """Statements that make a table's rows immutable: `refuse_change` stands behind the grant that the role lacks."""
    return [
        f"CREATE TRIGGER {table}_are_written_once BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    ]


def revoke_change(table: str, app_role: str | None) -> list[str]:
    """Statements that take UPDATE and DELETE on `table` from the serving role, where it is not the owner itself."""
    return [f'REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM "{app_role}"'] if app_role else []


def erasable(table: str, changes: dict[str, str], where: str, arguments: str, app_role: str | None) -> list[str]:
    """Statements after `written_once`: a function `erase_<table>(arguments)` may change these columns, and no other.

    `changes` are columns and the SQL of what they become, `where` is of which rows. It answers how many they were.
    """
    allowed = ", ".join(f"'{column}'" for column in changes)
    made = ", ".join(f"{column} = {becomes}" for column, becomes in changes.items())
    differs = " OR ".join(f"{column} IS DISTINCT FROM {becomes}" for column, becomes in changes.items())
    signature = ", ".join(argument.split(" ", 1)[1] for argument in arguments.split(", "))
    name = f"erase_{table}"
    granted = [f'GRANT EXECUTE ON FUNCTION {name}({signature}) TO "{app_role}"'] if app_role else []
    return [
        _REFUSE_CHANGE_BUT_ERASING,
        f"DROP TRIGGER {table}_are_written_once ON {table}",
        f"CREATE TRIGGER {table}_are_written_once BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change_but_erasing({allowed})",
        f"""
        CREATE FUNCTION {name}({arguments}) RETURNS bigint LANGUAGE plpgsql
            SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE
            changed bigint;
        BEGIN
            PERFORM set_config('waybill.erasing', '{table}', true);
            UPDATE public.{table} SET {made} WHERE ({where}) AND ({differs});
            GET DIAGNOSTICS changed = ROW_COUNT;
            PERFORM set_config('waybill.erasing', '', true);
            RETURN changed;
        END $$
        """,  # noqa: S608  # declared in a migration
        f"REVOKE ALL ON FUNCTION {name}({signature}) FROM PUBLIC",
        *granted,
    ]


# The mark is the function's that runs as the table's owner: who serves requests can set it, and changes nothing by it.
_REFUSE_CHANGE_BUT_ERASING = """
CREATE OR REPLACE FUNCTION refuse_change_but_erasing() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('waybill.erasing', true) = TG_TABLE_NAME
        AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
        AND to_jsonb(NEW) - TG_ARGV = to_jsonb(OLD) - TG_ARGV
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is not allowed: its rows are written once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""
