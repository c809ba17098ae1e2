"""Telephone numbers: whatever comes out is E.164, and whatever cannot ring is refused."""

import re
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from contracts.forms import E164, Fault
from contracts.phones import e164

ABROAD = st.builds(
    "+{}{}".format, st.sampled_from(sorted(COUNTRY_CODE_TO_REGION_CODE)), st.text("0123456789", min_size=1, max_size=16)
)
"""Numbers of every country, of few digits and of too many."""


@pytest.mark.parametrize(
    ("number", "normal"),
    [
        ("0412 345 678", "+61412345678"),
        ("+61 412 345 678", "+61412345678"),
        ("(02) 9876 5432", "+61298765432"),
        ("+61 2 4921-0000", "+61249210000"),
        ("1300 555 012", "+611300555012"),
        ("13 22 33", "+61132233"),
        ("+64 21 123 4567", "+64211234567"),
    ],
)
def test_a_number_that_rings_is_written_as_e164(number: str, normal: str) -> None:
    assert e164(number) == normal


@pytest.mark.parametrize(
    "number",
    [
        "", "000", "12345", "0912 345 678", "+61 400", "0061 2 9876 5432", "0412345678x", "<b>0412345678</b>",
        "0412 345 678 or 0412 345 679", "call me",
        # Valid by their countries' plans, and beyond what E.164 or our tables hold.
        "+43 1111", "+49 30 123456789012",
    ],
)  # fmt: skip
def test_any_other_is_refused(number: str) -> None:
    with pytest.raises(Fault) as refused:
        e164(number)
    assert refused.value.code == "phone_invalid"


@given(st.text(max_size=40) | ABROAD)
@example("+431111")
@example("+4930123456789012")
def test_what_comes_out_is_e164_or_a_refusal(text: str) -> None:
    with suppress(Fault):
        assert re.fullmatch(E164, e164(text))
