"""A certificate of the books over a million deliveries, beside one statement that asks the same of them by hand.

Both compare row by row in one snapshot. The hand-written statement reads each table as seldom as it can and answers
with one number; a certificate tells of each equality both sums, how many rows there are and which of them differ.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.filled import Filled, fill, tables
from benchmarks.stage import Stage
from chassis.database import Database, create_engine
from services.billing.domain.certificate import failed
from services.billing.queries.books import MEANS, compare_all

NUMBERS = ("P25",)
LIBRARIES = ("sqlalchemy", "asyncpg")

ROWS, LINES, MONTHS = 1_000_000, 10, 12
FACTOR = 3.0
OURS, FLOOR = "a certificate", "one hand-written statement"
TIME = "time ms"
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)

WRONG = """
WITH lines AS (
    SELECT line.invoice_id, sum(line.inc_gst_cents) AS inc, sum(line.gst_cents) AS gst,
           count(*) FILTER (WHERE delivery.unit_price_cents IS DISTINCT FROM line.unit_price_cents
                               OR delivery.event_status = 'void' OR NOT line.is_live) AS wrong,
           count(*) - count(DISTINCT line.delivery_event_id) AS twice,
           count(*) FILTER (WHERE line.invoice_id IS NULL AND delivery.event_status = 'billable' AND EXISTS (
               SELECT FROM invoices issued
                WHERE issued.account_id = delivery.installer_id AND issued.document_status = 'issued'
                  AND issued.period_start <= delivery.delivered_at AND issued.period_end > delivery.delivered_at
                  AND issued.issued_at > delivery.recorded_at)) AS unbilled,
           count(*) FILTER (WHERE delivery.credit_reason_code IN ('invalid_contact', 'postcode_mismatch')
                              AND delivery.cap_status = 'counted') AS unreleased
      FROM invoice_lines line FULL JOIN delivery_events delivery ON delivery.id = line.delivery_event_id
     GROUP BY line.invoice_id
), postings AS (
    SELECT posting.invoice_id, posting.kind, posting.source_key, sum(entry.amount_cents) AS off,
           sum(entry.amount_cents) FILTER (WHERE entry.account = 'receivable') AS receivable,
           sum(entry.amount_cents) FILTER (WHERE entry.account = 'revenue') AS revenue,
           sum(entry.amount_cents) FILTER (WHERE entry.account = 'gst_payable') AS gst,
           sum(entry.amount_cents) FILTER (WHERE entry.account = 'customer_credit') AS left_over,
           sum(entry.amount_cents) FILTER (WHERE entry.account IN ('cash', 'stripe_clearing')) AS money
      FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
     GROUP BY posting.id
), ledger AS (
    SELECT invoice_id, sum(receivable) AS receivable, sum(revenue) AS revenue, sum(gst) AS gst,
           sum(left_over) AS left_over, count(*) FILTER (WHERE off <> 0) AS off,
           count(*) FILTER (WHERE kind = 'invoice_issued') AS issues
      FROM postings GROUP BY invoice_id
), paid AS (
    SELECT payment.invoice_id, sum(payment.amount_cents) AS cents,
           count(*) FILTER (WHERE postings.money IS DISTINCT FROM payment.amount_cents) AS wrong
      FROM payments payment LEFT JOIN postings ON postings.source_key = 'payment:' || payment.id
     GROUP BY payment.invoice_id
), numbers AS (
    SELECT count(*) AS given, max(substring(number FROM '[0-9]+$')::bigint) AS last
      FROM invoices WHERE number IS NOT NULL
)
SELECT count(*) FILTER (WHERE lines.inc IS DISTINCT FROM invoice.total_cents OR lines.gst <> invoice.gst_cents
                           OR lines.wrong > 0 OR lines.twice > 0
                           OR ledger.receivable IS DISTINCT FROM invoice.balance_cents
                           OR -ledger.revenue <> invoice.subtotal_cents OR -ledger.gst <> invoice.gst_cents
                           OR coalesce(ledger.left_over, 0) <> -invoice.customer_credit_cents
                           OR ledger.off > 0 OR ledger.issues <> 1
                           OR coalesce(paid.cents, 0) <> invoice.paid_cents OR paid.wrong > 0
                           OR document.sha256 IS NULL)
     + (SELECT (given <> last)::int FROM numbers) + (SELECT sum(unbilled + unreleased) FROM lines)
  FROM invoices invoice
  LEFT JOIN lines ON lines.invoice_id = invoice.id
  LEFT JOIN ledger ON ledger.invoice_id = invoice.id
  LEFT JOIN paid ON paid.invoice_id = invoice.id
  LEFT JOIN documents document ON document.invoice_id = invoice.id AND document.adjustment_id IS NULL
