"""What holds back a transaction of intake that wrote an event: between its last statement and its COMMIT.

A trigger, installed as superuser and unknown to the service, waits there: for a gate that a test holds shut, or for as
long as the next of a list of delays says. So the service commits in an order that is not that of its ids. It is there
from the beginning and mostly has nothing to wait for: to put a trigger on the outbox and to take it off again locks all
its segments, and a busy relay locks them in another order.
"""

import asyncpg

_SCHEMA = """
CREATE SCHEMA held;
CREATE TABLE held.gates (key bytea PRIMARY KEY);
CREATE TABLE held.delays (place bigint PRIMARY KEY, seconds float8 NOT NULL);
CREATE SEQUENCE held.turns MINVALUE 0;
CREATE FUNCTION held.hold_back() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = held AS $$
DECLARE
    turn bigint := nextval('held.turns');
BEGIN
    IF EXISTS (SELECT FROM held.gates WHERE key = NEW.key) THEN
        PERFORM pg_advisory_xact_lock_shared(hashtextextended(encode(NEW.key, 'escape'), 0));
    END IF;
    PERFORM pg_sleep(seconds) FROM held.delays
    WHERE place = turn % greatest((SELECT count(*) FROM held.delays), 1);
    RETURN NULL;
END $$;
CREATE TRIGGER zz_held AFTER INSERT ON public.outbox FOR EACH ROW EXECUTE FUNCTION held.hold_back();
"""


async def install_gates(pool: asyncpg.Pool) -> None:
    """Into intake's database, before anybody works on it."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_SCHEMA)
