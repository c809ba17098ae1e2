"""Telephone numbers: whatever comes out is E.164, and whatever cannot ring is refused."""

import re
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumber, is_valid_number, number_type, region_code_for_number
from phonenumbers import PhoneNumberType as Type

from contracts import phones
from contracts.forms import E164, Fault
from contracts.phones import e164

ABROAD = st.builds(
    "+{}{}".format, st.sampled_from(sorted(COUNTRY_CODE_TO_REGION_CODE)), st.text("0123456789", min_size=1, max_size=16)
)
"""Numbers of every country, of few digits and of too many."""
AT_HOME = st.builds(
    "{}{}".format,
    st.sampled_from(["", "0", "00", "61", "+61", "+610", "++61", "1831", "0011 61"]),
    st.text("0123456789", min_size=7, max_size=10) | st.from_regex(r"[23478][0-9]{8}", fullmatch=True),
)
"""As Australians write them, and nearly so."""


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


@st.composite
def spaced(draw: st.DrawFn) -> str:
    """A number of ours with whatever people put between, before and behind the digits."""
    digits = draw(AT_HOME)
    gaps = st.sampled_from(
        ["", "", "", " ", "-", "(", ")", ") ", " (", ".", "/", "--", "x", "#", ";", "+", "\t", "\u00a0"]
    )
    return "".join(draw(gaps) + digit for digit in digits) + draw(gaps)


class TestTheShortWay:
    """It answers of what most people write, and the library answers the same."""

    @pytest.mark.parametrize(
        "number",
        [
            "0412 345 678",
            "0412-345-678",
            "+61412345678",
            "+61 412 345 678",
            "(02) 9876 5432",
            "02 9876 5432",
            "0398765432",
        ],
    )
    def test_answers_of_the_usual_forms(self, number: str) -> None:
        assert phones._at_home(number) is not None

    @pytest.mark.parametrize(
        "number",
        [
            "412 345 678", "0912 345 678", "+61 (0)412 345 678", "(+61) 412 345 678", "1300 555 012", "13 22 33",
            # Christmas Island and the Cocos Islands share the country code, not the plan.
            "08 9164 1234", "08 9162 1234",
            "+61 412 345 6789", "04123456x8", "\u0660412345678", "0412345678" + " " * 300,
        ],
    )  # fmt: skip
    def test_leaves_every_other_to_the_library(self, number: str) -> None:
        assert phones._at_home(number) is None

    @given(spaced() | AT_HOME | ABROAD | st.text("+0123456789 ()-./", max_size=45))
    @example("+61412345678" + " " * 28)
    @example("-(0412345678")
    @example("+-61 412345678")
    def test_says_what_the_library_says_wherever_it_answers(self, text: str) -> None:
        answer = phones._at_home(text)
        if answer is not None:
            assert phones._anywhere(text) == answer

    def test_answers_of_the_valid_landlines_and_mobiles_of_the_plan_alone(self) -> None:
        """All digits that decide: six of nine in the area codes 85 and 89, four in all others."""
        for prefix in prefixes():
            national = f"{prefix}{prefix[-3:]}"
            number = PhoneNumber(61, int(national))
            rings = region_code_for_number(number) == "AU" and number_type(number) in (Type.FIXED_LINE, Type.MOBILE)
            assert (phones._at_home(f"0{national}") == f"+61{national}") is rings, national
            assert not rings or is_valid_number(number)


def prefixes() -> list[str]:
    """Six digits of nine, of all that can start a number without its zero."""
    fine = [f"8{area}{rest:04}" for area, rest in product("59", range(10_000))]
    coarse = [f"{start}{start % 97:02}" for start in range(1_000, 10_000) if start // 100 not in (85, 89)]
    return fine + coarse
