"""Billing's books as long as a figure asks for, made by statements: deliveries, their invoices, payments, postings."""

from collections.abc import Mapping

from benchmarks.filled import Filled, tables

DELIVERIES_PER_INVOICE, MONTHS = 10, 50
PRICE_CENTS = 8_500


NET_CENTS = DELIVERIES_PER_INVOICE * PRICE_CENTS
GST_CENTS = NET_CENTS // 10
TOTAL_CENTS = NET_CENTS + GST_CENTS


def _books(deliveries: int) -> Mapping[str, str]:
    """So many deliveries on a tenth of as many invoices, of 50 months; four in five are paid."""
    accounts = max(1, deliveries // DELIVERIES_PER_INVOICE // MONTHS)
    return _accounts(accounts) | _invoices() | _deliveries() | _ledger()


def _accounts(accounts: int) -> dict[str, str]:
    return {
        "accounts": f"""
        INSERT INTO accounts (id, kind, name, billing_name, billing_email, source_version, created_at, updated_at)
        SELECT uuidv7(), 'installer', 'Solar ' || n, 'Solar ' || n, 'accounts@solar' || n || '.example', 1, now(), now()
          FROM generate_series(1, {accounts}) AS n
        """,
        "price_plans": f"""
        INSERT INTO price_plans (installer_id, effective_from, id, exclusive_price_cents, shared_price_cents, currency,
                                 gst_treatment, includes_gst, created_by, created_at)
        SELECT id, '2000-01-01', uuidv7(), {PRICE_CENTS}, 3850, 'AUD', 'taxable', false, 'Robin Field', now()
          FROM accounts
        """,
    }


def _invoices() -> dict[str, str]:
    return {
        "invoices": f"""
        INSERT INTO invoices (id, kind, account_id, period, period_start, period_end, document_status, number,
                              subtotal_cents, gst_cents, total_cents, currency, gst_rule, paid_cents, seller, buyer,
                              created_at, issued_at, due_at, rendered_at, paid_at, version)
        SELECT uuidv7(ends - now()), 'installer', a.id, to_char(begins, 'YYYY-MM'), begins, ends, 'issued',
               'WB-' || lpad((row_number() OVER ())::text, 6, '0'), {NET_CENTS}, {GST_CENTS}, {TOTAL_CENTS},
               'AUD', 'total_invoice',
               CASE WHEN is_paid THEN {TOTAL_CENTS} ELSE 0 END, '{{}}', '{{}}', ends, ends, due, ends,
               CASE WHEN is_paid THEN paid END, 4
          FROM (SELECT id, row_number() OVER (ORDER BY id) AS no FROM accounts) AS a,
               generate_series(1, {MONTHS}) AS m,
               LATERAL (SELECT date_trunc('month', now()) - make_interval(months => m) AS begins,
                               date_trunc('month', now()) - make_interval(months => m - 1) AS ends) AS month,
               LATERAL (SELECT ends + make_interval(days => 7) AS due,
                               ends + make_interval(days => (3 + (a.no + m) % 20)::int) AS paid,
                               (a.no + m) % 5 <> 0 AND ends + make_interval(days => 23) < now() AS is_paid) AS dates
        """,
    }


def _deliveries() -> dict[str, str]:
    return {
        "delivery_events": f"""
        INSERT INTO delivery_events (id, assignment_id, lead_id, installer_id, product_type, service, locality,
                                     delivered_at, unit_price_cents, currency, gst_treatment, includes_gst,
                                     price_plan_id, event_status, cap_status, recorded_at, version)
        SELECT uuidv7(at - now()), uuidv7(), uuidv7(), i.account_id, 'exclusive', 'solar-battery',
               'Marrickville NSW 2204', at, {PRICE_CENTS}, 'AUD', 'taxable', false, p.id, 'billable', 'counted', at, 1
          FROM invoices i JOIN price_plans p ON p.installer_id = i.account_id,
               generate_series(1, {DELIVERIES_PER_INVOICE}) AS n,
               LATERAL (SELECT i.period_start + make_interval(days => n, secs => abs(hashint4(n) % 3600)) AS at) AS t
        """,
        "invoice_lines": f"""
        INSERT INTO invoice_lines (invoice_id, line_no, delivery_event_id, description, quantity, unit_price_cents,
                                   includes_gst, gst_treatment, ex_gst_cents, gst_cents, inc_gst_cents)
        SELECT i.id, row_number() OVER (PARTITION BY i.id ORDER BY d.delivered_at), d.id, 'Exclusive lead', 1,
               {PRICE_CENTS}, false, 'taxable', {PRICE_CENTS}, {PRICE_CENTS // 10}, {PRICE_CENTS + PRICE_CENTS // 10}
          FROM invoices i JOIN delivery_events d
            ON d.installer_id = i.account_id AND d.delivered_at >= i.period_start AND d.delivered_at < i.period_end
        """,
    }


def _ledger() -> dict[str, str]:
    return {
        "payments": f"""
        INSERT INTO payments (id, invoice_id, amount_cents, currency, received_at, method, reference, recorded_by,
                              recorded_at)
        SELECT uuidv7(paid_at - now()), id, {TOTAL_CENTS}, 'AUD', paid_at, 'bank_transfer', 'bank ' || number,
               'Robin Field', paid_at
          FROM invoices WHERE paid_at IS NOT NULL
        """,
        "journal_postings": """
        INSERT INTO journal_postings (id, source_key, kind, occurred_at, posted_at, party_id, invoice_id)
        SELECT uuidv7(at - now()), source_key, kind, at, at, party_id, invoice_id
          FROM (SELECT 'invoice:' || id || ':issued' AS source_key, 'invoice_issued' AS kind, issued_at AS at,
                       account_id AS party_id, id AS invoice_id FROM invoices
                UNION ALL
                SELECT 'payment:' || p.id, 'payment_received', p.received_at, i.account_id, i.id
                  FROM payments p JOIN invoices i ON i.id = p.invoice_id
                 ORDER BY at) AS facts
        """,
        "journal_entries": f"""
        INSERT INTO journal_entries (posting_id, entry_no, account, amount_cents, currency)
        SELECT p.id, entry_no, account, cents, 'AUD'
          FROM journal_postings p
          JOIN (VALUES ('invoice_issued', 1, 'receivable', {TOTAL_CENTS}),
                       ('invoice_issued', 2, 'revenue', -{NET_CENTS}),
                       ('invoice_issued', 3, 'gst_payable', -{GST_CENTS}),
                       ('payment_received', 1, 'cash', {TOTAL_CENTS}),
                       ('payment_received', 2, 'receivable', -{TOTAL_CENTS})) AS e (kind, entry_no, account, cents)
            ON e.kind = p.kind
        """,
    }


BOOKS = Filled("billing", tables(_books, triggers=False), "billing_books")
