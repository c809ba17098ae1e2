"""A month's preview and the one statement for it, in turn in a process of its own; both answer the same sums."""

import argparse
import json
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

import asyncpg
import uvloop

from benchmarks.ledger import BEGINS, ENDS, MONTH
from chassis.database import Database, create_engine
from services.billing.domain.periods import Period
from services.billing.queries import periods

WARM_UP = 2
FLOOR = f"""
    WITH billed AS (
        SELECT account_id, id, document_status FROM invoices
         WHERE period_start = '{BEGINS}' AND document_status <> 'void'
    ), lines AS (
        SELECT l.delivery_event_id FROM billed JOIN invoice_lines l ON l.invoice_id = billed.id AND l.is_live
    ), delivered AS (
        SELECT d.installer_id, d.product_type, d.unit_price_cents, d.gst_treatment, d.includes_gst, count(*) AS number,
               count(*) FILTER (WHERE l.delivery_event_id IS NULL AND a.delivery_event_id IS NULL) AS unbilled
          FROM delivery_events d LEFT JOIN lines l ON l.delivery_event_id = d.id
          LEFT JOIN adjustment_deliveries a ON a.delivery_event_id = d.id AND a.is_live
         WHERE d.delivered_at >= '{BEGINS}' AND d.delivered_at < '{ENDS}' AND d.event_status = 'billable'
         GROUP BY 1, 2, 3, 4, 5
    ), held AS (
        SELECT installer_id, count(*) AS number FROM held_deliveries
         WHERE released_at IS NULL AND delivered_at >= '{BEGINS}' AND delivered_at < '{ENDS}' GROUP BY 1
    )
    SELECT delivered.*, a.name, billed.id, billed.document_status, held.number AS held
      FROM delivered JOIN accounts a ON a.id = delivered.installer_id
      LEFT JOIN billed ON billed.account_id = delivered.installer_id
      LEFT JOIN held ON held.installer_id = delivered.installer_id
     ORDER BY a.name, a.id
"""


async def looked(url: str, looks: int) -> dict[str, float]:
    database = Database(create_engine(url, pool_size=1), "/waybill/billing")
    connection = await asyncpg.connect(url)
    month = Period.of_month(MONTH, ZoneInfo("Australia/Sydney"))
    ours, floor = [], []
    for _ in range(WARM_UP + looks):
        async with database.reading() as session:
            began = perf_counter()
            previews = await periods.preview(session, month, None)
            ours.append(perf_counter() - began)
        began = perf_counter()
        rows = await connection.fetch(FLOOR)
        floor.append(perf_counter() - began)
        found = sum(group.count for preview in previews for group in preview.groups)
        assert found == sum(row["number"] for row in rows) > 0, "both count the same deliveries"
        assert sum(preview.unbilled_count for preview in previews) == sum(row["unbilled"] for row in rows)
    await connection.close()
    await database.close()
    return {"ours": median(ours[WARM_UP:]) * 1_000, "floor": median(floor[WARM_UP:]) * 1_000}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--looks", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(uvloop.run(looked(options.database, options.looks))))


if __name__ == "__main__":
    main()
