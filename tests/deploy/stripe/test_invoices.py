from decimal import Decimal

import pytest
import stripe

from tests.deploy.stripe.rig import Rig


class TestTotals:
    def test_adds_gst_once_on_the_sum_of_the_lines(self, rig: Rig) -> None:
        invoice = rig.draft(3333, 3333, 3345, tax_rate=rig.gst().id)
        assert (invoice.subtotal, invoice.total) == (10011, 11012)
        assert invoice.total_taxes is not None
        assert [(tax.amount, tax.taxable_amount, tax.tax_behavior) for tax in invoice.total_taxes] == [
            (1001, 10011, "exclusive")
        ]

    def test_rounds_half_a_cent_up(self, rig: Rig) -> None:
        assert rig.draft(1005, tax_rate=rig.gst().id).total == 1005 + 101

    def test_shares_the_tax_out_so_that_the_lines_sum_to_it(self, rig: Rig) -> None:
        invoice = rig.draft(15, 15, 15, 15, tax_rate=rig.gst().id)
        taxes = [tax.amount for line in invoice.lines.data for tax in line.taxes or []]
        assert sorted(taxes) == [1, 1, 2, 2]
        assert invoice.total == 66

    def test_a_negative_line_lowers_the_tax(self, rig: Rig) -> None:
        invoice = rig.draft(10000, -2505, tax_rate=rig.gst().id)
        assert (invoice.subtotal, invoice.total) == (7495, 7495 + 750)

    def test_finds_inclusive_gst_inside_the_amount(self, rig: Rig) -> None:
        invoice = rig.draft(11000, tax_rate=rig.gst(inclusive=True).id)
        assert (invoice.subtotal, invoice.subtotal_excluding_tax, invoice.total) == (11000, 10000, 11000)

    def test_takes_default_tax_rates_for_lines_without_their_own(self, rig: Rig) -> None:
        invoice = rig.draft(10000, default_tax_rates=[rig.gst().id])
        assert invoice.total == 11000
        assert [rate.display_name for rate in invoice.default_tax_rates] == ["GST"]

    def test_takes_tax_amounts_that_the_caller_reckoned(self, rig: Rig) -> None:
        rate = {"display_name": "GST", "percentage": 10, "inclusive": False}
        amounts = [{"amount": 999, "taxable_amount": 10000, "tax_rate_data": rate}]
        lines = [{"amount": 10000, "tax_amounts": amounts}] * 2
        filled = rig.add_lines(rig.draft(), *lines)
        assert filled.total == 20000 + 1998
        assert len(rig.sdk.v1.tax_rates.list().data) == 1

    def test_multiplies_a_unit_price(self, rig: Rig) -> None:
        price = {"currency": "aud", "unit_amount": 4550, "product_data": {"name": "Exclusive lead"}}
        filled = rig.add_lines(rig.draft(), {"price_data": price, "quantity": 3, "description": "Leads"})
        (line,) = filled.lines.data
        assert (line.amount, line.quantity) == (13650, 3)
        assert line.pricing is not None
        assert str(line.pricing.unit_amount_decimal) == "4550"

    def test_an_exempt_customer_pays_no_tax(self, rig: Rig) -> None:
        customer = rig.customer(tax_exempt="exempt")
        assert rig.draft(10000, customer=customer.id, tax_rate=rig.gst().id).total == 10000


