"""A month is closed in a process of its own, by our runs or by one statement; what is left is counted, and told."""

import argparse
import json
import resource
from datetime import UTC, datetime
from time import perf_counter
from zoneinfo import ZoneInfo

import asyncpg
import uvloop
from sqlalchemy import text

from benchmarks.ledger import BEGINS, ENDS, MONTH
from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.closing import CloseRunner
from services.billing.commands.adjusting import Decider
from services.billing.commands.close_runs import StartRun, start_run
from services.billing.commands.house import House
from services.billing.commands.numbers import Numbering
from services.billing.domain.close_runs import RunKind
from services.billing.domain.periods import Period
from services.billing.domain.tax_invoice import Party

SYDNEY = ZoneInfo("Australia/Sydney")
NOW = datetime(2026, 4, 2, tzinfo=UTC)
HOUSE = House(
    seller=Party("Waybill Pty Ltd", "51824753556", "14 Martin Place, Sydney NSW 2000"),
    numbering=Numbering("waybill", "WB"),
    zone=SYDNEY,
    terms_days=dict.fromkeys(InvoiceKind, 7),
    approval_limit_cents=20_000,
)
REFERENCES = "UPDATE invoices SET stripe_invoice_id = 'in_' || translate(id::text, '-', '')"
LEFT = """
    SELECT (SELECT count(*) FROM invoice_lines), (SELECT sum(amount_cents) FROM journal_entries WHERE amount_cents > 0),
           (SELECT count(*) FROM invoices WHERE document_status = 'issued'), (SELECT count(*) FROM outbox)
"""

# The rules are those of commands/drafts.py: GST rounded once for the invoice, the missing cents on the largest rests.
FLOOR = f"""
WITH priced AS (
    SELECT installer_id, id, assignment_id, delivered_at, includes_gst, unit_price_cents, gst_treatment,
           CASE WHEN gst_treatment = 'gst_free' THEN 0 WHEN includes_gst THEN unit_price_cents * 10
                ELSE unit_price_cents * 11 END AS gst_110ths,
           CASE product_type WHEN 'exclusive' THEN 'Exclusive lead, ' ELSE 'Shared lead, ' END
               || translate(service, '-_', '  ') || ', ' || locality AS description
      FROM delivery_events
     WHERE delivered_at >= '{BEGINS}' AND delivered_at < '{ENDS}' AND event_status = 'billable'
), summed AS (
    SELECT installer_id, uuidv7() AS invoice_id,
           ((2 * sum(gst_110ths) + 110) / 220)::bigint - sum(gst_110ths / 110)::bigint AS missing_cents
      FROM priced GROUP BY installer_id
), ranked AS (
    SELECT priced.*, row_number() OVER (PARTITION BY installer_id ORDER BY delivered_at, id) AS line_no,
           row_number() OVER (PARTITION BY installer_id ORDER BY gst_110ths % 110 DESC, includes_gst, delivered_at, id)
               AS remainder_no
      FROM priced
), lines AS (
    SELECT ranked.*, invoice_id, gst_110ths / 110 + (remainder_no <= missing_cents)::int AS gst_cents
      FROM ranked JOIN summed USING (installer_id)
), totals AS (
    SELECT invoice_id, installer_id, 'WB-' || lpad(row_number() OVER ()::text, 6, '0') AS number,
           sum(unit_price_cents - CASE WHEN includes_gst THEN gst_cents ELSE 0 END)::bigint AS subtotal_cents,
           sum(gst_cents)::bigint AS gst_cents, json_agg(assignment_id ORDER BY line_no) AS assignment_ids
      FROM lines GROUP BY invoice_id, installer_id
), issued AS (
    INSERT INTO invoices (id, kind, account_id, period, period_start, period_end, document_status, number,
                          subtotal_cents, gst_cents, total_cents, currency, gst_rule, stripe_invoice_id, seller, buyer,
                          created_at, issued_at, sent_at, due_at, version)
    SELECT invoice_id, 'installer', installer_id, '{MONTH}', '{BEGINS}', '{ENDS}', 'issued', number, subtotal_cents,
           gst_cents, subtotal_cents + gst_cents, 'AUD', 'total_invoice', 'in_' || translate(invoice_id::text, '-', ''),
           '{{"name": "Waybill Pty Ltd", "abn": "51824753556"}}', json_build_object('name', a.name, 'abn', a.abn,
           'address', a.billing_address, 'email', a.billing_email), now(), now(), now(), now() + interval '7 days', 3
      FROM totals JOIN accounts a ON a.id = installer_id
), written AS (
    INSERT INTO invoice_lines (invoice_id, line_no, delivery_event_id, description, quantity, unit_price_cents,
                               includes_gst, gst_treatment, ex_gst_cents, gst_cents, inc_gst_cents)
    SELECT invoice_id, line_no, id, description, 1, unit_price_cents, includes_gst, gst_treatment,
           unit_price_cents - CASE WHEN includes_gst THEN gst_cents ELSE 0 END, gst_cents,
           unit_price_cents + CASE WHEN includes_gst THEN 0 ELSE gst_cents END
      FROM lines
), posted AS (
    INSERT INTO journal_postings (id, source_key, kind, occurred_at, posted_at, party_id, invoice_id)
    SELECT invoice_id, 'invoice:' || invoice_id || ':issued', 'invoice_issued', now(), now(), installer_id, invoice_id
      FROM totals
), entered AS (
    INSERT INTO journal_entries (posting_id, entry_no, account, amount_cents, currency)
    SELECT invoice_id, entry_no, account, amount_cents, 'AUD'
      FROM totals, LATERAL (VALUES (1, 'receivable', subtotal_cents + gst_cents), (2, 'revenue', -subtotal_cents),
                                   (3, 'gst_payable', -gst_cents)) AS e (entry_no, account, amount_cents)
     WHERE amount_cents <> 0
), numbered AS (
    INSERT INTO number_series (entity, series, last_number) SELECT 'waybill', 'invoice', count(*) FROM totals
)
INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
SELECT id, outbox_segment(id), shard, uuidv7(), 'billing.invoices', key, decode(repeat('93', 400), 'hex'),
       convert_to(body::text, 'UTF8'), now()
  FROM (SELECT nextval('outbox_ids') AS id, abs(hashtext(invoice_id::text)) % 64 AS shard,
               convert_to(invoice_id::text, 'UTF8') AS key, body
          FROM totals, LATERAL (VALUES
              (json_build_object('invoice_id', invoice_id, 'kind', 'installer', 'installer_id', installer_id,
               'period_start', '{BEGINS}', 'period_end', '{ENDS}', 'total_cents', subtotal_cents + gst_cents,
               'currency', 'AUD')),
              (json_build_object('invoice_id', invoice_id, 'kind', 'installer', 'number', number,
               'installer_id', installer_id, 'subtotal_cents', subtotal_cents, 'gst_cents', gst_cents, 'total_cents',
               subtotal_cents + gst_cents, 'currency', 'AUD', 'issued_at', now(), 'due_at', now())),
              (json_build_object('invoice_id', invoice_id, 'number', number, 'kind', 'installer', 'part_no', 1,
               'assignment_ids', assignment_ids, 'listed_at', now()))) AS told (body)) AS events
"""


