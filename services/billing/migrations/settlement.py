"""The frozen functions and triggers of step 0016: references that stand for one thing, and what is proved at commit."""

# A reference stands for money that came in once, alone or with other payments. Two who use one at the same time meet at
# one of so many locks: a lock for each reference would fill the server's table of locks where many come in one go.
REFERENCES = """
CREATE FUNCTION refuse_taken_reference() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    given text[] := array_remove(ARRAY[NEW.reference, NEW.external_payment_ref], NULL);
    slot bigint;
    taken boolean;
BEGIN
    FOR slot IN SELECT DISTINCT hashtext(name) & 1023 FROM unnest(given) AS name ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('billing.payment_references:' || slot, 0));
    END LOOP;
    IF TG_TABLE_NAME = 'payments' THEN
        SELECT EXISTS (SELECT FROM receipts WHERE reference = ANY (given)
                       UNION ALL SELECT FROM receipts WHERE external_payment_ref = ANY (given)) INTO taken;
    ELSE
        SELECT EXISTS (SELECT FROM payments WHERE reference = ANY (given)
                       UNION ALL SELECT FROM payments WHERE external_payment_ref = ANY (given)) INTO taken;
    END IF;
    IF taken THEN
        RAISE EXCEPTION 'the reference stands for other money that came in'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'uq_' || TG_TABLE_NAME || '_reference';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_have_their_own_reference BEFORE INSERT ON payments FOR EACH ROW
    WHEN (NEW.reference IS NOT NULL OR NEW.external_payment_ref IS NOT NULL) EXECUTE FUNCTION refuse_taken_reference();
CREATE TRIGGER receipts_have_their_own_reference BEFORE INSERT ON receipts FOR EACH ROW
    EXECUTE FUNCTION refuse_taken_reference();
DROP TRIGGER payments_at_stripe_have_its_id ON payments;
CREATE TRIGGER payments_at_stripe_have_its_id BEFORE INSERT ON payments FOR EACH ROW
    WHEN (NEW.method = 'stripe' AND NEW.external_payment_ref IS NULL AND NEW.receipt_id IS NULL)
    EXECUTE FUNCTION refuse_nameless_payment();
"""

# At commit, as all of it is several statements of one transaction. A function for each noun, called for the owner.
PROVING = """
CREATE FUNCTION prove_invoice(owner uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    said invoices%ROWTYPE;
    paid bigint;
    written_off bigint;
    credits bigint;
    debits bigint;
    gst bigint;
    left_over bigint;
BEGIN
    SELECT * INTO said FROM invoices WHERE id = owner;
    SELECT (SELECT coalesce(sum(amount_cents), 0) FROM payments WHERE invoice_id = owner)
         - (SELECT coalesce(sum(reversal.amount_cents), 0)
            FROM payments payment JOIN payment_reversals reversal ON reversal.payment_id = payment.id
            WHERE payment.invoice_id = owner) INTO paid;
    SELECT coalesce(sum(amount_cents), 0) INTO written_off
        FROM write_offs WHERE invoice_id = owner AND state = 'approved';
    SELECT coalesce(sum(ex_gst_cents) FILTER (WHERE type = 'credit'), 0),
           coalesce(sum(ex_gst_cents) FILTER (WHERE type = 'debit'), 0),
           coalesce(sum(CASE type WHEN 'debit' THEN gst_cents ELSE -gst_cents END), 0)
        INTO credits, debits, gst FROM adjustments WHERE invoice_id = owner AND state = 'approved';
    SELECT coalesce(-sum(entry.amount_cents), 0) INTO left_over
        FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
        WHERE posting.invoice_id = owner AND entry.account = 'customer_credit';
    IF (said.paid_cents, said.written_off_cents, said.credits_cents, said.debits_cents, said.adjusted_gst_cents,
        said.customer_credit_cents)
        IS DISTINCT FROM (paid, written_off, credits, debits, gst, left_over) THEN
        RAISE EXCEPTION 'the settlement of invoice % is not the sum of its payments, adjustments and write-offs', owner
            USING ERRCODE = 'check_violation';
    END IF;
END $$;
CREATE FUNCTION rests_of(owner uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (SELECT coalesce(sum(rest_cents), 0) FROM receipts WHERE account_id = owner)
         - (SELECT coalesce(sum(reversal.amount_cents), 0)
            FROM receipts receipt JOIN payment_reversals reversal ON reversal.receipt_id = receipt.id
            WHERE receipt.account_id = owner)
$$;
CREATE FUNCTION prove_account(owner uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT customer_credit_cents FROM accounts WHERE id = owner) IS DISTINCT FROM rests_of(owner)
        + (SELECT coalesce(sum(customer_credit_cents), 0) FROM invoices WHERE account_id = owner) THEN
        RAISE EXCEPTION 'the credit of customer % is not the sum of what its invoices and receipts left', owner
            USING ERRCODE = 'check_violation';
    END IF;
END $$;
CREATE FUNCTION prove_rests(owner uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF rests_of(owner) IS DISTINCT FROM (
        SELECT coalesce(-sum(entry.amount_cents), 0)
        FROM journal_postings posting JOIN journal_entries entry ON entry.posting_id = posting.id
        WHERE posting.party_id = owner AND posting.invoice_id IS NULL AND posting.payout_id IS NULL
          AND entry.account = 'customer_credit') THEN
        RAISE EXCEPTION 'the journal does not say what the receipts of customer % left', owner
            USING ERRCODE = 'check_violation';
    END IF;
END $$;
CREATE FUNCTION prove_receipt(owner uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM receipts receipt WHERE receipt.id = owner AND receipt.amount_cents <> receipt.rest_cents
               + (SELECT coalesce(sum(amount_cents), 0) FROM payments WHERE receipt_id = owner)) THEN
        RAISE EXCEPTION 'receipt % is not the sum of its payments and its rest', owner
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM receipts receipt JOIN payments payment ON payment.receipt_id = receipt.id
               JOIN invoices invoice ON invoice.id = payment.invoice_id
               WHERE receipt.id = owner AND invoice.account_id <> receipt.account_id) THEN
        RAISE EXCEPTION 'receipt % pays for an invoice of another account', owner USING ERRCODE = 'check_violation';
    END IF;
END $$;
"""

