"""From what was delivered to what is billed for it."""

from contracts.values import INVALID_LEAD_CREDITS
from services.billing.domain.certificate import Unit
from services.billing.queries.equalities.declaration import About, Equality

LINES_ARE_DELIVERIES = Equality(
    "lines_are_deliveries",
    "Each line of an installer's invoice is one delivery of its month, at the delivery's price",
    "Prices of the deliveries",
    "Prices on the lines",
    About.DELIVERY,
    """
    SELECT coalesce(line.delivery_event_id, line.invoice_id) AS key, delivery.unit_price_cents AS left_side,
           line.quantity * line.unit_price_cents AS right_side
      FROM invoice_lines line
      JOIN invoices invoice ON invoice.id = line.invoice_id AND invoice.kind = 'installer'
      LEFT JOIN delivery_events delivery
        ON delivery.id = line.delivery_event_id AND delivery.installer_id = invoice.account_id
       AND delivery.delivered_at >= invoice.period_start AND delivery.delivered_at < invoice.period_end
       AND delivery.gst_treatment = line.gst_treatment AND delivery.includes_gst = line.includes_gst
     WHERE line.is_live
    """,
)
# What is billed is told by what bills it, and only what is on no bill is looked up among the issued months: of a month
# that runs that is most of it, of all others what came late. Joined with the issued months first it would be all that
# was ever delivered. An issue sees what was committed before it; what was being recorded in the same minute is late.
MONTHS_BILL_DELIVERIES = Equality(
    "issued_months_bill_their_deliveries",
    "Each billable delivery that was recorded before its month was issued is on a line or a debit",
    "Deliveries that are to be billed",
    "Those that are",
    About.DELIVERY,
    """
    WITH unbilled AS MATERIALIZED (
        SELECT id, installer_id, delivered_at, recorded_at FROM delivery_events delivery
         WHERE event_status = 'billable'
           AND NOT EXISTS (SELECT FROM invoice_lines line WHERE line.delivery_event_id = delivery.id AND line.is_live)
           AND NOT EXISTS (SELECT FROM adjustment_deliveries named
                            WHERE named.delivery_event_id = delivery.id AND named.is_live)
    )
    SELECT delivery_event_id AS key, 1 AS left_side, 1 AS right_side
      FROM invoice_lines WHERE is_live AND delivery_event_id IS NOT NULL
    UNION ALL
    SELECT delivery_event_id, 1, 1 FROM adjustment_deliveries WHERE is_live
    UNION ALL
    SELECT id, 1, 0 FROM unbilled
     WHERE EXISTS (SELECT FROM invoices invoice
                    WHERE invoice.account_id = unbilled.installer_id AND invoice.document_status = 'issued'
                      AND invoice.period_start <= unbilled.delivered_at AND invoice.period_end > unbilled.delivered_at
                      AND invoice.issued_at > unbilled.recorded_at + interval '1 minute')
    """,
    Unit.COUNT,
)
LINES_LIVE_WITH_INVOICES = Equality(
    "lines_live_with_their_invoices",
    "What an invoice bills is billed as long as it stands, and no longer",
    "Lines, and deliveries that debits name, of invoices that stand",
    "Those that are live",
    About.INVOICE,
    """
    SELECT invoice.id AS key, CASE invoice.document_status WHEN 'void' THEN 0 ELSE billed.number END AS left_side,
           billed.live AS right_side
      FROM (SELECT invoice_id, count(*) AS number, count(*) FILTER (WHERE is_live) AS live
              FROM invoice_lines GROUP BY invoice_id
            UNION ALL
            SELECT adjustment.invoice_id, count(*), count(*) FILTER (WHERE named.is_live)
              FROM adjustment_deliveries named JOIN adjustments adjustment ON adjustment.id = named.adjustment_id
             GROUP BY adjustment.invoice_id) AS billed
      JOIN invoices invoice ON invoice.id = billed.invoice_id
    """,
    Unit.COUNT,
)
BILLED_ONCE = Equality(
    "deliveries_are_billed_once",
    "No delivery is billed twice, neither on two lines nor on a line and a debit",
    "Deliveries that are billed",
    "Places that bill them",
    About.DELIVERY,
    """
    SELECT delivery_event_id AS key, 1 AS left_side, count(*) AS right_side
      FROM (SELECT delivery_event_id FROM invoice_lines WHERE is_live AND delivery_event_id IS NOT NULL
            UNION ALL
            SELECT delivery_event_id FROM adjustment_deliveries WHERE is_live) AS billed
     GROUP BY delivery_event_id
    """,
    Unit.COUNT,
)
VOIDED_UNBILLED = Equality(
    "voided_deliveries_are_unbilled",
    "A delivery that was voided is on no bill",
    "Voided deliveries that may be billed",
    "Places that bill them",
    About.DELIVERY,
    """
    SELECT delivery.id AS key, 0 AS left_side,
           (SELECT count(*) FROM invoice_lines WHERE delivery_event_id = delivery.id AND is_live)
         + (SELECT count(*) FROM adjustment_deliveries WHERE delivery_event_id = delivery.id AND is_live) AS right_side
      FROM delivery_events delivery
     WHERE delivery.event_status = 'void'
    """,
    Unit.COUNT,
)
HELD_ARE_RECORDED = Equality(
    "held_deliveries_are_recorded",
    "A held delivery that was priced is in the ledger once, and one that waits is not",
    "Held deliveries that were priced",
    "Delivery events of them",
    About.ASSIGNMENT,
    """
    SELECT held.assignment_id AS key, (held.released_at IS NOT NULL)::int AS left_side,
           (delivery.id IS NOT NULL)::int AS right_side
      FROM held_deliveries held LEFT JOIN delivery_events delivery USING (assignment_id)
    """,
    Unit.COUNT,
)
CREDITED_HAVE_CREDITS = Equality(
    "credited_deliveries_have_credits",
    "A delivery is credited where nothing is left of a line that billed it, and only there",
    "Credited deliveries",
    "Deliveries of lines that are credited whole",
    About.DELIVERY,
    """
    SELECT coalesce(delivery.id, credited.delivery_event_id) AS key, (delivery.id IS NOT NULL)::int AS left_side,
           (credited.delivery_event_id IS NOT NULL)::int AS right_side
      FROM (SELECT id FROM delivery_events WHERE event_status = 'credited') AS delivery
      FULL JOIN (
            SELECT DISTINCT line.delivery_event_id
              FROM (SELECT part.invoice_id, part.line_no, sum(part.ex_gst_cents) AS cents
                      FROM adjustment_lines part
                      JOIN adjustments adjustment ON adjustment.id = part.adjustment_id
                     WHERE adjustment.state = 'approved' GROUP BY part.invoice_id, part.line_no) AS taken
              JOIN invoice_lines line USING (invoice_id, line_no)
             WHERE taken.cents = line.ex_gst_cents AND line.delivery_event_id IS NOT NULL) AS credited
        ON credited.delivery_event_id = delivery.id
    """,
    Unit.COUNT,
)
RELEASES_ARE_CREDITS = Equality(
    "releases_are_credits",
    "A cap that was released for a credit is of a delivery that is not billable any more",
    "Caps released for a credit",
    "Of deliveries that are credited or void",
    About.DELIVERY,
    """
    SELECT id AS key, 1 AS left_side, (event_status <> 'billable')::int AS right_side
      FROM delivery_events
     WHERE cap_release_reason = 'credit_linked'
    """,
    Unit.COUNT,
)
CREDITS_RELEASE_CAPS = Equality(
    "credits_release_caps",
    "A credit for an invalid lead has released its cap, an hour after it at the latest",
    "Deliveries of invalid leads that are not billable any more",
    "Caps of them that are released",
    About.DELIVERY,
    """
    SELECT id AS key, 1 AS left_side, (cap_status = 'released')::int AS right_side
      FROM delivery_events
     WHERE event_status IN ('credited', 'void') AND credit_reason_code IN ({reasons})
       AND (cap_status = 'released' OR coalesce(ended_at, recorded_at) < :as_of - interval '1 hour')
    """.replace("{reasons}", ", ".join(f"'{reason}'" for reason in sorted(INVALID_LEAD_CREDITS))),
    Unit.COUNT,
)

EQUALITIES = (
    LINES_ARE_DELIVERIES,
    MONTHS_BILL_DELIVERIES,
    LINES_LIVE_WITH_INVOICES,
    BILLED_ONCE,
    VOIDED_UNBILLED,
    HELD_ARE_RECORDED,
    CREDITED_HAVE_CREDITS,
    RELEASES_ARE_CREDITS,
    CREDITS_RELEASE_CAPS,
)
