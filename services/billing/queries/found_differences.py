"""What differs between our books and what was last seen of Stripe's, in one statement over all of both."""

# Each CTE pairs ours with theirs by the key that both know; what pairs and agrees is left out.
# `lower` and `upper` bound what must be at Stripe too: it is not missing there where nobody looked.
PAIRS = """
    WITH invoice_pairs AS (
        SELECT coalesce(ours.stripe_invoice_id, theirs.stripe_id) AS key, ours.id AS invoice_id, theirs.stripe_id,
               ours.total_cents AS ours_cents, theirs.amount_cents AS theirs_cents, theirs.state AS theirs_state,
               ours.document_status, ours.issued_at,
               CASE WHEN ours.document_status <> 'issued' THEN ours.document_status
                    WHEN ours.balance_cents > 0 THEN 'open'
                    WHEN ours.written_off_cents > 0 THEN 'uncollectible'
                    ELSE 'paid' END AS ours_state
        FROM (SELECT * FROM invoices WHERE stripe_invoice_id IS NOT NULL) ours
        FULL JOIN (SELECT * FROM stripe_items WHERE kind = 'invoice' AND currency = 'aud') theirs
               ON theirs.stripe_id = ours.stripe_invoice_id
    ),
    recorded AS (
        SELECT coalesce(charge.payment_ref, each.reference) AS key, each.*
        FROM (SELECT id, id AS payment_id, invoice_id, NULL::uuid AS receipt_id, external_payment_ref AS reference,
                     amount_cents, received_at
              FROM payments WHERE external_payment_ref IS NOT NULL
              UNION ALL
              SELECT id, NULL, NULL, id, external_payment_ref, amount_cents, received_at
              FROM receipts WHERE external_payment_ref IS NOT NULL) each
        LEFT JOIN stripe_items charge ON charge.kind = 'charge' AND charge.stripe_id = each.reference
    ),
    our_payments AS (
        SELECT key, sum(amount_cents) AS cents, max(received_at) AS received_at,
               (array_agg(payment_id ORDER BY received_at))[1] AS payment_id,
               (array_agg(invoice_id ORDER BY received_at))[1] AS invoice_id
        FROM recorded GROUP BY key
    ),
    their_payments AS (
        SELECT payment_ref AS key, max(stripe_id) AS stripe_id,
               coalesce(sum(amount_cents) FILTER (WHERE state = 'succeeded'), 0) AS cents,
               CASE WHEN bool_or(state = 'succeeded') THEN 'succeeded'
                    WHEN bool_or(state = 'pending') THEN 'pending'
                    ELSE 'failed' END AS state
        FROM stripe_items WHERE kind = 'charge' AND currency = 'aud' GROUP BY payment_ref
    ),
    our_refunds AS (
        SELECT recorded.key, sum(reversal.amount_cents) AS cents, max(reversal.reversed_at) AS reversed_at
        FROM payment_reversals reversal
        LEFT JOIN payments payment ON payment.id = reversal.payment_id
        JOIN recorded ON recorded.id = coalesce(
            CASE WHEN payment.external_payment_ref IS NOT NULL THEN payment.id END, payment.receipt_id,
            reversal.receipt_id
        )
        WHERE reversal.reason_code <> 'charged_back' GROUP BY recorded.key
    ),
    their_refunds AS (
        SELECT payment_ref AS key, max(stripe_id) AS stripe_id, sum(amount_cents) AS cents
        FROM stripe_items
        WHERE kind = 'refund' AND currency = 'aud' AND state NOT IN ('failed', 'canceled') GROUP BY payment_ref
    ),
    our_credits AS (
        SELECT invoice.stripe_invoice_id AS key, invoice.id AS invoice_id,
               sum(credit.ex_gst_cents + credit.gst_cents) AS cents, max(credit.decided_at) AS decided_at
        FROM adjustments credit JOIN invoices invoice ON invoice.id = credit.invoice_id
        WHERE credit.type = 'credit' AND credit.state = 'approved' AND invoice.stripe_invoice_id IS NOT NULL
          AND invoice.document_status = 'issued'
        GROUP BY invoice.stripe_invoice_id, invoice.id
    ),
    their_credits AS (
        SELECT note.source_ref AS key, max(note.stripe_id) AS stripe_id, sum(note.amount_cents) AS cents
        FROM stripe_items note
        JOIN invoices invoice ON invoice.stripe_invoice_id = note.source_ref AND invoice.document_status = 'issued'
        WHERE note.kind = 'credit_note' AND note.currency = 'aud' AND note.state = 'issued' GROUP BY note.source_ref
    ),
    our_transfers AS (
        SELECT split_part(posting.source_key, ':', 2) AS key, abs(entry.amount_cents) AS cents, posting.occurred_at
        FROM journal_postings posting
        JOIN journal_entries entry ON entry.posting_id = posting.id AND entry.account = 'stripe_clearing'
        WHERE posting.kind IN ('payout_sent', 'payout_reversed')
    ),
    their_transfers AS (
        SELECT source_ref AS key, stripe_id, abs(amount_cents) AS cents FROM stripe_items
        WHERE kind = 'movement' AND currency = 'aud' AND source_ref IS NOT NULL
          AND type IN ('transfer', 'transfer_refund')
    ),
    posted AS (
        SELECT split_part(posting.source_key, ':', 2) AS key,
               sum(entry.amount_cents) FILTER (WHERE entry.account = 'stripe_fees') AS fee_cents,
               sum(entry.amount_cents) FILTER (WHERE entry.account = 'cash') AS moved_cents
        FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
        WHERE posting.kind IN ('stripe_fee', 'stripe_moved') GROUP BY 1
    ),
    movements AS (
        SELECT item.*, coalesce(posted.fee_cents, 0) AS posted_fee_cents, posted.moved_cents,
               item.fee_cents
               - CASE WHEN item.type = ANY (:fee_types) THEN item.amount_cents ELSE 0 END AS due_fee_cents
        FROM stripe_items item LEFT JOIN posted ON posted.key = item.stripe_id
        WHERE item.kind = 'movement' AND item.currency = 'aud'
    )
"""

