"""The forms of values: what is normal, what is let pass, and what is refused with which code."""

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, TypeAdapter, ValidationError

from contracts.forms import Fault, abn, email_address, service_slug


def refused_as(rule: Callable[[str], str], value: str) -> str:
    with pytest.raises(Fault) as refused:
        rule(value)
    return refused.value.code


class TestServiceSlug:
    @pytest.mark.parametrize(
        ("written", "slug"), [("solar", "solar"), (" Solar-Battery ", "solar-battery"), ("ev_2", "ev_2")]
    )
    def test_is_lower_case(self, written: str, slug: str) -> None:
        assert service_slug(written) == slug

    @pytest.mark.parametrize(
        "written", ["", "solar battery", "-solar", "solar--battery", "<b>", "söl", "s" * 81, "solar\n\n-"]
    )
    def test_refuses_what_is_no_slug(self, written: str) -> None:
        assert refused_as(service_slug, written) == "service_invalid"


class TestEmailAddress:
    @pytest.mark.parametrize(
        ("address", "normal"),
        [
            ("Mia.OBrien@Example.TEST", "Mia.OBrien@example.test"),
            (" mia+solar@sub.example.com.au ", "mia+solar@sub.example.com.au"),
            ("o'brien_1@x-y.example", "o'brien_1@x-y.example"),
        ],
    )
    def test_has_its_domain_in_lower_case(self, address: str, normal: str) -> None:
        assert email_address(address) == normal

    @pytest.mark.parametrize(
        "address",
        [
            "", "mia", "mia@", "@example.test", "mia@example", "mia@@example.test", "mia..o@example.test",
            ".mia@example.test", "mia@-example.test", "mia@example-.test", "mia@example.123", "mia o@example.test",
            "mia@exam_ple.test", "mia@example.test\nBcc: x@example.test", "mïa@example.test", '"mia"@example.test',
            "a" * 65 + "@example.test", "a@" + "b" * 64 + ".test", "a@" + ".".join(["b" * 60] * 5) + ".test",
            "a@1.2.3.4", "a@x..example",
        ],
    )  # fmt: skip
    def test_refuses_what_is_no_address(self, address: str) -> None:
        assert refused_as(email_address, address) == "email_invalid"

    @given(st.text(max_size=300))
    def test_never_fails_otherwise(self, text: str) -> None:
        with suppress(Fault):
            assert email_address(text).count("@") == 1


class TestAbn:
    @pytest.mark.parametrize("written", ["53004085616", "53 004 085 616", "53.004.085.616", "53-004-085-616"])
    def test_is_taken_as_people_write_it(self, written: str) -> None:
        assert abn(written) == "53004085616"

    @pytest.mark.parametrize(
        "written", ["", "abc", "5300408561", "530040856160", "03004085616", "5300408561x", "٥٣٠٠٤٠٨٥٦١٦", "00000000000"]
    )
    def test_is_refused_where_it_is_not_eleven_digits(self, written: str) -> None:
        assert refused_as(abn, written) == "abn_invalid"

    @given(st.integers(0, 10), st.integers(1, 9))
    def test_is_refused_where_one_digit_is_wrong(self, place: int, step: int) -> None:
        digits = [int(digit) for digit in "53004085616"]
        digits[place] = (digits[place] + step) % 10
        assert refused_as(abn, "".join(map(str, digits))) == "abn_invalid"


class TestFault:
    def test_is_told_by_pydantic_with_its_own_code_and_message(self) -> None:
        field = TypeAdapter(Annotated[str, AfterValidator(abn)])
        with pytest.raises(ValidationError) as refused:
            field.validate_python("12")
        [told] = refused.value.errors(include_input=False)
        assert (told["type"], told["msg"]) == ("abn_invalid", "must be an ABN of 11 digits")
