"""The pure rules: months of a zone with daylight saving, what may be printed and what is missing, what can be done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import GstTreatment, InvoiceKind
from services.billing.domain import periods
from services.billing.domain.abn import is_valid_abn, spaced
from services.billing.domain.gst import Priced
from services.billing.domain.issuing import Readiness, StripeFacts, dollars, issue_blockers
from services.billing.domain.periods import Period
from services.billing.domain.statuses import (
    Action,
    DocumentStatus,
    InvoiceStatus,
    Standing,
    available_actions,
    is_overdue,
    status_of,
)
from services.billing.domain.tax_invoice import Face, FaceLine, Party, missing_elements
from tests.billing.arrangements import INSTALLER_ABN, MARCH, NOW, SELLER, SYDNEY

MARCH_HELD = UUID(int=7)
Issued = list[tuple[int, GstTreatment]]
CENTS = st.integers(min_value=0, max_value=10_000_000)
PRICED = st.builds(Priced, CENTS, st.sampled_from(GstTreatment), st.booleans())


class TestPeriod:
    def test_is_the_calendar_month_of_the_zone_half_open(self) -> None:
        assert MARCH.start == datetime(2026, 2, 28, 13, tzinfo=UTC)
        assert MARCH.end == datetime(2026, 3, 31, 13, tzinfo=UTC)
        assert MARCH.start in MARCH
        assert MARCH.end not in MARCH
        assert MARCH.end - timedelta(microseconds=1) in MARCH

    def test_is_an_hour_longer_where_daylight_saving_ends_and_shorter_where_it_begins(self) -> None:
        april, october = Period.of_month("2026-04", SYDNEY), Period.of_month("2026-10", SYDNEY)
        assert april.end - april.start == timedelta(days=30, hours=1)
        assert october.end - october.start == timedelta(days=31, hours=-1)
        assert april.end == datetime(2026, 4, 30, 14, tzinfo=UTC)

    def test_both_readings_of_the_doubled_hour_fall_into_one_month(self) -> None:
        """At 3 am on 5 April 2026 Sydney's clocks go back to 2."""
        for hour in (15, 16):
            assert datetime(2026, 4, 4, hour, 30, tzinfo=UTC) in Period.of_month("2026-04", SYDNEY)

    @given(st.integers(1_577_836_800, 2_208_988_800))
    def test_every_instant_is_in_exactly_one_month(self, seconds: int) -> None:
        instant = datetime.fromtimestamp(seconds, UTC)
        months = [f"{instant.replace(day=15) + timedelta(days=days):%Y-%m}" for days in (-31, 0, 31)]
        assert sum(instant in Period.of_month(month, SYDNEY) for month in months) == 1

    def test_ends_when_the_next_begins(self) -> None:
        assert not MARCH.has_ended(MARCH.end - timedelta(microseconds=1))
        assert MARCH.has_ended(MARCH.end)
        assert Period.of_month("2026-12", SYDNEY).end == Period.of_month("2027-01", SYDNEY).start

    def test_knows_the_quarters_of_the_australian_year(self) -> None:
        third = Period.of_fiscal_quarter("FY2026-Q3", SYDNEY)
        assert third.start == Period.of_month("2026-01", SYDNEY).start
        assert third.end == MARCH.end
        assert Period.of_fiscal_quarter("FY2026-Q1", SYDNEY).start == Period.of_month("2025-07", SYDNEY).start

    def test_is_due_at_the_end_of_the_day_whatever_the_hour_of_issue(self) -> None:
        due = periods.due_at(NOW, 7, SYDNEY)
        assert due.astimezone(SYDNEY) == datetime(2026, 4, 9, 23, 59, 59, tzinfo=SYDNEY)
        assert periods.days_overdue(due, due + timedelta(seconds=1), SYDNEY) == 1


class TestAbn:
    @pytest.mark.parametrize("abn", ["51824753556", "51 824 753 556", "53004085616", "33102417032"])
    def test_takes_numbers_of_the_register(self, abn: str) -> None:
        assert is_valid_abn(abn)

    @pytest.mark.parametrize("abn", [None, "", "51824753557", "5182475355", "ABN 51824753556", "\uff15\uff11824753556"])
    def test_refuses_what_fails_the_check(self, abn: str | None) -> None:
        assert not is_valid_abn(abn)

    def test_is_printed_as_the_register_prints_it(self) -> None:
        assert spaced("51824753556") == "51 824 753 556"


