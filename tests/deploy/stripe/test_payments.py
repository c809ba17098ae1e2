import pytest
import stripe

from tests.deploy.stripe.rig import Mailbox, Rig, running


class TestPayInvoice:
    def test_by_card_fills_the_balance(self, rig: Rig) -> None:
        invoice = rig.issued(10_000, tax_rate=rig.gst().id)
        paid = rig.sdk.v1.invoices.pay(
            invoice.id, {"payment_method": "pm_card_visa", "expand": ["payments.data.payment.payment_intent"]}
        )
        assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 11_000, 0)
        assert paid.payments is not None
        (payment,) = paid.payments.data
        intent = payment.payment.payment_intent
        assert isinstance(intent, stripe.PaymentIntent)
        assert (intent.status, intent.amount_received) == ("succeeded", 11_000)
        charge = rig.sdk.v1.charges.retrieve(str(intent.latest_charge), {"expand": ["balance_transaction"]})
        assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
        assert (charge.paid, charge.balance_transaction.net) == (True, 11_000)
        assert rig.state()["available_cents"] == 11_000
        for type_ in ("charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid", "invoice.paid"):
            rig.mailbox.wait_for(1, type_)

    def test_twice_is_refused(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.sdk.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
        with pytest.raises(stripe.InvalidRequestError, match="already paid"):
            rig.sdk.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})

    def test_a_declined_card_leaves_it_open(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        with pytest.raises(stripe.CardError) as decline:
            rig.sdk.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_chargeDeclined"})
        assert (decline.value.http_status, decline.value.code) == (402, "card_declined")
        after = rig.sdk.v1.invoices.retrieve(invoice.id)
        assert (after.status, after.amount_remaining, after.attempt_count) == ("open", 10_000, 1)
        rig.mailbox.wait_for(1, "invoice.payment_failed")
        assert rig.sdk.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).status == "paid"

    def test_out_of_band_moves_no_balance(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        paid = rig.sdk.v1.invoices.pay(invoice.id, {"paid_out_of_band": True, "expand": ["amount_paid_off_stripe"]})
        assert (paid.status, paid.amount_paid, paid.amount_paid_off_stripe) == ("paid", 10_000, 10_000)
        state = rig.state()
        assert (state["available_cents"], state["paid_off_stripe_cents"]) == (0, 10_000)
        rig.mailbox.wait_for(1, "invoice.paid")
        rig.wait_for_deliveries()
        assert "invoice.payment_succeeded" not in rig.mailbox.types()

    def test_needs_a_payment_method(self, rig: Rig) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.invoices.pay(rig.issued(10_000).id)
        assert refusal.value.param == "payment_method"

    def test_takes_the_customers_default_method(self, rig: Rig) -> None:
        customer = rig.customer(invoice_settings={"default_payment_method": "pm_card_visa"})
        assert rig.sdk.v1.invoices.pay(rig.issued(10_000, customer=customer.id).id).status == "paid"


class TestPartialPayment:
    def test_of_the_customer_leaves_the_rest(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay", amount=3_333)
        after = rig.sdk.v1.invoices.retrieve(invoice.id)
        assert (after.status, after.amount_paid, after.amount_remaining) == ("open", 3_333, 6_667)
        rig.control(f"invoices/{invoice.id}/pay")
        assert rig.sdk.v1.invoices.retrieve(invoice.id).status == "paid"
        payments = rig.sdk.v1.invoice_payments.list({"invoice": invoice.id, "status": "paid"}).data
        assert sorted(payment.amount_paid or 0 for payment in payments) == [3_333, 6_667]
        state = rig.state()
        assert (state["invoiced_cents"], state["paid_cents"], state["available_cents"]) == (10_000, 10_000, 10_000)

    def test_attached_before_it_succeeds(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        intent = rig.sdk.v1.payment_intents.create(
            {"amount": 4_000, "currency": "aud", "customer": str(invoice.customer)}
        )
        rig.sdk.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent.id})
        assert rig.sdk.v1.invoices.retrieve(invoice.id).amount_remaining == 10_000
        rig.sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        assert rig.sdk.v1.invoices.retrieve(invoice.id).amount_remaining == 6_000
        (found,) = rig.sdk.v1.invoice_payments.list(
            {"payment": {"type": "payment_intent", "payment_intent": intent.id}}
        ).data
        assert rig.sdk.v1.invoice_payments.retrieve(found.id).amount_paid == 4_000

    def test_attached_after_it_succeeded(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        intent = rig.sdk.v1.payment_intents.create(
            {
                "amount": 10_000,
                "currency": "aud",
                "customer": str(invoice.customer),
                "payment_method": "pm_card_visa",
                "confirm": True,
            }
        )
        assert rig.sdk.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent.id}).status == "paid"

    def test_of_more_than_the_rest_is_refused(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        intent = rig.sdk.v1.payment_intents.create(
            {"amount": 10_001, "currency": "aud", "customer": str(invoice.customer)}
        )
        with pytest.raises(stripe.InvalidRequestError, match="exceeds what remains"):
            rig.sdk.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent.id})

    def test_the_surplus_of_a_late_one_becomes_credit(self, rig: Rig) -> None:
        """Attached while it still fitted, it succeeds after another has paid most of the invoice."""
        invoice = rig.issued(10_000)
        intent = rig.sdk.v1.payment_intents.create(
            {"amount": 10_000, "currency": "aud", "customer": str(invoice.customer)}
        )
        rig.sdk.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent.id})
        rig.control(f"invoices/{invoice.id}/pay", amount=9_000)
        rig.sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        after = rig.sdk.v1.invoices.retrieve(invoice.id)
        assert (after.status, after.amount_paid, after.amount_overpaid) == ("paid", 10_000, 9_000)
        assert rig.sdk.v1.customers.retrieve(str(invoice.customer)).balance == -9_000


