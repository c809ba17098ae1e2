import pytest
import stripe

from tests.deploy.stripe.rig import Rig


class TestCreditNote:
    def test_first_lowers_what_is_still_to_be_paid(self, rig: Rig) -> None:
        invoice = rig.issued(10_000, 5_000, tax_rate=rig.gst().id)
        line = invoice.lines.data[1]
        note = rig.sdk.v1.credit_notes.create(
            {
                "invoice": invoice.id,
                "lines": [{"type": "invoice_line_item", "invoice_line_item": line.id, "quantity": 1}],
                "reason": "duplicate",
            }
        )
        assert (note.subtotal, note.total, note.type, note.pre_payment_amount) == (5_000, 5_500, "pre_payment", 5_500)
        after = rig.sdk.v1.invoices.retrieve(invoice.id)
        assert (after.total, after.amount_due, after.amount_remaining) == (16_500, 11_000, 11_000)
        assert after.pre_payment_credit_notes_amount == 5_500
        (credited,) = rig.sdk.v1.credit_notes.line_items.list(note.id).data
        assert (credited.invoice_line_item, credited.amount) == (line.id, 5_000)
        rig.mailbox.wait_for(1, "credit_note.created")

    def test_of_the_whole_rest_pays_the_invoice(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 10_000})
        assert rig.sdk.v1.invoices.retrieve(invoice.id).status == "paid"

    def test_after_payment_must_say_where_the_money_goes(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay")
        with pytest.raises(stripe.InvalidRequestError, match="must equal 4000"):
            rig.sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 4_000, "refund_amount": 3_999})
        note = rig.sdk.v1.credit_notes.create(
            {
                "invoice": invoice.id,
                "amount": 4_000,
                "refund_amount": 2_500,
                "credit_amount": 1_000,
                "out_of_band_amount": 500,
            }
        )
        assert (note.type, note.post_payment_amount, note.refunds[0].amount_refunded) == ("post_payment", 4_000, 2_500)
        assert rig.sdk.v1.customers.retrieve(str(invoice.customer)).balance == -1_000
        state = rig.state()
        assert (state["credited_cents"], state["refunded_cents"], state["available_cents"]) == (4_000, 2_500, 7_500)

    def test_of_a_partly_paid_invoice_is_mixed(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.control(f"invoices/{invoice.id}/pay", amount=7_000)
        note = rig.sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 5_000, "refund_amount": 2_000})
        assert (note.type, note.pre_payment_amount, note.post_payment_amount) == ("mixed", 3_000, 2_000)
        assert rig.sdk.v1.invoices.retrieve(invoice.id).status == "paid"

    def test_cannot_exceed_the_invoice(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 6_000})
        with pytest.raises(stripe.InvalidRequestError, match="can't exceed"):
            rig.sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 4_001})

    def test_voided_gives_the_amount_back_to_the_invoice(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        note = rig.sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 6_000})
        assert rig.sdk.v1.credit_notes.void_credit_note(note.id).status == "void"
        after = rig.sdk.v1.invoices.retrieve(invoice.id)
        assert (after.amount_due, after.amount_remaining, after.pre_payment_credit_notes_amount) == (10_000, 10_000, 0)
        assert rig.state()["credited_cents"] == 0

    def test_a_draft_cannot_be_credited(self, rig: Rig) -> None:
        with pytest.raises(stripe.InvalidRequestError):
            rig.sdk.v1.credit_notes.create({"invoice": rig.draft(10_000).id, "amount": 1})
