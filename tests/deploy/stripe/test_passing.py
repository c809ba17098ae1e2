import pytest
import stripe

from tests.deploy.stripe.rig import Rig


class TestBusinessTime:
    def test_stamps_what_is_made(self, rig: Rig) -> None:
        before = rig.customer().created
        rig.move_clock(days=31)
        assert rig.customer().created - before >= 31 * 86400

    def test_a_draft_on_auto_advance_finalises_after_an_hour(self, rig: Rig) -> None:
        invoice = rig.draft(10_000, auto_advance=True)
        assert invoice.automatically_finalizes_at == invoice.created + 3600
        rig.move_clock(minutes=61)
        rig.mailbox.wait_for(1, "invoice.finalized")
        assert rig.sdk.v1.invoices.retrieve(invoice.id).status == "open"

    def test_a_draft_without_it_stays_one(self, rig: Rig) -> None:
        kept, advancing = rig.draft(10_000), rig.draft(10_000, auto_advance=True)
        rig.move_clock(days=3)
        rig.mailbox.wait_for(1, "invoice.finalized")
        assert rig.sdk.v1.invoices.retrieve(kept.id).status == "draft"
        with pytest.raises(stripe.InvalidRequestError):
            rig.sdk.v1.invoices.finalize_invoice(advancing.id)

    def test_an_open_invoice_becomes_overdue_once(self, rig: Rig) -> None:
        invoice = rig.issued(10_000)
        rig.move_clock(days=8)
        (overdue,) = rig.mailbox.wait_for(1, "invoice.overdue")
        assert overdue.event["data"]["object"]["id"] == invoice.id
        second = rig.issued(10_000)
        rig.move_clock(days=8)
        both = rig.mailbox.wait_for(2, "invoice.overdue")
        assert [one.event["data"]["object"]["id"] for one in both] == [invoice.id, second.id]
