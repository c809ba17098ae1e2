"""From the facts of settlement to their postings: payments, receipts, reversals, adjustments, write-offs."""

from services.billing.queries.equalities.declaration import About, Equality


def _posted(facts: str, kinds: str, accounts: str, sign: str = "") -> str:
    """`facts` give key, source_key and cents; what their postings moved on `accounts` stands on the other side."""
    return f"""
    SELECT coalesce(fact.key, posted.posting_id) AS key, fact.cents AS left_side, posted.cents AS right_side
      FROM ({facts}) AS fact
      FULL JOIN (SELECT posting.id AS posting_id, posting.source_key, {sign} sum(entry.amount_cents)::bigint AS cents
                   FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
                  WHERE posting.kind IN ({kinds}) AND entry.account IN ({accounts})
                  GROUP BY posting.id) AS posted ON posted.source_key = fact.source_key
    """  # noqa: S608  # words of the domain


MONEY_IN = "'cash', 'stripe_clearing'"

PAYMENTS_ARE_MONEY = Equality(
    "payments_are_money",
    "Each payment came in once: what Stripe took lies in Stripe clearing, all else in cash",
    "Payments",
    "Cash and Stripe clearing",
    About.PAYMENT,
    """
    SELECT coalesce(payment.id, posted.posting_id) AS key, payment.amount_cents AS left_side,
           posted.cents AS right_side
      FROM (SELECT payment.id, payment.amount_cents, 'payment:' || payment.id AS source_key,
                   CASE WHEN coalesce(payment.external_payment_ref, receipt.external_payment_ref) IS NULL
                        THEN 'cash' ELSE 'stripe_clearing' END AS account
              FROM payments payment LEFT JOIN receipts receipt ON receipt.id = payment.receipt_id) AS payment
      FULL JOIN (SELECT posting.id AS posting_id, posting.source_key, entry.account, entry.amount_cents AS cents
                   FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
                  WHERE posting.kind = 'payment_received'
                    AND entry.account IN ('cash', 'stripe_clearing')) AS posted
        ON posted.source_key = payment.source_key AND posted.account = payment.account
    """,
)
RECEIPTS_ARE_THEIR_PARTS = Equality(
    "receipts_are_payments_and_rests",
    "Each receipt is the payments that came of it and the rest that no invoice took",
    "Receipts",
    "Their payments and rests",
    About.RECEIPT,
    """
    SELECT receipt.id AS key, receipt.amount_cents AS left_side,
           receipt.rest_cents + coalesce(paid.cents, 0) AS right_side
      FROM receipts receipt
      LEFT JOIN (SELECT receipt_id, sum(amount_cents)::bigint AS cents
                   FROM payments WHERE receipt_id IS NOT NULL GROUP BY receipt_id) AS paid
        ON paid.receipt_id = receipt.id
    """,
)
RESTS_ARE_THE_CUSTOMERS = Equality(
    "rests_are_the_customers",
    "The rest of each receipt is posted to the customer's credit",
    "Rests of receipts",
    "Posted as customer credit",
    About.RECEIPT,
    _posted(
        "SELECT id AS key, 'receipt:' || id || ':rest' AS source_key, rest_cents AS cents FROM receipts "
        "WHERE rest_cents > 0",
        "'cash_unapplied'",
        "'customer_credit'",
        "-",
    ),
)
REVERSALS_ARE_POSTED = Equality(
    "reversals_are_posted",
    "What was reversed of payments and rests left cash or Stripe clearing",
    "Reversals",
    "Left cash and Stripe clearing",
    About.REVERSAL,
    _posted(
        "SELECT id AS key, 'payment_reversal:' || id AS source_key, amount_cents AS cents FROM payment_reversals",
        "'payment_reversed'",
        MONEY_IN,
        "-",
    ),
)
REVERSALS_FIT = Equality(
    "reversals_fit_what_came_in",
    "No more is reversed of a payment, or of a rest, than came in",
    "What could be reversed of it",
    "What was",
    About.PAYMENT,
    """
    SELECT coalesce(reversal.payment_id, reversal.receipt_id) AS key,
           least(sum(reversal.amount_cents), coalesce(payment.amount_cents, receipt.rest_cents))::bigint AS left_side,
           sum(reversal.amount_cents)::bigint AS right_side
      FROM payment_reversals reversal
      LEFT JOIN payments payment ON payment.id = reversal.payment_id
      LEFT JOIN receipts receipt ON receipt.id = reversal.receipt_id
     GROUP BY reversal.payment_id, reversal.receipt_id, payment.amount_cents, receipt.rest_cents
    """,
)
ADJUSTMENTS_ARE_POSTED = Equality(
    "adjustments_are_posted",
    "Each credit and debit that was agreed to is posted whole",
    "Credits and debits",
    "What their postings came to",
    About.ADJUSTMENT,
    _posted(
        "SELECT id AS key, 'adjustment:' || id AS source_key, "
        "CASE type WHEN 'debit' THEN 1 ELSE -1 END * (ex_gst_cents + gst_cents) AS cents "
        "FROM adjustments WHERE state = 'approved'",
        "'credit_given', 'debit_charged'",
        "'receivable', 'customer_credit'",
    ),
)
CREDITS_FALL_ON_LINES = Equality(
    "credits_fall_on_lines",
    "Each credit is the parts of it that fall on lines",
    "Credits",
    "Their parts",
    About.ADJUSTMENT,
    """
    SELECT adjustment.id AS key, adjustment.ex_gst_cents + adjustment.gst_cents AS left_side,
           coalesce(part.cents, 0) AS right_side
      FROM adjustments adjustment
      LEFT JOIN (SELECT adjustment_id, sum(ex_gst_cents + gst_cents)::bigint AS cents
                   FROM adjustment_lines GROUP BY adjustment_id) AS part ON part.adjustment_id = adjustment.id
     WHERE adjustment.state = 'approved' AND adjustment.type = 'credit'
    """,
)
LATE_DEBITS_ARE_DELIVERIES = Equality(
    "late_debits_are_deliveries",
    "Each debit for late deliveries is what those deliveries cost",
    "Debits for late deliveries",
    "The deliveries that they name",
    About.ADJUSTMENT,
    """
    SELECT adjustment.id AS key, adjustment.ex_gst_cents + adjustment.gst_cents AS left_side,
           coalesce(named.cents, 0) AS right_side
      FROM adjustments adjustment
      LEFT JOIN (SELECT adjustment_id, sum(ex_gst_cents + gst_cents)::bigint AS cents
                   FROM adjustment_deliveries GROUP BY adjustment_id) AS named ON named.adjustment_id = adjustment.id
     WHERE adjustment.state = 'approved' AND adjustment.reason_code = 'late_delivery'
    """,
)
WRITE_OFFS_ARE_POSTED = Equality(
    "write_offs_are_posted",
    "Each write-off that was agreed to is posted once, and once more where it was reversed",
    "Write-offs and their reversals",
    "Taken off the receivable, and put back",
    About.WRITE_OFF,
    _posted(
        "SELECT id AS key, 'write_off:' || id AS source_key, -amount_cents AS cents FROM write_offs "
        "WHERE state IN ('approved', 'reversed') UNION ALL "
        "SELECT id, 'write_off:' || id || ':reversed', amount_cents FROM write_offs WHERE state = 'reversed'",
        "'written_off', 'write_off_reversed'",
        "'receivable'",
    ),
)

EQUALITIES = (
    PAYMENTS_ARE_MONEY,
    RECEIPTS_ARE_THEIR_PARTS,
    RESTS_ARE_THE_CUSTOMERS,
    REVERSALS_ARE_POSTED,
    REVERSALS_FIT,
    ADJUSTMENTS_ARE_POSTED,
    CREDITS_FALL_ON_LINES,
    LATE_DEBITS_ARE_DELIVERIES,
    WRITE_OFFS_ARE_POSTED,
)
