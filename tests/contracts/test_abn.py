"""Australian Business Numbers check themselves."""

import pytest

from contracts.abn import is_abn

# The Australian Taxation Office's own, and two more of the public register.
KNOWN = ("51824753556", "53004085616", "33051775556")


@pytest.mark.parametrize("number", KNOWN)
def test_a_number_of_the_register_is_one(number: str) -> None:
    assert is_abn(number)


@pytest.mark.parametrize("number", KNOWN)
def test_any_one_digit_written_wrongly_is_seen(number: str) -> None:
    wrong = {
        number[:place] + other + number[place + 1 :]
        for place in range(len(number))
        for other in "0123456789"
        if other != number[place]
    }
    assert not any(is_abn(other) for other in wrong)


@pytest.mark.parametrize(
    "text", ["", "51 824 753 556", "5182475355", "518247535560", "01824753556", "٥١٨٢٤٧٥٣٥٥٦", "51824753556\n"]
)
def test_what_is_not_eleven_digits_is_none(text: str) -> None:
    assert not is_abn(text)