async def by_runs(url: str) -> float:
    database = Database(create_engine(url, pool_size=2), "/waybill/billing")
    runner = CloseRunner(database, FixedClock(NOW), HOUSE, None)
    seconds = await _run(database, runner, RunKind.DRAFT)
    async with database.transaction() as session:
        await session.execute(text(REFERENCES))
    seconds += await _run(database, runner, RunKind.ISSUE)
    await database.close()
    return seconds


async def _run(database: Database, runner: CloseRunner, kind: RunKind) -> float:
    began = perf_counter()
    command = StartRun(new_id(), kind, Period.of_month(MONTH, SYDNEY), Decider(new_id(), "Robin Field"))
    async with database.transaction() as session:
        await start_run(session, command, NOW)
    while await runner.step():
        continue
    return perf_counter() - began


async def by_hand(url: str) -> float:
    connection = await asyncpg.connect(url, server_settings={"work_mem": "64MB"})
    began = perf_counter()
    await connection.execute(FLOOR)
    seconds = perf_counter() - began
    await connection.close()
    return seconds


async def closed(side: str, url: str, rows: int) -> dict[str, float]:
    seconds = await (by_runs(url) if side == "ours" else by_hand(url))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    connection = await asyncpg.connect(url)
    lines, debits, invoices, events = await connection.fetchrow(LEFT)
    await connection.close()
    assert lines == rows, f"{lines} lines of {rows} deliveries"
    assert debits, "nothing is posted"
    assert events >= 3 * invoices, f"{events} events of {invoices} invoices"
    return {"lines/s": rows / seconds, "peak MB": peak_mb}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--rows", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(uvloop.run(closed(options.side, options.database, options.rows))))


if __name__ == "__main__":
    main()
