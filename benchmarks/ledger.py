"""Billing's database with a year of deliveries in it, made by statements and not by events."""

from collections.abc import Mapping

MONTH = "2026-03"
BEGINS, ENDS = "2026-02-28 13:00+00", "2026-03-31 13:00+00"
"""March 2026 in Sydney."""
SECONDS = 31 * 24 * 3600


def accounts(installers: int) -> str:
    return f"""
    INSERT INTO accounts (id, kind, name, abn, gst_registered, billing_name, billing_email, billing_address,
                          source_version, created_at, updated_at)
    SELECT uuidv7(), 'installer', 'Solar ' || n, '53004085616', true, 'Solar ' || n || ' Pty Ltd',
           'accounts@solar' || n || '.example', '8 Crown Street, Wollongong NSW 2500', 1, now(), now()
      FROM generate_series(1, {installers}) AS n
    """


def deliveries(rows: int, months: int = 1) -> str:
    """As many for each installer, spread over so many months, the last of which is `MONTH`."""
    return f"""
    INSERT INTO delivery_events (id, assignment_id, lead_id, installer_id, product_type, service, locality,
                                 delivered_at, unit_price_cents, currency, gst_treatment, includes_gst, price_plan_id,
                                 event_status, cap_status, recorded_at, version)
    SELECT uuidv7(at - now()), uuidv7(at - now()), uuidv7(), i.id,
           CASE n % 3 WHEN 0 THEN 'exclusive' ELSE 'shared' END, 'solar-battery', 'Marrickville NSW 2204', at,
           CASE n % 3 WHEN 0 THEN 8500 ELSE 3850 END, 'AUD', 'taxable', false, i.id, 'billable', 'counted', at, 1
      FROM generate_series(1, {rows}) AS n
      JOIN (SELECT id, row_number() OVER (ORDER BY id) AS no, count(*) OVER () AS number FROM accounts) AS i
        ON i.no = 1 + (n % i.number),
           LATERAL (SELECT timestamptz '{BEGINS}' + make_interval(secs => (n * 9973::bigint) % {SECONDS})
                           - make_interval(days => 31 * (n / i.number % {months})::int) AS at) AS made
    """


def month(rows: int, installers: int) -> Mapping[str, str]:
    return {"accounts": accounts(installers), "delivery_events": deliveries(rows)}


def year(rows: int, invoices: int) -> Mapping[str, str]:
    """Twelve months, the last of them to be invoiced: an invoice for each installer and month, a line a delivery."""
    return {
        "accounts": accounts(max(1, invoices // 11)),
        "delivery_events": deliveries(rows, 12),
        "invoices": f"""
        INSERT INTO invoices (id, kind, account_id, period, period_start, period_end, document_status, number,
                              subtotal_cents, gst_cents, total_cents, currency, gst_rule, seller, buyer, created_at,
                              issued_at, due_at, version)
        SELECT uuidv7(), 'installer', installer_id, 'm' || back, since, until, 'issued', 'WB-' || row_number() OVER (),
               cents, cents / 10, cents + cents / 10, 'AUD', 'total_invoice', '{{}}', '{{}}', until, until, until, 3
          FROM (SELECT d.installer_id, back, min(since) AS since, min(until) AS until, sum(unit_price_cents) AS cents
                  FROM delivery_events d, generate_series(1, 11) AS back,
                       LATERAL (SELECT timestamptz '{BEGINS}' - make_interval(days => 31 * back) AS since,
                                       timestamptz '{ENDS}' - make_interval(days => 31 * back) AS until) AS month
                 WHERE d.delivered_at >= since AND d.delivered_at < until
                 GROUP BY d.installer_id, back) AS billed
        """,
        "invoice_lines": """
        INSERT INTO invoice_lines (invoice_id, line_no, delivery_event_id, description, quantity, unit_price_cents,
                                   includes_gst, gst_treatment, ex_gst_cents, gst_cents, inc_gst_cents)
        SELECT i.id, row_number() OVER (PARTITION BY i.id), d.id, 'Shared lead', 1, unit_price_cents, false, 'taxable',
               unit_price_cents, unit_price_cents / 10, unit_price_cents + unit_price_cents / 10
          FROM invoices i JOIN delivery_events d ON d.installer_id = i.account_id
           AND d.delivered_at >= i.period_start AND d.delivered_at < i.period_end
        """,
    }
