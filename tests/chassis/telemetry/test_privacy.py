"""The mask: what it takes, and what it must leave so that a log stays of use."""

import pytest
from pydantic import BaseModel, ValidationError

from chassis.errors import NotFound
from chassis.telemetry.privacy import MASK, is_personal, masked, masked_text, safe_message, told_fault


class TestMaskedText:
    @pytest.mark.parametrize(
        "text",
        [
            "robin@field.example",
            "Robin.O'Field+x@mail.field.example",
            "0491 570 156",
            "0491570156",
            "+61 491 570 156",
            "+61491570156",
            "(02) 9876 5432",
            "02 9876 5432",
        ],
    )
    def test_hides_addresses_and_numbers_of_people(self, text: str) -> None:
        assert masked_text(f"said {text} to us") in ("said [email] to us", "said [phone] to us")

    @pytest.mark.parametrize(
        "text",
        [
            "01a1fd4d-3f6c-708c-8e30-55de6238773f",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "2026-11-21T08:51:00.123+00:00",
            "partition 3 offset 1234567890",
            "WB-000001",
            "70000 bytes of 65536",
            "127.0.0.1:54321",
            "routing.assignments",
        ],
    )
    def test_leaves_ids_instants_and_figures(self, text: str) -> None:
        assert masked_text(text) == text

    def test_cuts_what_is_too_long(self) -> None:
        assert len(masked_text("x" * 5_000)) == 1_000


class TestMasked:
    @pytest.mark.parametrize("key", ["name", "Email", "contact_email", "to", "body", "client_name", "street"])
    def test_hides_by_key(self, key: str) -> None:
        assert is_personal(key)
        assert masked({key: 7}) == {key: MASK}
        assert masked({key: None}) == {key: None}

    @pytest.mark.parametrize("key", ["event", "consumer", "topic", "state", "number", "renamed", "bodyguard"])
    def test_leaves_other_keys(self, key: str) -> None:
        assert masked({key: "x"}) == {key: "x"}

    def test_gives_up_on_what_is_too_deep(self) -> None:
        deep: dict[str, object] = {}
        deep["again"] = deep
        assert MASK in str(masked(deep))


class Lead(BaseModel):
    size: int


class TestFaults:
    def test_of_validation_say_nothing(self) -> None:
        with pytest.raises(ValidationError) as raised:
            Lead.model_validate({"size": "robin@field.example"})
        assert safe_message(raised.value) == ""

    def test_of_rules_are_written_to_be_read(self) -> None:
        assert safe_message(NotFound("no such thing")) == "not_found: no such thing"

    def test_tell_a_chain_of_five_at_the_most(self) -> None:
        fault: Exception = ValueError("0")
        for number in range(1, 9):
            outer = ValueError(str(number))
            outer.__cause__ = fault
            fault = outer
        assert [told["message"] for told in told_fault(fault)] == ["8", "7", "6", "5", "4"]

    def test_leave_out_a_cause_that_was_left_out(self) -> None:
        with pytest.raises(ValueError) as raised:  # noqa: PT011
            try:
                raise KeyError("inner")
            except KeyError:
                raise ValueError("outer") from None
        assert len(told_fault(raised.value)) == 1
