from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.stripe.resources.totals import Rate, Tax, Taxable, amount_due, assess, rounded

GST = Rate("txr_gst", Decimal(10), inclusive=False)
GST_INSIDE = Rate("txr_in", Decimal(10), inclusive=True)
ODD = Rate("txr_odd", Decimal("12.3456"), inclusive=False)

amounts = st.lists(st.integers(-10_000_000, 10_000_000), min_size=1, max_size=40)


class TestAssess:
    @given(amounts)
    def test_the_tax_is_the_rounded_tax_of_the_sum(self, cents: list[int]) -> None:
        totals = assess([Taxable(amount, (GST,)) for amount in cents])
        assert totals.total - totals.subtotal == rounded(Decimal(sum(cents)) / 10)

    @given(amounts)
    def test_the_lines_taxes_sum_to_the_invoices(self, cents: list[int]) -> None:
        totals = assess([Taxable(amount, (GST, ODD)) for amount in cents])
        by_line = sum(tax.amount for taxes in totals.line_taxes for tax in taxes)
        assert by_line == sum(tax.amount for tax in totals.taxes) == totals.total - totals.subtotal

    @given(amounts)
    def test_inclusive_tax_never_changes_the_total(self, cents: list[int]) -> None:
        totals = assess([Taxable(amount, (GST_INSIDE,)) for amount in cents])
        assert totals.total == totals.subtotal == sum(cents)
        assert totals.subtotal - totals.subtotal_excluding_tax == rounded(Decimal(sum(cents)) / 11)

    def test_untaxed_lines_stay_out_of_the_taxable_amount(self) -> None:
        totals = assess([Taxable(10_000, (GST,)), Taxable(5_000)])
        assert totals.taxes == (Tax("txr_gst", 1_000, 10_000, inclusive=False),)
        assert totals.line_taxes[1] == ()


class TestAmountDue:
    def test_credit_is_used_and_what_is_tiny_or_negative_is_rolled_over(self) -> None:
        assert amount_due(1_000, 0) == (1_000, 0)
        assert amount_due(1_000, -400) == (600, 0)
        assert amount_due(1_000, -1_400) == (0, -400)
        assert amount_due(49, 0) == (0, 49)
        assert amount_due(-500, 0) == (0, -500)
