"""What is looked for among the leads is found by its keys, whatever the planner believes of the tables."""

from collections.abc import Callable

import asyncpg
from sqlalchemy import text

from chassis.clock import FixedClock
from deploy.local.postgres import ServiceDatabase
from services.intake import queries
from services.intake.commands.batch import Batch
from services.intake.commands.leads.taking import take_lead
from services.intake.commands.screening import STEPS, screen
from tests.intake.samples import committing, someone, taking, working_source

MANY = 300
"""Their keys fill more pages than a planner would rather read whole, each time, than look into an index."""
BELIEVED_EMPTY = """
    SELECT pg_restore_relation_stats(
        'schemaname', 'public', 'relname', $1::text, 'relpages', 10, 'reltuples', 0::real
    )
"""
KEYS_READ = """
    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
      FROM pg_stat_xact_user_tables WHERE relname = 'lead_match'
"""


async def test_a_burst_of_leads_reads_each_key_once_though_the_tables_are_believed_empty(
    fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock
) -> None:
    """As they were when the planner's figures were taken: what it then holds for cheap would grow with the square."""
    tables = fresh_database("intake")
    owner = await asyncpg.connect(tables.owner_url)
    for table in ("leads", "lead_match", "merges"):
        await owner.execute(BELIEVED_EMPTY, table)
    await owner.close()
    async with committing(tables) as database:
        _, source = await working_source(database)
        for number in range(MANY):
            await take_lead(database, taking(source, f"key-{number}", someone(number)))
        async with database.transaction() as session:
            await screen(session, Batch(await queries.next_arrivals(session), clock.now()), STEPS)
            read = (await session.scalars(text(KEYS_READ))).one()
    assert MANY <= read < 5 * MANY