# Kinds follow from which side is missing; the columns are those of `differences` that say what is the matter.
FOUND = """
    found AS (
        SELECT 'invoice' AS about, key AS about_key, 'missing_here' AS kind, invoice_id, NULL::uuid AS payment_id,
               stripe_id, NULL::bigint AS ours_cents, theirs_cents, NULL AS ours_state, theirs_state
        FROM invoice_pairs WHERE invoice_id IS NULL AND theirs_state NOT IN ('draft', 'void', 'deleted')
        UNION ALL
        SELECT 'invoice', key, 'missing_there', invoice_id, NULL, NULL, ours_cents, NULL, ours_state, NULL
        FROM invoice_pairs
        WHERE stripe_id IS NULL AND document_status = 'issued' AND issued_at <= :upper
          AND (CAST(:lower AS timestamptz) IS NULL OR issued_at >= :lower)
          AND NOT EXISTS (SELECT FROM stripe_items WHERE kind = 'invoice' AND stripe_items.stripe_id = key)
        UNION ALL
        SELECT 'invoice', key, 'amount', invoice_id, NULL, stripe_id, ours_cents, theirs_cents, ours_state, theirs_state
        FROM invoice_pairs WHERE document_status <> 'draft' AND ours_cents <> theirs_cents
        UNION ALL
        SELECT 'invoice', key, 'state', invoice_id, NULL, stripe_id, ours_cents, theirs_cents, ours_state, theirs_state
        FROM invoice_pairs WHERE document_status <> 'draft' AND ours_state <> theirs_state
        UNION ALL
        SELECT 'payment', coalesce(ours.key, theirs.key),
               CASE WHEN ours.key IS NULL THEN 'missing_here' WHEN theirs.key IS NULL THEN 'missing_there'
                    WHEN theirs.state <> 'succeeded' THEN 'state' ELSE 'amount' END,
               ours.invoice_id, ours.payment_id, theirs.stripe_id, ours.cents, theirs.cents,
               CASE WHEN ours.key IS NOT NULL THEN 'recorded' END, theirs.state
        FROM our_payments ours FULL JOIN their_payments theirs ON theirs.key = ours.key
        WHERE (ours.key IS NULL AND theirs.state = 'succeeded' AND theirs.cents > 0)
           OR (theirs.key IS NULL AND ours.received_at <= :upper
               AND (CAST(:lower AS timestamptz) IS NULL OR ours.received_at >= :lower))
           OR (ours.key = theirs.key AND (theirs.state <> 'succeeded' OR ours.cents <> theirs.cents))
        UNION ALL
        SELECT 'refund', coalesce(ours.key, theirs.key),
               CASE WHEN ours.key IS NULL THEN 'missing_here' WHEN theirs.key IS NULL THEN 'missing_there'
                    ELSE 'amount' END,
               payment.invoice_id, payment.payment_id, theirs.stripe_id, ours.cents, theirs.cents, NULL, NULL
        FROM our_refunds ours FULL JOIN their_refunds theirs ON theirs.key = ours.key
        LEFT JOIN our_payments payment ON payment.key = coalesce(ours.key, theirs.key)
        WHERE ours.key IS NULL OR ours.cents <> theirs.cents
           OR (theirs.key IS NULL AND ours.reversed_at <= :upper
               AND (CAST(:lower AS timestamptz) IS NULL OR ours.reversed_at >= :lower))
        UNION ALL
        SELECT 'credit_note', coalesce(ours.key, theirs.key),
               CASE WHEN ours.key IS NULL THEN 'missing_here' WHEN theirs.key IS NULL THEN 'missing_there'
                    ELSE 'amount' END,
               coalesce(ours.invoice_id, invoice.id), NULL, theirs.stripe_id, ours.cents, theirs.cents, NULL, NULL
        FROM our_credits ours FULL JOIN their_credits theirs ON theirs.key = ours.key
        LEFT JOIN invoices invoice ON invoice.stripe_invoice_id = theirs.key
        WHERE ours.key IS NULL OR ours.cents <> theirs.cents
           OR (theirs.key IS NULL AND ours.decided_at <= :upper
               AND (CAST(:lower AS timestamptz) IS NULL OR ours.decided_at >= :lower))
        UNION ALL
        SELECT 'transfer', coalesce(ours.key, theirs.key),
               CASE WHEN ours.key IS NULL THEN 'missing_here' WHEN theirs.key IS NULL THEN 'missing_there'
                    ELSE 'amount' END,
               NULL, NULL, theirs.stripe_id, ours.cents, theirs.cents, NULL, NULL
        FROM our_transfers ours FULL JOIN their_transfers theirs ON theirs.key = ours.key
        WHERE ours.key IS NULL OR ours.cents <> theirs.cents
           OR (theirs.key IS NULL AND ours.occurred_at <= :upper
               AND (CAST(:lower AS timestamptz) IS NULL OR ours.occurred_at >= :lower))
        UNION ALL
        SELECT 'movement', stripe_id,
               CASE WHEN moved_cents IS NULL THEN 'missing_here' ELSE 'amount' END,
               NULL, NULL, source_ref, moved_cents, -amount_cents, NULL, type
        FROM movements WHERE type = ANY (:moved_types) AND coalesce(moved_cents, 0) <> -amount_cents
        UNION ALL
        SELECT 'movement', stripe_id, 'missing_here', NULL, NULL, source_ref, NULL, amount_cents, NULL, type
        FROM movements
        WHERE NOT type = ANY (:known_types) AND amount_cents <> 0
          AND NOT EXISTS (SELECT FROM payment_reversals reversal
                          WHERE reversal.external_ref IN (movements.stripe_id, movements.source_ref))
        UNION ALL
        SELECT 'movement', stripe_id, 'fee', NULL, NULL, source_ref, posted_fee_cents, due_fee_cents, NULL, type
        FROM movements WHERE due_fee_cents <> posted_fee_cents
        UNION ALL
        SELECT CASE kind WHEN 'charge' THEN 'payment' ELSE kind END,
               CASE WHEN kind IN ('charge', 'refund') THEN payment_ref WHEN kind = 'credit_note' THEN source_ref
                    ELSE stripe_id END,
               'state', NULL, NULL, max(stripe_id), NULL, NULL, NULL, max(currency)
        FROM stripe_items WHERE currency <> 'aud' AND state NOT IN ('draft', 'void', 'deleted', 'failed')
        GROUP BY 1, 2
        UNION ALL
        SELECT 'balance', 'stripe_clearing', 'amount', NULL, NULL, NULL, clearing.cents, CAST(:balance AS bigint),
               NULL, NULL
        FROM (SELECT coalesce(sum(amount_cents), 0)::bigint AS cents
              FROM journal_entries WHERE account = 'stripe_clearing') clearing
        WHERE clearing.cents <> CAST(:balance AS bigint)
    ),
    coded AS (
        SELECT found.*,
               CASE WHEN kind = 'state' AND ours_state IS NULL THEN 'currency_not_kept'
                    WHEN kind = 'fee' THEN 'fee_differs'
                    WHEN kind = 'missing_here' THEN about || '_not_here'
                    WHEN kind = 'missing_there' THEN about || '_not_at_stripe'
                    ELSE about || '_' || kind || '_differs' END AS code
        FROM found
        WHERE about = ANY (:abouts) AND (CAST(:about_keys AS text[]) IS NULL OR about_key = ANY (:about_keys))
    )
"""

