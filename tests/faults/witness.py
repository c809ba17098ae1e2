"""A witness in each database: what was committed to the outbox and to the inbox, copied by the very transaction.

The relay empties the outbox, so that nobody could say afterwards what was in it. A row trigger, installed as superuser
and unknown to the service, keeps the bytes of every event that was committed, and the transaction that applied it.
"""

import asyncpg

_SCHEMA = """
CREATE SCHEMA witness;
CREATE TABLE witness.events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    headers bytea NOT NULL,
    body bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_read boolean NOT NULL DEFAULT false
);
CREATE INDEX ON witness.events (seq) WHERE NOT is_read;
CREATE TABLE witness.applied (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    event_id uuid NOT NULL,
    consumer text NOT NULL,
    is_read boolean NOT NULL DEFAULT false
);
CREATE INDEX ON witness.applied (seq) WHERE NOT is_read;

CREATE FUNCTION witness.note_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = witness AS $$
BEGIN
    INSERT INTO witness.events (event_id, topic, key, headers, body)
    VALUES (NEW.event_id, NEW.topic, NEW.key, NEW.headers, NEW.body);
    RETURN NULL;
END $$;
CREATE FUNCTION witness.note_applied() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = witness AS $$
BEGIN
    INSERT INTO witness.applied (event_id, consumer) VALUES (NEW.event_id, NEW.consumer);
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT ON public.outbox FOR EACH ROW EXECUTE FUNCTION witness.note_event();
CREATE TRIGGER witness AFTER INSERT ON public.inbox FOR EACH ROW EXECUTE FUNCTION witness.note_applied();
"""


async def install_witness(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_SCHEMA)


EVENTS = """
    WITH fresh AS (UPDATE witness.events SET is_read = true WHERE NOT is_read
                   RETURNING seq, event_id, topic, key, headers, body)
    SELECT * FROM fresh ORDER BY seq
"""
"""What was committed since this was asked last; sequence numbers alone would pass by a transaction that was slow."""

APPLIED = """
    WITH fresh AS (UPDATE witness.applied SET is_read = true WHERE NOT is_read
                   RETURNING seq, transaction::text AS transaction, event_id, consumer)
    SELECT * FROM fresh ORDER BY seq
"""
