"""The rules of reconciliation without a database: reports of Stripe's, what a person can do, when a review is due."""

from datetime import UTC, datetime, timedelta

import pytest

from services.billing.domain.reconciliation import (
    CADENCE,
    About,
    Cadence,
    Deed,
    DeedObstacle,
    DifferenceKind,
    DifferenceState,
    ItemKind,
    Report,
    Stage,
    Standing,
    StripeItem,
    fee_of,
    obstacle_to,
    to_bank_cents,
)
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.stripe_reports import MOST_FAULTS, read_report
from services.billing.domain.webhooks import COMPARED_TYPES, PAYMENT_TYPES, WEBHOOK_TYPES, WebhookUse, event_of

NOW = datetime(2026, 4, 2, tzinfo=UTC)
DASHBOARD = """id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),PaymentIntent ID
txn_one,charge,ch_one,"1,093.50",1.80,1091.70,aud,2026-04-01 10:00,pi_one
txn_two,refund,re_two,-50.00,0.00,-50.00,aud,2026-04-01 11:00,pi_one
txn_three,payment,py_three,20.00,,20.00,usd,2026-04-01,
txn_four,transfer_reversal,trr_four,5.00,0,5.00,aud,2026-04-01T12:00:00Z,

"""
HEADS = "balance_transaction_id,created,currency,gross,fee,reporting_category,source_id\n"


def standing(about: About, kind: DifferenceKind, **changed: object) -> Standing:
    own = {"state": DifferenceState.OPEN, "is_connected": True, "can_be_posted": False, **changed}
    return Standing(about, kind, **own)  # type: ignore[arg-type]  # the test's own words


GONE = standing(About.PAYMENT, DifferenceKind.MISSING_HERE, state=DifferenceState.GONE)


class TestReports:
    def test_a_balances_rows_are_movements_with_the_charges_and_refunds_that_they_are_of(self) -> None:
        read = read_report(Report.BALANCE, DASHBOARD)
        assert read.faults == ()
        assert [(item.kind, item.stripe_id, item.amount_cents, item.payment_ref) for item in read.items] == [
            (ItemKind.MOVEMENT, "txn_one", 109_350, None),
            (ItemKind.CHARGE, "ch_one", 109_350, "pi_one"),
            (ItemKind.MOVEMENT, "txn_two", -5_000, None),
            (ItemKind.REFUND, "re_two", 5_000, "pi_one"),
            (ItemKind.MOVEMENT, "txn_three", 2_000, None),
            (ItemKind.CHARGE, "py_three", 2_000, "py_three"),
            (ItemKind.MOVEMENT, "txn_four", 500, None),
        ]
        assert (read.items[0].fee_cents, read.items[0].occurred_at) == (180, datetime(2026, 4, 1, 10, tzinfo=UTC))
        assert (read.items[4].currency, read.items[6].type) == ("usd", "transfer_refund")

    def test_a_mark_of_byte_order_and_other_words_of_stripes_are_read(self) -> None:
        content = "\ufeffID,Total,Currency,Finalized_At_UTC,Status\nin_one,93.50,AUD,2026-04-01 10:00:00,Paid\n"
        (item,) = read_report(Report.INVOICES, content).items
        assert (item.stripe_id, item.amount_cents, item.currency, item.state) == ("in_one", 9_350, "aud", "paid")

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ("tx_1,2026-04-01,aud,1,0,charge,ch_1", "begins with txn_"),
            ("txn_one,1 April,aud,1,0,charge,ch_1", "no time in UTC"),
            ("txn_one,2026-04-01,aud,1.005,0,charge,ch_1", "no amount in dollars"),
            ("txn_one,2026-04-01,aud,1e99,0,charge,ch_1", "no amount in dollars"),
            ("txn_one,2026-04-01,aud,NaN,0,charge,ch_1", "no amount in dollars"),
            ("txn_one,2026-04-01,aud,9e999999,0,charge,ch_1", "no amount in dollars"),
            ("txn_one,2026-04-01,dollars,1,0,charge,ch_1", "currency is none"),
            ("txn_one,2026-04-01,aud,1,0,charge,\x07", "not to be printed"),
            ("txn_one", "currency is none"),
        ],
        ids=["id", "time", "fraction", "huge", "nan", "beyond_all", "currency", "control", "short"],
    )
    def test_a_row_that_cannot_be_read_is_named_with_its_line(self, row: str, told: str) -> None:
        good = "txn_good,2026-04-01,aud,1,0,charge,ch_good\n"
        read = read_report(Report.BALANCE, HEADS + good + row + "\n")
        assert (read.items, [fault.line for fault in read.faults]) == ((), [3])
        assert told in read.faults[0].what

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("", "columns are missing"),
            ("a,b\n1,2\n", "balance_transaction_id, type"),
            (HEADS, "has no rows"),
            ("\x00", "columns are missing"),
        ],
        ids=["empty", "others", "heads", "null"],
    )
    def test_what_is_no_report_is_refused(self, content: str, told: str) -> None:
        (fault,) = read_report(Report.BALANCE, content).faults
        assert told in fault.what

    def test_so_many_faults_are_told_and_no_more(self) -> None:
        assert len(read_report(Report.BALANCE, HEADS + "x,,,,,,\n" * 100).faults) == MOST_FAULTS


