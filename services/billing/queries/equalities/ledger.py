"""The journal against the invoices and accounts that it is about, and within itself."""

from services.billing.domain.certificate import Unit
from services.billing.domain.reconciliation import FEE_TYPES
from services.billing.queries.equalities.declaration import About, Equality


def _by_invoice(account: str, said: str, sign: str = "", tables: str = "") -> str:
    """What each invoice says, against what its postings come to on one account of the ledger."""
    return f"""
    SELECT coalesce(invoice.id, ledger.invoice_id) AS key, coalesce(invoice.cents, 0) AS left_side,
           coalesce(ledger.cents, 0) AS right_side
      FROM (SELECT invoices.id, {said} AS cents FROM invoices {tables}) AS invoice
      FULL JOIN (SELECT posting.invoice_id, {sign} sum(entry.amount_cents)::bigint AS cents
                   FROM journal_entries entry JOIN journal_postings posting ON posting.id = entry.posting_id
                  WHERE entry.account = '{account}' AND {_OF_INVOICES[account]}
                  GROUP BY posting.invoice_id) AS ledger ON ledger.invoice_id = invoice.id
    """  # noqa: S608  # words of the domain


# What a receipt leaves is the customer's before any invoice takes it: it is compared by account.
_OF_INVOICES = {
    "receivable": "true",
    "revenue": "true",
    "gst_payable": "true",
    "credits_given": "true",
    "bad_debts": "true",
    "customer_credit": "posting.invoice_id IS NOT NULL",
}
_WRITTEN_OFF = """
    LEFT JOIN (SELECT invoice_id, sum(amount_cents)::bigint AS cents, sum(gst_cents)::bigint AS gst
                 FROM write_offs WHERE state = 'approved' GROUP BY invoice_id) AS written
      ON written.invoice_id = invoices.id
"""


def _issued(said: str) -> str:
    """A draft is in no book yet, and a void invoice in none any more."""
    return f"CASE invoices.document_status WHEN 'issued' THEN {said} ELSE 0 END"


