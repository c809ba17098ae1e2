"""The ageing as of a day ninety days ago and a query by hand for the same sums, in turn, in a process of its own."""

import argparse
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

import asyncpg
import uvloop

from chassis.database import Database, create_engine
from services.billing.queries.ageing import Receivables, aged

ZONE = ZoneInfo("Australia/Sydney")
BY_HAND = """
    SELECT account_id, sum(cents) FILTER (WHERE days <= 0) AS not_due,
           sum(cents) FILTER (WHERE days BETWEEN 1 AND 30) AS to_30,
           sum(cents) FILTER (WHERE days BETWEEN 31 AND 60) AS to_60,
           sum(cents) FILTER (WHERE days BETWEEN 61 AND 90) AS to_90,
           sum(cents) FILTER (WHERE days > 90) AS over_90, sum(cents) AS total
      FROM (SELECT i.account_id, sum(e.amount_cents)::bigint AS cents,
                   ($1 AT TIME ZONE 'Australia/Sydney')::date - (i.due_at AT TIME ZONE 'Australia/Sydney')::date AS days
              FROM journal_entries e JOIN journal_postings p ON p.id = e.posting_id
              JOIN invoices i ON i.id = p.invoice_id
             WHERE e.account = 'receivable' AND p.posted_at < $1
             GROUP BY i.id HAVING sum(e.amount_cents) <> 0) AS owed
     GROUP BY account_id
"""


async def measured(url: str, times: int) -> dict[str, float]:
    """Both in turn, after one of each to warm up; they have to say the same."""
    before = datetime.now(UTC) - timedelta(days=90)
    database = Database(create_engine(url, pool_size=1), "/waybill/billing")
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))

    async def ours() -> Receivables:
        async with database.reading() as session:
            return await aged(session, before - timedelta(microseconds=1), ZONE, None, before)

    async def floor() -> list[asyncpg.Record]:
        return await connection.fetch(BY_HAND, before)  # type: ignore[no-any-return]

    found, rows = await ours(), await floor()
    assert found.ties
    assert found.total.total_cents == sum(row["total"] for row in rows)
    taken = [(await _seconds(ours), await _seconds(floor)) for _ in range(times)]
    await connection.close()
    await database.close()
    return {"ours": median(each[0] for each in taken) * 1_000, "floor": median(each[1] for each in taken) * 1_000}


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = perf_counter()
    await work()
    return perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--times", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(uvloop.run(measured(options.database, options.times))), flush=True)


if __name__ == "__main__":
    main()