"""


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    rows = stage.sized(ROWS, at_least=1_000) // LINES * LINES
    made = await fill(stage, Filled("billing", tables(_billed, triggers=False), "billing_books"), rows)
    database = Database(create_engine(made.url, pool_size=1, statement_timeout_seconds=900), "/waybill/billing")
    pair = _Pair(database)
    yield [
        Figure(
            "certificate of the books",
            f"A certificate over {rows:,} deliveries on {rows // LINES:,} invoices",
            [Side(OURS, pair.ours), Side(FLOOR, pair.by_hand)],
            [Claim("P25", TIME, OURS, FLOOR, at_most=FACTOR)],
            {"deliveries": rows, "invoices": rows // LINES},
        )
    ]
    await database.close()


@dataclass
class _Pair:
    database: Database

    async def ours(self) -> Sample:
        started = time.perf_counter()
        async with self.database.reading(isolation="repeatable read") as session:
            verdicts = await compare_all(session, AS_OF)
        taken = time.perf_counter() - started
        assert failed(verdicts) == ()
        return {TIME: taken * 1000, "equalities": len(verdicts)}

    async def by_hand(self) -> Sample:
        """With the same memory and the same planner's settings."""
        started = time.perf_counter()
        async with self.database.reading(isolation="repeatable read") as session:
            for setting in MEANS.split("; "):
                await session.execute(text(setting))
            wrong = await session.scalar(text(WRONG))
        taken = time.perf_counter() - started
        assert wrong == 0
        return {TIME: taken * 1000}