class TestMovements:
    @pytest.mark.parametrize(
        ("type_", "amount", "fee", "taken", "to_bank"),
        [
            ("charge", 9_350, 180, 180, 0),
            ("stripe_fee", -77, 0, 77, 0),
            ("payout", -5_000, 25, 25, 5_000),
            ("topup", 700, 0, 0, -700),
            ("refund", -300, -10, -10, 0),
        ],
    )
    def test_say_what_stripe_took_and_what_went_to_the_bank(
        self, type_: str, amount: int, fee: int, taken: int, to_bank: int
    ) -> None:
        item = StripeItem(ItemKind.MOVEMENT, "txn_one", "available", amount, "aud", NOW, fee_cents=fee, type=type_)
        assert (fee_of(item), to_bank_cents(item)) == (taken, to_bank)


class TestDeeds:
    @pytest.mark.parametrize(
        ("deed", "it", "obstacle"),
        [
            (Deed.RECORD, standing(About.PAYMENT, DifferenceKind.MISSING_HERE), None),
            (Deed.RECORD, standing(About.PAYMENT, DifferenceKind.AMOUNT), DeedObstacle.NOTHING_TO_RECORD),
            (Deed.RECORD, standing(About.MOVEMENT, DifferenceKind.FEE, can_be_posted=True), None),
            (Deed.RECORD, standing(About.MOVEMENT, DifferenceKind.MISSING_HERE), DeedObstacle.NOTHING_TO_RECORD),
            (Deed.REFER, standing(About.INVOICE, DifferenceKind.MISSING_HERE), None),
            (Deed.REFER, standing(About.INVOICE, DifferenceKind.AMOUNT), DeedObstacle.NO_REFERENCE),
            (Deed.LOOK_UP, standing(About.BALANCE, DifferenceKind.AMOUNT), DeedObstacle.NOTHING_TO_ASK),
            (
                Deed.LOOK_UP,
                standing(About.INVOICE, DifferenceKind.AMOUNT, is_connected=False),
                DeedObstacle.NOT_CONNECTED,
            ),
            (
                Deed.ACCEPT,
                standing(About.INVOICE, DifferenceKind.AMOUNT, state=DifferenceState.ACCEPTED),
                DeedObstacle.ACCEPTED,
            ),
            (Deed.ASSIGN, standing(About.INVOICE, DifferenceKind.AMOUNT, state=DifferenceState.ACCEPTED), None),
            *((deed, GONE, DeedObstacle.GONE) for deed in Deed),
        ],
    )
    def test_can_be_done_or_say_why_not(self, deed: Deed, it: Standing, obstacle: DeedObstacle | None) -> None:
        assert obstacle_to(deed, it) is obstacle


class TestCadence:
    def test_a_review_is_due_a_week_after_the_last_and_where_there_was_none(self) -> None:
        assert Cadence(None, None).is_overdue(NOW)
        cadence = Cadence(NOW, "Robin Field")
        assert cadence.due_at == NOW + CADENCE
        assert not cadence.is_overdue(NOW + CADENCE)
        assert cadence.is_overdue(NOW + CADENCE + timedelta(microseconds=1))

    def test_a_runs_stages_follow_each_other_to_the_end(self) -> None:
        stage = Stage.INVOICES
        for following in list(Stage)[1:]:
            assert stage.next is following
            stage = following
        assert stage is Stage.FINISHED


def test_what_pays_is_asked_about_and_each_type_has_one_use() -> None:
    assert {type_ for type_, use in WEBHOOK_TYPES.items() if use is WebhookUse.ASKED} == PAYMENT_TYPES
    assert {type_ for type_, use in WEBHOOK_TYPES.items() if use is WebhookUse.COMPARED} == COMPARED_TYPES.keys()
    assert {"refund.failed", "charge.dispute.funds_withdrawn", "payout.failed"} <= WEBHOOK_TYPES.keys()


class TestSubjects:
    @pytest.mark.parametrize(
        ("type_", "object_", "subject"),
        [
            ("invoice.voided", {"object": "invoice", "id": "in_1"}, (About.INVOICE, "in_1")),
            (
                "credit_note.created",
                {"object": "credit_note", "id": "cn_1", "invoice": "in_1"},
                (About.CREDIT_NOTE, "in_1"),
            ),
            ("credit_note.voided", {"invoice": {"id": "in_1", "object": "invoice"}}, (About.CREDIT_NOTE, "in_1")),
            ("refund.failed", {"id": "re_1", "charge": "ch_1", "payment_intent": "pi_1"}, (About.REFUND, "pi_1")),
            ("refund.created", {"id": "re_1", "charge": "ch_1", "payment_intent": None}, (About.REFUND, "ch_1")),
            ("charge.refunded", {"object": "charge", "id": "ch_1"}, (About.REFUND, "ch_1")),
            ("charge.dispute.created", {"object": "dispute", "id": "du_1", "charge": "ch_1"}, (About.MOVEMENT, "du_1")),
            ("refund.created", {"id": "re_1"}, None),
            ("refund.created", {"charge": ["ch_1"]}, None),
            ("credit_note.created", {"invoice": {"id": 5}}, None),
            ("invoice.finalized", {"object": "invoice", "id": "in_1"}, None),
        ],
    )
    def test_are_read_from_what_an_event_is_about(
        self, type_: str, object_: dict[str, object], subject: tuple[About, str] | None
    ) -> None:
        event = event_of({"id": "evt_1", "object": "event", "type": type_, "data": {"object": object_}})
        assert event is not None
        assert (event.stripe_invoice_id, (event.subject.about, event.subject.key) if event.subject else None) == (
            None,
            subject,
        )
        assert event.first_state is (StripeEventState.PENDING if subject else StripeEventState.KEPT)

    def test_what_the_endpoint_is_not_subscribed_to_is_ignored(self) -> None:
        event = event_of({"id": "evt_1", "object": "event", "type": "customer.created", "data": {"object": {}}})
        assert event is not None
        assert event.first_state is StripeEventState.IGNORED