class TestAsynchronousPayment:
    def test_is_not_money_until_the_bank_says_so(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        answer = rig.control(f"invoices/{invoice.id}/pay", payment_method="pm_au_becs_debit")
        assert answer["status"] == "processing"
        assert rig.sdk.v1.invoices.retrieve(invoice.id).status == "open"
        assert rig.state()["available_cents"] == 0
        rig.control(f"payment_intents/{answer['payment_intent']}/settle")
        assert rig.sdk.v1.invoices.retrieve(invoice.id).status == "paid"
        assert rig.state()["available_cents"] == 10_000
        (charge,) = rig.sdk.v1.charges.list().data
        assert (charge.status, charge.paid) == ("succeeded", True)
        rig.mailbox.wait_for(1, "charge.succeeded")

    def test_may_fail_after_days(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        answer = rig.control(f"invoices/{invoice.id}/pay", payment_method="pm_au_becs_debit")
        rig.control(f"payment_intents/{answer['payment_intent']}/fail", code="debit_not_authorized")
        intent = rig.sdk.v1.payment_intents.retrieve(answer["payment_intent"])
        assert intent.status == "requires_payment_method"
        assert intent.last_payment_error is not None
        assert intent.last_payment_error.code == "debit_not_authorized"
        assert rig.sdk.v1.charges.list().data[0].status == "failed"
        assert rig.state()["paid_cents"] == 0
        rig.mailbox.wait_for(1, "payment_intent.payment_failed")

    def test_under_way_it_keeps_the_invoice_from_being_voided(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay", payment_method="pm_au_becs_debit")
        with pytest.raises(stripe.InvalidRequestError):
            rig.sdk.v1.invoices.void_invoice(invoice.id)


class TestPaymentIntent:
    def test_cancelled_it_no_longer_pays(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        intent = rig.sdk.v1.payment_intents.create(
            {"amount": 4_000, "currency": "aud", "customer": str(invoice.customer)}
        )
        rig.sdk.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent.id})
        assert rig.sdk.v1.payment_intents.cancel(intent.id).status == "canceled"
        assert len(rig.sdk.v1.invoice_payments.list({"status": "canceled"}).data) == 1
        with pytest.raises(stripe.InvalidRequestError):
            rig.sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    def test_the_default_one_of_an_invoice_cannot_be_cancelled(self, rig: Rig) -> None:
        rig.issued(10_000)
        (intent,) = rig.sdk.v1.payment_intents.list().data
        with pytest.raises(stripe.InvalidRequestError, match="default payment"):
            rig.sdk.v1.payment_intents.cancel(intent.id)


class TestRefund:
    def test_gives_back_part_and_leaves_transfers_alone(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay")
        (charge,) = rig.sdk.v1.charges.list().data
        transfer = rig.transfer(rig.expert().id, 2_000, source_transaction=charge.id)
        refund = rig.sdk.v1.refunds.create({"charge": charge.id, "amount": 2_500, "reason": "duplicate"})
        assert (refund.status, refund.amount) == ("succeeded", 2_500)
        after = rig.sdk.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
        assert (after.amount_refunded, after.refunded) == (2_500, False)
        assert after.refunds is not None
        assert [one.id for one in after.refunds.data] == [refund.id]
        assert rig.sdk.v1.transfers.retrieve(transfer.id).amount_reversed == 0
        assert rig.state()["available_cents"] == 5_500

    def test_of_more_than_is_left_is_refused(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay")
        (charge,) = rig.sdk.v1.charges.list().data
        rig.sdk.v1.refunds.create({"payment_intent": str(charge.payment_intent), "amount": 9_000})
        with pytest.raises(stripe.InvalidRequestError):
            rig.sdk.v1.refunds.create({"charge": charge.id, "amount": 1_001})
        rig.sdk.v1.refunds.create({"charge": charge.id})
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.refunds.create({"charge": charge.id})
        assert refusal.value.code == "charge_already_refunded"


class TestFees:
    def test_are_taken_from_what_comes_in(self, rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> None:
        mailbox: Mailbox = rig.mailbox
        with running(tmp_path_factory.mktemp("fees"), mailbox, "--fee-basis-points", "175") as costly:
            invoice = costly.issued(10_010)
            costly.control(f"invoices/{invoice.id}/pay")
            (entry,) = costly.sdk.v1.balance_transactions.list({"type": "charge"}).data
            assert (entry.amount, entry.fee, entry.net) == (10_010, 175, 9_835)
            assert costly.state()["available_cents"] == 9_835
            costly.wait_for_deliveries()
