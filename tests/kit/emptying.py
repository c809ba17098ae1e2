"""A migrated database as it was before a test, at a fraction of what a new clone costs."""

from dataclasses import dataclass

from deploy.local.postgres import PostgresAddress, PostgresFailed

_CATALOGS = (
    "pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_trigger", "pg_proc", "pg_type",
    "pg_namespace", "pg_sequence", "pg_rewrite", "pg_policy", "pg_default_acl", "pg_extension",
    "pg_largeobject_metadata",
)  # fmt: skip

# Whatever changes a definition writes a row of one of these anew; a database whose sum is the same has the same schema,
# grants and settings. What holds much is not emptied row by row: the next test would walk over what was there.
_FINGERPRINT = (
    " UNION ALL ".join(
        f"SELECT '{name}', count(*)::text, sum(hashtextextended(xmin::text || ctid::text, 0))::text FROM {name}"
        for name in _CATALOGS
    )
    + """
    UNION ALL SELECT 'settings', count(*)::text, min(setconfig::text) FROM pg_db_role_setting JOIN pg_database d
        ON d.oid = setdatabase WHERE datname = current_database()
    UNION ALL SELECT 'access', datacl::text, datallowconn::text FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'is small', (pg_database_size(current_database()) < 16000000)::text, ''"""
)
_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@dataclass(frozen=True)
class Emptying:
    """`statements` put the rows back that the migrations brought, and nothing else; `fingerprint` is of the schema."""

    statements: tuple[str, ...]
    fingerprint: str

    @classmethod
    def of(cls, server: PostgresAddress, database: str, *, kept: frozenset[str] = frozenset()) -> "Emptying":
        """Of a database that nobody has used yet; the rows of `kept` stay."""
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        tables = [table for table in server.execute(query, database=database).split() if table not in kept]
        rows = " UNION ALL ".join(f"SELECT '{table}', jsonb_agg(t)::text FROM {table} t" for table in tables)
        told = [line.split("|", 1) for line in server.execute(rows, database=database).splitlines()] if tables else []
        return cls(
            (
                # Triggers sleep: they keep the ledger from forgetting.
                "SET session_replication_role = replica",
                *(f"DELETE FROM {table}" for table in tables),
                *(_inserted(table, brought) for table, brought in told if brought),
                *server.execute(_SEQUENCES, database=database).splitlines(),
            ),
            server.execute(_FINGERPRINT, database=database),
        )

    def renew(self, server: PostgresAddress, database: str) -> bool:
        """Whether the database is now as it was when it was new; its clients are gone, as when it is dropped."""
        try:
            answered = server.execute(_OTHERS, *self.statements, _FINGERPRINT, database=database)
        except PostgresFailed:
            # A table is gone, or all of it is.
            return False
        return answered.endswith(self.fingerprint)


_SEQUENCES = """
    SELECT format('SELECT setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
                  coalesce(last_value, start_value), last_value IS NOT NULL)
    FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1
"""


def _inserted(table: str, rows: str) -> str:
    quoted = rows.replace("'", "''")
    return (
        f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{table}, '{quoted}')"
    )
