"""Why the demonstration accepts what differs from Stripe: each by its own cause."""

from typing import Any

import pytest

from deploy.local.demo.reconciling import UNKNOWN, cause_of

STATE = {"code": "invoice_state_differs", "ours_state": "paid", "theirs_state": "open"}
NOTE = {"code": "credit_note_not_at_stripe", "ours_state": None, "theirs_state": None}


@pytest.mark.parametrize(
    ("difference", "done_here", "code", "told"),
    [
        (STATE, {"has_transfers": True}, "settled_elsewhere", "WB-000007 was paid to the bank by transfer"),
        (STATE, {"has_transfers": True, "is_written_off": True}, "settled_elsewhere", "WB-000007 is written off here"),
        (NOTE, {}, "settled_elsewhere", "WB-000007 is credited by our own note"),
        (STATE, {}, "timing", "WB-000007, invoice state differs: $93.50 paid here and $93.50 open at Stripe"),
    ],
    ids=["by transfer", "written off", "credited", "neither"],
)
def test_each_difference_is_accepted_for_what_was_done_here(
    difference: dict[str, Any], done_here: dict[str, bool], code: str, told: str
) -> None:
    amounts = {"ours_cents": 9_350, "theirs_cents": 9_350}
    cause = cause_of(difference | amounts, {**UNKNOWN, "number": "WB-000007", **done_here})
    assert cause["reason_code"] == code
    assert cause["reason"].startswith(told)


def test_what_no_invoice_of_ours_is_of_says_what_either_side_has() -> None:
    difference = {"code": "payment_not_here", "ours_cents": None, "ours_state": None}
    cause = cause_of(difference | {"theirs_cents": 400, "theirs_state": "succeeded"}, UNKNOWN)
    assert cause["reason"].endswith("nothing here and $4.00 succeeded at Stripe when compared")
