"""From lines to invoices, to their numbers and documents, and to what is owed of each."""

from services.billing.domain.certificate import Unit
from services.billing.queries.equalities.declaration import About, Equality


def _lines(face: str, part: str) -> str:
    return f"""
    SELECT invoice.id AS key, invoice.{face} AS left_side, coalesce(line.cents, 0) AS right_side
      FROM invoices invoice
      LEFT JOIN (SELECT invoice_id, sum({part})::bigint AS cents FROM invoice_lines GROUP BY invoice_id) AS line
        ON line.invoice_id = invoice.id
    """  # noqa: S608  # columns' names


def _numbers(series: str, table: str) -> str:
    """Each number up to the last that was given, as often as there are entities that gave it.

    It is told as it is printed; one that is on nothing has its digits alone.
    """
    return f"""
    SELECT coalesce(found.printed, given.number::text) AS key, given.times AS left_side, found.times AS right_side
      FROM (SELECT number, count(*) AS times
              FROM number_series, generate_series(1, last_number) AS number
             WHERE series = '{series}' GROUP BY number) AS given
      FULL JOIN (SELECT substring(number FROM '[0-9]+$')::bigint AS number, count(*) AS times, min(number) AS printed
                   FROM {table} WHERE number IS NOT NULL GROUP BY 1) AS found ON found.number = given.number
    """  # noqa: S608  # a table's and a series' name


LINES_ARE_TOTALS = Equality(
    "lines_are_totals",
    "The lines of each invoice come to its total",
    "Totals of the invoices",
    "Their lines",
    About.INVOICE,
    _lines("total_cents", "inc_gst_cents"),
)
LINE_GST_IS_INVOICE_GST = Equality(
    "line_gst_is_invoice_gst",
    "The GST of an invoice's lines comes to its GST, which is rounded once",
    "GST of the invoices",
    "GST of their lines",
    About.INVOICE,
    _lines("gst_cents", "gst_cents"),
)
INVOICE_NUMBERS = Equality(
    "invoice_numbers_have_no_gaps",
    "Every invoice number that was given is on one invoice",
    "Numbers that were given",
    "Invoices that have them",
    About.NUMBER,
    _numbers("invoice", "invoices"),
    Unit.COUNT,
)
NOTE_NUMBERS = Equality(
    "note_numbers_have_no_gaps",
    "Every number of an adjustment note that was given is on one credit or debit",
    "Numbers that were given",
    "Credits and debits that have them",
    About.NUMBER,
    _numbers("adjustment_note", "adjustments"),
    Unit.COUNT,
)
DOCUMENTS_ARE_KEPT = Equality(
    "documents_are_kept",
    "Every issued invoice and every adjustment note has its document with its hash, an hour after it at the latest",
    "Invoices and notes",
    "Documents of them",
    About.INVOICE,
    """
    SELECT issued.invoice_id AS key, 1 AS left_side,
           (document.sha256 IS NOT NULL AND document.number = issued.number)::int AS right_side
      FROM (SELECT id AS invoice_id, NULL::uuid AS adjustment_id, number, rendered_at, issued_at AS at
              FROM invoices WHERE issued_at IS NOT NULL
            UNION ALL
            SELECT invoice_id, id, number, rendered_at, decided_at FROM adjustments WHERE state = 'approved') AS issued
      LEFT JOIN documents document
        ON document.invoice_id = issued.invoice_id AND document.adjustment_id IS NOT DISTINCT FROM issued.adjustment_id
     WHERE issued.rendered_at IS NOT NULL OR issued.at < :as_of - interval '1 hour'
    """,
    Unit.COUNT,
)
PAID_IS_PAYMENTS = Equality(
    "paid_is_payments",
    "What is paid of an invoice are its payments less what was reversed of them",
    "Paid, by the invoices",
    "Payments less reversals",
    About.INVOICE,
    """
    SELECT invoice.id AS key, invoice.paid_cents AS left_side, coalesce(money.cents, 0) AS right_side
      FROM invoices invoice
      LEFT JOIN (SELECT invoice_id, sum(cents)::bigint AS cents
                   FROM (SELECT invoice_id, amount_cents AS cents FROM payments
                         UNION ALL
                         SELECT payment.invoice_id, -reversal.amount_cents
                           FROM payment_reversals reversal
                           JOIN payments payment ON payment.id = reversal.payment_id) AS moved
                  GROUP BY invoice_id) AS money ON money.invoice_id = invoice.id
    """,
)
ADJUSTMENTS_ARE_APPLIED = Equality(
    "adjustments_are_applied",
    "What an invoice was adjusted by are its credits and debits, with their GST",
    "Adjusted, by the invoices",
    "Credits and debits that were agreed to",
    About.INVOICE,
    """
    SELECT invoice.id AS key,
           invoice.debits_cents - invoice.credits_cents + invoice.adjusted_gst_cents AS left_side,
           coalesce(changed.cents, 0) AS right_side
      FROM invoices invoice
      LEFT JOIN (SELECT invoice_id,
                        sum(CASE type WHEN 'debit' THEN 1 ELSE -1 END * (ex_gst_cents + gst_cents))::bigint AS cents
                   FROM adjustments WHERE state = 'approved' GROUP BY invoice_id) AS changed
        ON changed.invoice_id = invoice.id
    """,
)
WRITTEN_OFF_IS_WRITE_OFFS = Equality(
    "written_off_is_write_offs",
    "What is written off of an invoice are its write-offs that stand",
    "Written off, by the invoices",
    "Write-offs that stand",
    About.INVOICE,
    """
    SELECT invoice.id AS key, invoice.written_off_cents AS left_side, coalesce(written.cents, 0) AS right_side
      FROM invoices invoice
      LEFT JOIN (SELECT invoice_id, sum(amount_cents)::bigint AS cents
                   FROM write_offs WHERE state = 'approved' GROUP BY invoice_id) AS written
        ON written.invoice_id = invoice.id
    """,
)

EQUALITIES = (
    LINES_ARE_TOTALS,
    LINE_GST_IS_INVOICE_GST,
    INVOICE_NUMBERS,
    NOTE_NUMBERS,
    DOCUMENTS_ARE_KEPT,
    PAID_IS_PAYMENTS,
    ADJUSTMENTS_ARE_APPLIED,
    WRITTEN_OFF_IS_WRITE_OFFS,
)