class TestCreateInvoice:
    def test_parses_as_the_sdk_knows_it(self, rig: Rig) -> None:
        invoice = rig.draft(5000, metadata={"invoice_id": "7"})
        assert invoice.object == "invoice"
        assert invoice.status == "draft"
        assert invoice.metadata is not None
        assert invoice.metadata["invoice_id"] == "7"
        assert invoice.number is None
        assert invoice.due_date == invoice.created + 7 * 86400
        assert isinstance(invoice.lines.data[0], stripe.InvoiceLineItem)

    def test_needs_a_due_date_to_be_sent(self, rig: Rig) -> None:
        with pytest.raises(stripe.InvalidRequestError, match="days_until_due"):
            rig.sdk.v1.invoices.create({"customer": rig.customer().id, "collection_method": "send_invoice"})

    def test_refuses_an_unknown_customer(self, rig: Rig) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.invoices.create({"customer": "cus_nobody"})
        assert (refusal.value.code, refusal.value.param, refusal.value.http_status) == (
            "resource_missing",
            "customer",
            400,
        )

    def test_takes_in_the_items_that_wait(self, rig: Rig) -> None:
        customer = rig.customer()
        for amount in (100, 200):
            rig.sdk.v1.invoice_items.create({"customer": customer.id, "amount": amount, "currency": "aud"})
        assert len(rig.sdk.v1.invoice_items.list({"customer": customer.id, "pending": True}).data) == 2
        invoice = rig.draft(customer=customer.id, pending_invoice_items_behavior="include")
        assert invoice.subtotal == 300
        assert rig.sdk.v1.invoice_items.list({"customer": customer.id, "pending": True}).data == []

    def test_embeds_ten_lines_and_pages_the_rest(self, rig: Rig) -> None:
        invoice = rig.draft(*range(100, 125))
        assert len(invoice.lines.data) == 10
        assert invoice.lines.has_more
        pages = rig.sdk.v1.invoices.line_items.list(invoice.id, {"limit": 7})
        assert [line.amount for line in pages.auto_paging_iter()] == list(range(100, 125))

    def test_adds_all_lines_of_a_call_or_none(self, rig: Rig) -> None:
        invoice = rig.draft()
        with pytest.raises(stripe.InvalidRequestError):
            rig.add_lines(invoice, {"amount": 100}, {"amount": 100, "tax_rates": ["txr_none"]})
        assert rig.sdk.v1.invoices.retrieve(invoice.id).lines.data == []


class TestInvoiceItem:
    def test_changes_the_sums_while_the_invoice_is_a_draft(self, rig: Rig) -> None:
        invoice = rig.draft(1000, tax_rate=rig.gst().id)
        item = rig.sdk.v1.invoice_items.create(
            {
                "customer": str(invoice.customer),
                "invoice": invoice.id,
                "quantity": 4,
                "unit_amount_decimal": Decimal("250.5"),
            }
        )
        assert item.amount == 1002
        rig.sdk.v1.invoice_items.update(item.id, {"quantity": 2})
        assert rig.sdk.v1.invoices.retrieve(invoice.id).subtotal == 1501
        rig.sdk.v1.invoice_items.delete(item.id)
        assert rig.sdk.v1.invoices.retrieve(invoice.id).total == 1100

    def test_stays_as_it_is_once_the_invoice_is_final(self, rig: Rig) -> None:
        invoice = rig.issued(1000)
        (item,) = rig.sdk.v1.invoice_items.list({"invoice": invoice.id}).data
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.invoice_items.update(item.id, {"amount": 1})
        assert refusal.value.code == "invoice_not_editable"