INVOICES_ARE_POSTED = Equality(
    "invoices_are_posted",
    "Each invoice that was issued is posted once, with its total",
    "Totals of issued invoices",
    "Receivable by their issue",
    About.INVOICE,
    """
    SELECT coalesce(invoice.id, posted.invoice_id) AS key, invoice.total_cents AS left_side, posted.cents AS right_side
      FROM (SELECT id, total_cents FROM invoices WHERE issued_at IS NOT NULL AND total_cents <> 0) AS invoice
      FULL JOIN (SELECT posting.invoice_id, sum(entry.amount_cents)::bigint AS cents
                   FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
                  WHERE posting.kind = 'invoice_issued' AND entry.account = 'receivable'
                  GROUP BY posting.invoice_id) AS posted ON posted.invoice_id = invoice.id
    """,
)
RECEIVABLE_IS_OWED = Equality(
    "receivable_is_owed",
    "What the journal says is owed of each invoice is the invoice's balance",
    "Balances of the invoices",
    "Receivable",
    About.INVOICE,
    _by_invoice("receivable", _issued("balance_cents")),
)
REVENUE_IS_INVOICED = Equality(
    "revenue_is_invoiced",
    "Revenue is what was invoiced, with debits, ex GST",
    "Subtotals and debits",
    "Revenue",
    About.INVOICE,
    _by_invoice("revenue", _issued("subtotal_cents + debits_cents"), "-"),
)
GST_IS_INVOICED = Equality(
    "gst_is_invoiced",
    "GST payable is the GST of invoices and notes, less that of bad debts",
    "GST of the invoices",
    "GST payable",
    About.INVOICE,
    _by_invoice(
        "gst_payable",
        _issued("gst_cents + adjusted_gst_cents - coalesce(written.gst, 0)"),
        "-",
        _WRITTEN_OFF,
    ),
)
CREDITS_ARE_GIVEN = Equality(
    "credits_are_given",
    "What was given in credits is what the invoices were credited with, ex GST",
    "Credits, by the invoices",
    "Credits given",
    About.INVOICE,
    _by_invoice("credits_given", _issued("credits_cents")),
)
BAD_DEBTS_ARE_WRITTEN_OFF = Equality(
    "bad_debts_are_written_off",
    "Bad debts are the write-offs that stand, ex GST",
    "Write-offs that stand",
    "Bad debts",
    About.INVOICE,
    _by_invoice("bad_debts", "coalesce(written.cents - written.gst, 0)", "", _WRITTEN_OFF),
)
LEFT_OVER_IS_POSTED = Equality(
    "left_over_is_posted",
    "What each invoice left to its customer, or took of it, is in the journal",
    "Customer credit, by the invoices",
    "Customer credit, by their postings",
    About.INVOICE,
    _by_invoice("customer_credit", "customer_credit_cents", "-"),
)
CUSTOMER_CREDIT_IS_POSTED = Equality(
    "customer_credit_is_posted",
    "What each customer has with us is what the journal says",
    "Customer credit, by the accounts",
    "Customer credit, by the journal",
    About.ACCOUNT,
    """
    SELECT coalesce(account.id, ledger.party_id) AS key, coalesce(account.customer_credit_cents, 0) AS left_side,
           coalesce(ledger.cents, 0) AS right_side
      FROM accounts account
      FULL JOIN (SELECT posting.party_id, -sum(entry.amount_cents)::bigint AS cents
                   FROM journal_entries entry JOIN journal_postings posting ON posting.id = entry.posting_id
                  WHERE entry.account = 'customer_credit' GROUP BY posting.party_id) AS ledger
        ON ledger.party_id = account.id
    """,
)
CUSTOMER_CREDIT_IS_LEFT_OVER = Equality(
    "customer_credit_is_left_over",
    "What each customer has with us is what its invoices and receipts left",
    "Customer credit, by the accounts",
    "Left by invoices and receipts",
    About.ACCOUNT,
    """
    SELECT account.id AS key, account.customer_credit_cents AS left_side, coalesce(left_over.cents, 0) AS right_side
      FROM accounts account
      LEFT JOIN (SELECT account_id, sum(cents)::bigint AS cents
                   FROM (SELECT account_id, customer_credit_cents AS cents FROM invoices
                         UNION ALL
                         SELECT account_id, rest_cents FROM receipts
                         UNION ALL
                         SELECT receipt.account_id, -reversal.amount_cents
                           FROM payment_reversals reversal
                           JOIN receipts receipt ON receipt.id = reversal.receipt_id) AS moved
                  GROUP BY account_id) AS left_over ON left_over.account_id = account.id
    """,
)
POSTINGS_BALANCE = Equality(
    "postings_balance",
    "Each posting debits what it credits, in one currency",
    "Debit",
    "Credit",
    About.POSTING,
    """
    SELECT posting.id AS key, coalesce(entry.debit, 0) AS left_side, entry.credit AS right_side
      FROM journal_postings posting
      LEFT JOIN (SELECT posting_id, sum(greatest(amount_cents, 0))::bigint AS debit,
                        sum(greatest(-amount_cents, 0))::bigint AS credit
                   FROM journal_entries GROUP BY posting_id, currency) AS entry ON entry.posting_id = posting.id
    """,
)
# What pays for an invoice out of the customer's credit is written down in the journal alone, as are experts' pay and
# Stripe's own movements, which others tell: their postings are the facts.
POSTINGS_ARE_FACTS = Equality(
    "postings_are_facts",
    "Each fact that moves money is posted once, and nothing is posted without a fact",
    "Facts",
    "Postings of them",
    About.SOURCE,
    """
    SELECT coalesce(fact.source_key, posting.source_key) AS key, (fact.source_key IS NOT NULL)::int AS left_side,
           (posting.source_key IS NOT NULL)::int AS right_side
      FROM (SELECT 'invoice:' || id || ':issued' AS source_key FROM invoices
             WHERE issued_at IS NOT NULL AND (subtotal_cents <> 0 OR gst_cents <> 0)
            UNION ALL
            SELECT 'invoice:' || id || ':voided' FROM invoices
             WHERE voided_at IS NOT NULL AND issued_at IS NOT NULL
               AND (subtotal_cents + debits_cents <> 0 OR credits_cents <> 0 OR gst_cents + adjusted_gst_cents <> 0)
            UNION ALL SELECT 'payment:' || id FROM payments
            UNION ALL SELECT 'receipt:' || id || ':rest' FROM receipts WHERE rest_cents > 0
            UNION ALL SELECT 'payment_reversal:' || id FROM payment_reversals
            UNION ALL SELECT 'adjustment:' || id FROM adjustments WHERE state = 'approved'
            UNION ALL SELECT 'write_off:' || id FROM write_offs WHERE state IN ('approved', 'reversed')
            UNION ALL SELECT 'write_off:' || id || ':reversed' FROM write_offs WHERE state = 'reversed') AS fact
      FULL JOIN (SELECT source_key FROM journal_postings
                  WHERE kind IN ('invoice_issued', 'invoice_voided', 'payment_received', 'payment_reversed',
                                 'cash_unapplied', 'credit_given', 'debit_charged', 'written_off',
                                 'write_off_reversed')) AS posting
        ON posting.source_key = fact.source_key
    """,
    Unit.COUNT,
)
UNAPPLIED_WAS_APPLIED = Equality(
    "unapplied_credit_was_applied",
    "Customer credit that was taken off an invoice again is what had paid for it",
    "Applied, of what was unapplied",
    "Unapplied",
    About.POSTING,
    """
    SELECT unapplied.id AS key, applied.cents AS left_side, unapplied.cents AS right_side
      FROM (SELECT posting.id, posting.source_key, entry.amount_cents AS cents
              FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
             WHERE posting.kind = 'credit_unapplied' AND entry.account = 'receivable') AS unapplied
      LEFT JOIN (SELECT posting.source_key, -entry.amount_cents AS cents
                   FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
                  WHERE posting.kind = 'credit_applied' AND entry.account = 'receivable') AS applied
        ON applied.source_key || ':reversed' = unapplied.source_key
    """,
)
STRIPES_ROWS_ARE_POSTED = Equality(
    "stripes_rows_are_posted",
    "Fees and movements to the bank that are posted are rows of Stripe's balance",
    "By Stripe's rows",
    "By the journal",
    About.POSTING,
    """
    SELECT posting.id AS key,
           CASE posting.kind
           WHEN 'stripe_fee'
           THEN item.fee_cents - CASE WHEN item.type = ANY (ARRAY[{fees}]) THEN item.amount_cents ELSE 0 END
           ELSE -item.amount_cents END AS left_side, -entry.amount_cents AS right_side
      FROM journal_postings posting
      JOIN journal_entries entry ON entry.posting_id = posting.id AND entry.account = 'stripe_clearing'
      LEFT JOIN stripe_items item ON item.kind = 'movement' AND item.stripe_id = split_part(posting.source_key, ':', 2)
     WHERE posting.kind IN ('stripe_fee', 'stripe_moved')
    """.replace("{fees}", ", ".join(f"'{each}'" for each in sorted(FEE_TYPES))),
)
PAY_IS_ALLOCATED = Equality(
    "pay_is_allocated",
    "No payout sent an expert more than was allocated to it",
    "Sent that was allocated",
    "Sent, less what was reversed",
    About.PAYOUT,
    """
    SELECT payout_id AS key, least(allocated, sent) AS left_side, sent AS right_side
      FROM (SELECT posting.payout_id,
                   coalesce(-sum(entry.amount_cents) FILTER (WHERE posting.kind = 'payout_allocated'), 0)::bigint
                       AS allocated,
                   coalesce(sum(entry.amount_cents) FILTER (WHERE posting.kind <> 'payout_allocated'), 0)::bigint
                       AS sent
              FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
             WHERE posting.payout_id IS NOT NULL AND entry.account = 'expert_payable'
             GROUP BY posting.payout_id) AS payout
    """,
)

EQUALITIES = (
    INVOICES_ARE_POSTED,
    RECEIVABLE_IS_OWED,
    REVENUE_IS_INVOICED,
    GST_IS_INVOICED,
    CREDITS_ARE_GIVEN,
    BAD_DEBTS_ARE_WRITTEN_OFF,
    LEFT_OVER_IS_POSTED,
    CUSTOMER_CREDIT_IS_POSTED,
    CUSTOMER_CREDIT_IS_LEFT_OVER,
    POSTINGS_BALANCE,
    POSTINGS_ARE_FACTS,
    UNAPPLIED_WAS_APPLIED,
    STRIPES_ROWS_ARE_POSTED,
    PAY_IS_ALLOCATED,
)