# What is new, what was gone and is back, and what is said otherwise than before; so many at a time. What is opened is
# whose who reconciles, while that one may see to it; whoever had it before has it again, and who gave it back is asked
# no second time.
_OPENING = """
    reconciler AS (
        SELECT operator_id AS id, name FROM operators
        WHERE operator_id = (SELECT reconciler_id FROM stripe_roles) AND is_active
          AND :may_own = ANY (capabilities)
    ),
    changed AS (
        SELECT coded.*, seen.id AS seen_id
        FROM coded
        LEFT JOIN differences seen
               ON seen.about = coded.about AND seen.about_key = coded.about_key AND seen.kind = coded.kind
        WHERE seen.id IS NULL OR seen.state = 'gone'
           OR (seen.code, seen.ours_cents, seen.theirs_cents, seen.ours_state, seen.theirs_state, seen.invoice_id,
               seen.payment_id)
              IS DISTINCT FROM
              (coded.code, coded.ours_cents, coded.theirs_cents, coded.ours_state, coded.theirs_state,
               coded.invoice_id, coded.payment_id)
        ORDER BY coded.about, coded.about_key, coded.kind
        LIMIT :most
    )
    INSERT INTO differences AS kept (
        id, about, about_key, kind, code, invoice_id, payment_id, stripe_id, ours_cents, theirs_cents, ours_state,
        theirs_state, state, owner_id, owner_name, first_seen_at, changed_at, version
    )
    SELECT coalesce(seen_id, gen_random_uuid()), about, about_key, kind, code, invoice_id, payment_id, stripe_id,
           ours_cents, theirs_cents, ours_state, theirs_state, 'open', reconciler.id, reconciler.name, :now, :now, 1
    FROM changed LEFT JOIN reconciler ON true
    ON CONFLICT (about, about_key, kind) DO UPDATE SET
        code = excluded.code, invoice_id = excluded.invoice_id, payment_id = excluded.payment_id,
        stripe_id = excluded.stripe_id, ours_cents = excluded.ours_cents, theirs_cents = excluded.theirs_cents,
        ours_state = excluded.ours_state, theirs_state = excluded.theirs_state, state = 'open', reason_code = NULL,
        reason_text = NULL, accepted_by_name = NULL, changed_at = :now, version = kept.version + 1,
        owner_id = CASE WHEN kept.state = 'gone' AND kept.owner_id IS NULL THEN excluded.owner_id
                        ELSE kept.owner_id END,
        owner_name = CASE WHEN kept.state = 'gone' AND kept.owner_id IS NULL THEN excluded.owner_name
                          ELSE kept.owner_name END,
        first_seen_at = CASE WHEN kept.state = 'open' THEN kept.first_seen_at ELSE excluded.first_seen_at END
    RETURNING kept.id
"""

# What was compared and agrees by now closes itself.
_CLOSING = """
    agreed AS (
        SELECT seen.id FROM differences seen
        WHERE seen.state <> 'gone' AND seen.about = ANY (:abouts)
          AND (CAST(:about_keys AS text[]) IS NULL OR seen.about_key = ANY (:about_keys))
          AND NOT EXISTS (SELECT FROM coded WHERE coded.about = seen.about AND coded.about_key = seen.about_key
                                              AND coded.kind = seen.kind)
        ORDER BY seen.id LIMIT :most FOR UPDATE
    )
    UPDATE differences SET state = 'gone', reason_code = NULL, reason_text = NULL, accepted_by_name = NULL,
           changed_at = :now, version = version + 1
    FROM agreed WHERE differences.id = agreed.id
    RETURNING differences.id
"""

OPEN = ",".join((PAIRS, FOUND, _OPENING))
CLOSE = ",".join((PAIRS, FOUND, _CLOSING))