LINE = FaceLine("Exclusive lead", 1, 100_000, GstTreatment.TAXABLE, 10_000, 110_000)
FACE = Face(
    seller=SELLER,
    buyer=Party("Sunny Roofs Pty Ltd", INSTALLER_ABN),
    issued_at=NOW,
    lines=[LINE],
    gst_cents=10_000,
    total_cents=110_000,
)


def codes(face: Face) -> set[str]:
    return {blocker.code for blocker in missing_elements(face)}


class TestMissingElements:
    def test_nothing_is_missing_of_a_whole_one(self) -> None:
        assert missing_elements(FACE) == ()

    def test_names_every_gap_of_the_seller_at_once(self) -> None:
        assert codes(replace(FACE, seller=Party("", None))) == {
            "seller_name_missing",
            "seller_abn_missing",
            "seller_address_missing",
        }

    def test_tells_a_wrong_abn_from_a_missing_one(self) -> None:
        assert codes(replace(FACE, seller=replace(SELLER, abn="51824753557"))) == {"seller_abn_invalid"}

    def test_asks_for_the_buyer_from_a_thousand_dollars(self) -> None:
        nobody = Party(" ", None)
        assert codes(replace(FACE, buyer=nobody)) == {"buyer_identity_missing"}
        below = replace(LINE, unit_price_cents=90_908, gst_cents=9_091, inc_gst_cents=99_999)
        assert codes(replace(FACE, buyer=nobody, lines=[below], gst_cents=9_091, total_cents=99_999)) == set()

    def test_a_buyers_abn_alone_is_identity_enough(self) -> None:
        assert codes(replace(FACE, buyer=Party("", INSTALLER_ABN))) == set()

    def test_names_what_a_line_lacks(self) -> None:
        bad = replace(LINE, description=" ", quantity=0, gst_treatment=GstTreatment.GST_FREE)
        assert codes(replace(FACE, lines=[bad])) == {
            "line_description_missing",
            "line_quantity_missing",
            "line_taxability_unclear",
        }

    def test_wants_lines_that_sum_and_a_date(self) -> None:
        assert codes(replace(FACE, lines=[], issued_at=None)) == {
            "lines_missing",
            "issue_date_missing",
            "gst_amount_wrong",
            "total_wrong",
        }


READY = Readiness(
    kind=InvoiceKind.INSTALLER,
    face=FACE,
    currency="AUD",
    buyer_email="accounts@sunny-roofs.example",
    stripe_invoice_id="in_123456789",
    stripe_customer_id="cus_123456789",
    stripe=StripeFacts("in_123456789", True, 110_000, "aud", "open", "cus_123456789"),
)