PROOFS = """
CREATE OR REPLACE FUNCTION prove_settlement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM prove_invoice((to_jsonb(NEW) ->> TG_ARGV[0])::uuid);
    RETURN NULL;
END $$;
DROP TRIGGER invoices_settle_truly ON invoices;
CREATE CONSTRAINT TRIGGER invoices_settle_truly
    AFTER UPDATE OF paid_cents, credits_cents, debits_cents, adjusted_gst_cents, customer_credit_cents,
                    written_off_cents
    ON invoices DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_settlement('id');
CREATE CONSTRAINT TRIGGER write_offs_settle_truly AFTER INSERT OR UPDATE ON write_offs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_settlement('invoice_id');
CREATE OR REPLACE FUNCTION prove_customer_credit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM prove_account((to_jsonb(NEW) ->> TG_ARGV[0])::uuid);
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION prove_left_over() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posting journal_postings%ROWTYPE;
BEGIN
    SELECT * INTO posting FROM journal_postings WHERE id = NEW.posting_id;
    IF posting.invoice_id IS NOT NULL THEN
        PERFORM prove_invoice(posting.invoice_id);
    ELSIF posting.party_id IS NOT NULL AND posting.payout_id IS NULL THEN
        PERFORM prove_rests(posting.party_id);
    ELSE
        RAISE EXCEPTION 'posting % moves a credit of nobody', NEW.posting_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION prove_receipt_of_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM prove_receipt(NEW.receipt_id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payments_are_of_their_receipt AFTER INSERT ON payments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.receipt_id IS NOT NULL)
    EXECUTE FUNCTION prove_receipt_of_payment();
CREATE FUNCTION prove_new_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM prove_receipt(NEW.id), prove_account(NEW.account_id), prove_rests(NEW.account_id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER receipts_settle_truly AFTER INSERT ON receipts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_new_receipt();
CREATE FUNCTION prove_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    came_in bigint;
    went_back bigint;
    owner uuid;
BEGIN
    IF NEW.payment_id IS NOT NULL THEN
        SELECT amount_cents, invoice_id INTO came_in, owner FROM payments WHERE id = NEW.payment_id;
        PERFORM prove_invoice(owner);
    ELSE
        SELECT rest_cents, account_id INTO came_in, owner FROM receipts WHERE id = NEW.receipt_id;
        PERFORM prove_account(owner), prove_rests(owner);
    END IF;
    SELECT sum(amount_cents) INTO went_back FROM payment_reversals
        WHERE payment_id = NEW.payment_id OR receipt_id = NEW.receipt_id;
    IF went_back > came_in THEN
        RAISE EXCEPTION 'reversal % takes back more than came in', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER reversals_settle_truly AFTER INSERT ON payment_reversals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION prove_reversal();
"""