def _billed(rows: int) -> Mapping[str, str]:
    """Twelve months of as many installers as that takes, ten deliveries an invoice, every other one paid."""
    invoices = rows // LINES
    installers = max(1, -(-invoices // MONTHS))
    place = f"i % {installers} AS installer, make_date(2025, 1 + i / {installers}, 1)::timestamptz AS begin"
    invoice = f"SELECT i, md5('i' || i)::uuid AS id, {place} FROM generate_series(0, {invoices} - 1) AS i"
    delivery = (
        f"SELECT n, n / {LINES} AS i, md5('d' || n)::uuid AS id, md5('i' || n / {LINES})::uuid AS invoice_id, "
        f"{place.replace('i /', f'n / {LINES} /').replace('i %', f'n / {LINES} %')} "
        f"FROM generate_series(0, {rows} - 1) AS n"
    )
    return {
        "accounts": f"""
        INSERT INTO accounts (id, kind, name, billing_name, billing_email, source_version, created_at, updated_at)
        SELECT md5('a' || n)::uuid, 'installer', 'Solar ' || n, 'Solar ' || n, 'accounts@solar.example', 1, now(), now()
          FROM generate_series(0, {installers} - 1) AS n
        """,
        "price_plans": """
        INSERT INTO price_plans (installer_id, effective_from, id, exclusive_price_cents, shared_price_cents, currency,
                                 gst_treatment, includes_gst, created_by, created_at)
        SELECT id, '2024-01-01', id, 8500, 3850, 'AUD', 'taxable', false, 'Robin Field', now() FROM accounts
        """,
        "delivery_events": f"""
        INSERT INTO delivery_events (id, assignment_id, lead_id, installer_id, product_type, service, locality,
                                     delivered_at, unit_price_cents, currency, gst_treatment, includes_gst,
                                     price_plan_id, event_status, cap_status, recorded_at)
        SELECT id, id, id, md5('a' || installer)::uuid, 'exclusive', 'solar-battery', 'Newtown NSW 2042',
               begin + make_interval(days => 1 + n % {LINES}), 8500, 'AUD', 'taxable', false,
               md5('a' || installer)::uuid, 'billable', 'counted', begin + make_interval(days => 1 + n % {LINES})
          FROM ({delivery}) AS made
        """,
        "invoices": f"""
        INSERT INTO invoices (id, kind, account_id, period, period_start, period_end, document_status, number,
                              subtotal_cents, gst_cents, total_cents, currency, gst_rule, paid_cents, seller, buyer,
                              created_at, issued_at, due_at, rendered_at, paid_at)
        SELECT id, 'installer', md5('a' || installer)::uuid, to_char(begin, 'YYYY-MM'), begin,
               begin + interval '1 month', 'issued', 'WB-' || lpad((i + 1)::text, 6, '0'), 85000, 8500, 93500, 'AUD',
               'total_invoice', CASE i % 2 WHEN 0 THEN 93500 ELSE 0 END, '{{}}', '{{}}', at, at, at, at,
               CASE i % 2 WHEN 0 THEN at END
          FROM ({invoice}) AS made, LATERAL (SELECT begin + interval '1 month 2 days' AS at) AS issue
        """,
        "invoice_lines": f"""
        INSERT INTO invoice_lines (invoice_id, line_no, delivery_event_id, description, quantity, unit_price_cents,
                                   includes_gst, gst_treatment, ex_gst_cents, gst_cents, inc_gst_cents)
        SELECT invoice_id, 1 + n % {LINES}, id, 'Exclusive lead', 1, 8500, false, 'taxable', 8500, 850, 9350
          FROM ({delivery}) AS made
        """,
        "number_series": f"INSERT INTO number_series VALUES ('waybill', 'invoice', {invoices})",
        "documents": """
        INSERT INTO documents (id, kind, invoice_id, number, file_name, media_type, sha256, content, created_at)
        SELECT id, 'tax_invoice', id, number, number || '.pdf', 'application/pdf',
               encode(sha256(number::bytea), 'hex'), number::bytea, issued_at FROM invoices
        """,
        "payments": """
        INSERT INTO payments (id, invoice_id, amount_cents, currency, received_at, method, reference, recorded_by,
                              recorded_at)
        SELECT id, id, paid_cents, 'AUD', issued_at, 'bank_transfer', number || '/1', 'Robin Field', issued_at
          FROM invoices WHERE paid_cents > 0
        """,
        "journal_postings": """
        INSERT INTO journal_postings (id, source_key, kind, occurred_at, posted_at, party_id, invoice_id)
        SELECT id, 'invoice:' || id || ':issued', 'invoice_issued', issued_at, issued_at, account_id, id FROM invoices
        UNION ALL
        SELECT md5('p' || id)::uuid, 'payment:' || id, 'payment_received', issued_at, issued_at, account_id, id
          FROM invoices WHERE paid_cents > 0
        """,
        "journal_entries": """
        INSERT INTO journal_entries (posting_id, entry_no, account, amount_cents, currency)
        SELECT id, entry_no, account, cents, 'AUD' FROM journal_postings, LATERAL (VALUES
               ('invoice_issued', 1, 'receivable', 93500), ('invoice_issued', 2, 'revenue', -85000),
               ('invoice_issued', 3, 'gst_payable', -8500), ('payment_received', 1, 'cash', 93500),
               ('payment_received', 2, 'receivable', -93500)) AS entry (of, entry_no, account, cents)
         WHERE entry.of = kind
        """,
    }