class TestIssueBlockers:
    def test_lets_a_ready_invoice_through(self) -> None:
        assert issue_blockers(READY) == ()

    def test_asks_for_a_stripe_reference_of_installers_alone(self) -> None:
        bare = replace(READY, stripe_invoice_id=None, stripe=None)
        assert [b.code for b in issue_blockers(bare)] == ["stripe_reference_missing"]
        assert issue_blockers(replace(bare, kind=InvoiceKind.CLIENT)) == ()

    def test_names_both_amounts_where_stripe_differs_by_a_cent(self) -> None:
        assert READY.stripe is not None
        (blocker,) = issue_blockers(replace(READY, stripe=replace(READY.stripe, total_cents=110_001)))
        assert blocker.code == "stripe_total_mismatch"
        assert "$1,100.00" in blocker.detail
        assert "$1,100.01" in blocker.detail

    @pytest.mark.parametrize(
        ("difference", "code"),
        [
            ({"currency": "usd"}, "stripe_currency_mismatch"),
            ({"status": "void"}, "stripe_invoice_not_open"),
            ({"customer_id": "cus_another00"}, "stripe_customer_mismatch"),
            ({"found": False}, "stripe_invoice_unknown"),
        ],
    )
    def test_names_what_else_differs(self, difference: dict[str, object], code: str) -> None:
        assert READY.stripe is not None
        stripe = replace(READY.stripe, **difference)  # type: ignore[arg-type]
        assert [b.code for b in issue_blockers(replace(READY, stripe=stripe))] == [code]

    def test_a_discount_takes_off_no_more_than_what_it_is_of(self) -> None:
        lines = [replace(LINE, gst_treatment=GstTreatment.GST_FREE, gst_cents=0, inc_gst_cents=100_000)]
        lines.append(replace(LINE, unit_price_cents=-50_000, gst_cents=-5_000, inc_gst_cents=-55_000))
        face = replace(FACE, lines=lines, gst_cents=-5_000, total_cents=45_000)
        blocked = replace(READY, face=face, stripe=None)
        assert [blocker.code for blocker in issue_blockers(blocked)] == ["gst_negative"]

    def test_names_every_blocker_at_once(self) -> None:
        blocked = replace(READY, buyer_email="", unbilled_count=2, held_assignment_ids=[MARCH_HELD], stripe=None)
        assert [b.code for b in issue_blockers(blocked)] == ["buyer_email_missing", "held_deliveries", "draft_is_stale"]
        assert str(MARCH_HELD) in issue_blockers(blocked)[1].detail


class TestStatus:
    @pytest.mark.parametrize(
        ("document", "paid", "balance", "shown"),
        [
            (DocumentStatus.DRAFT, 0, 0, InvoiceStatus.DRAFT),
            (DocumentStatus.ISSUED, 0, 100, InvoiceStatus.ISSUED),
            (DocumentStatus.ISSUED, 40, 60, InvoiceStatus.PARTIALLY_PAID),
            (DocumentStatus.ISSUED, 100, 0, InvoiceStatus.PAID),
            (DocumentStatus.VOID, 0, 100, InvoiceStatus.VOID),
        ],
    )
    def test_is_derived_from_document_and_money(
        self, document: DocumentStatus, paid: int, balance: int, shown: InvoiceStatus
    ) -> None:
        assert status_of(document, paid, balance) is shown

    def test_is_overdue_after_the_due_instant_while_something_is_owed(self) -> None:
        assert not is_overdue(InvoiceStatus.ISSUED, NOW, NOW)
        assert is_overdue(InvoiceStatus.PARTIALLY_PAID, NOW, NOW + timedelta(seconds=1))
        assert not is_overdue(InvoiceStatus.PAID, NOW, NOW + timedelta(days=1))

    def test_says_what_can_be_done(self) -> None:
        def actions(status: InvoiceStatus, kind: InvoiceKind = InvoiceKind.INSTALLER, **facts: bool) -> set[Action]:
            return set(available_actions(Standing(kind, status, **{"has_money": False, "has_document": True, **facts})))

        assert actions(InvoiceStatus.DRAFT) == {Action.MARK_ISSUED, Action.VOID}
        assert actions(InvoiceStatus.DRAFT, InvoiceKind.CLIENT) == {Action.EDIT_LINES, Action.SEND, Action.VOID}
        assert Action.VOID in actions(InvoiceStatus.ISSUED)
        assert Action.VOID not in actions(InvoiceStatus.PARTIALLY_PAID, has_money=True)
        assert actions(InvoiceStatus.PAID, has_money=True, has_credit=True) == {Action.ADJUST, Action.RESEND}
        assert Action.APPLY_CREDIT in actions(InvoiceStatus.ISSUED, has_credit=True)
        assert Action.APPLY_CREDIT not in actions(InvoiceStatus.ISSUED)
        assert actions(InvoiceStatus.VOID) == set()
        assert actions(InvoiceStatus.VOID, InvoiceKind.CLIENT) == {Action.REDRAFT}
        assert actions(InvoiceStatus.VOID, InvoiceKind.CLIENT, is_replaced=True) == set()


def test_money_reads_as_money() -> None:
    assert dollars(123_456_789) == "$1,234,567.89"
    assert dollars(-5) == "\N{MINUS SIGN}$0.05"