class TestFinalizeInvoice:
    def test_opens_it_with_a_number_and_a_payment(self, rig: Rig) -> None:
        customer = rig.customer(invoice_prefix="SUNNY")
        invoice = rig.issued(10000, customer=customer.id)
        second = rig.issued(20000, customer=customer.id)
        assert (invoice.status, invoice.amount_due, invoice.amount_remaining) == ("open", 10000, 10000)
        assert (invoice.number, second.number) == ("SUNNY-0001", "SUNNY-0002")
        assert invoice.hosted_invoice_url is not None
        (payment,) = rig.sdk.v1.invoice_payments.list({"invoice": invoice.id}).data
        assert (payment.status, payment.is_default, payment.amount_requested) == ("open", True, 10000)

    def test_refuses_to_do_it_twice(self, rig: Rig) -> None:
        invoice = rig.issued(10000)
        with pytest.raises(stripe.InvalidRequestError, match="can't re-finalize"):
            rig.sdk.v1.invoices.finalize_invoice(invoice.id)

    def test_rolls_a_tiny_total_into_the_customers_balance(self, rig: Rig) -> None:
        invoice = rig.issued(30)
        assert (invoice.status, invoice.amount_due, invoice.ending_balance) == ("paid", 0, 30)
        assert rig.sdk.v1.customers.retrieve(str(invoice.customer)).balance == 30

    def test_uses_up_the_customers_credit(self, rig: Rig) -> None:
        customer = rig.customer(balance=-2500)
        invoice = rig.issued(10000, customer=customer.id)
        assert (invoice.starting_balance, invoice.ending_balance, invoice.amount_due) == (-2500, 0, 7500)

    def test_keeps_what_is_final(self, rig: Rig) -> None:
        invoice = rig.issued(10000)
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.invoices.update(invoice.id, {"description": "other"})
        assert refusal.value.code == "invoice_not_editable"
        noted = rig.sdk.v1.invoices.update(invoice.id, {"metadata": {"seen": "yes"}})
        assert noted.metadata is not None
        assert noted.metadata["seen"] == "yes"


class TestAfterFinalizing:
    def test_sending_a_draft_finalizes_it_first(self, rig: Rig) -> None:
        sent = rig.sdk.v1.invoices.send_invoice(rig.draft(10000).id)
        assert sent.status == "open"
        rig.mailbox.wait_for(1, "invoice.sent")

    def test_voiding_ends_it_and_its_payment(self, rig: Rig) -> None:
        invoice = rig.sdk.v1.invoices.void_invoice(rig.issued(10000).id)
        assert invoice.status == "void"
        assert invoice.status_transitions.voided_at is not None
        (payment,) = rig.sdk.v1.invoice_payments.list({"invoice": invoice.id}).data
        assert payment.status == "canceled"
        assert rig.state()["voided_cents"] == 10000
        with pytest.raises(stripe.InvalidRequestError):
            rig.sdk.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})

    def test_a_paid_one_cannot_be_voided(self, rig: Rig) -> None:
        invoice = rig.issued(10000)
        rig.control(f"invoices/{invoice.id}/pay", amount=1)
        with pytest.raises(stripe.InvalidRequestError, match="payments attached"):
            rig.sdk.v1.invoices.void_invoice(invoice.id)

    def test_what_is_written_off_may_still_be_paid(self, rig: Rig) -> None:
        invoice = rig.sdk.v1.invoices.mark_uncollectible(rig.issued(10000).id)
        assert invoice.status == "uncollectible"
        paid = rig.sdk.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
        assert paid.status == "paid"

    def test_only_a_draft_can_be_deleted(self, rig: Rig) -> None:
        draft = rig.draft(10000)
        assert rig.sdk.v1.invoices.delete(draft.id).deleted
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.sdk.v1.invoices.retrieve(draft.id)
        assert (refusal.value.code, refusal.value.http_status) == ("resource_missing", 404)
        with pytest.raises(stripe.InvalidRequestError):
            rig.sdk.v1.invoices.delete(rig.issued(10000).id)


class TestListInvoices:
    def test_filters_by_customer_status_and_times(self, rig: Rig) -> None:
        customer = rig.customer()
        first = rig.issued(1000, customer=customer.id)
        rig.move_clock(days=3)
        second = rig.draft(1000, customer=customer.id)
        rig.issued(1000)

        def found(**params: object) -> set[str]:
            return {row.id for row in rig.sdk.v1.invoices.list(params).data}  # type: ignore[arg-type]

        assert found(customer=customer.id) == {first.id, second.id}
        assert found(customer=customer.id, status="draft") == {second.id}
        assert found(created={"lt": second.created}) == {first.id}
        assert found(customer=customer.id, due_date={"gt": first.due_date}) == {second.id}
