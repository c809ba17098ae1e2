"""Sealed bytes open with their key in their place, and in no other way."""

import pytest
from cryptography.exceptions import InvalidTag

from chassis.sealing import new_key, open_sealed, seal

KEY = new_key()


def test_keys_are_of_256_bits_and_never_the_same() -> None:
    assert len(KEY) == 32
    assert new_key() != KEY


@pytest.mark.parametrize("plain", [b"", b"Mia Ng, 0412 345 678", bytes(range(256)) * 64])
def test_what_is_sealed_opens_with_its_key_and_label(plain: bytes) -> None:
    sealed = seal(KEY, plain, "lead-1")
    assert plain == b"" or plain not in sealed
    assert open_sealed(KEY, sealed, "lead-1") == plain


def test_the_same_is_never_sealed_to_the_same_bytes() -> None:
    assert seal(KEY, b"Mia", "lead-1") != seal(KEY, b"Mia", "lead-1")


@pytest.mark.parametrize("place", [0, 12, -1])
def test_a_changed_byte_opens_nothing(place: int) -> None:
    sealed = bytearray(seal(KEY, b"Mia", "lead-1"))
    sealed[place] ^= 1
    with pytest.raises(InvalidTag):
        open_sealed(KEY, bytes(sealed), "lead-1")


def test_another_key_or_place_opens_nothing() -> None:
    sealed = seal(KEY, b"Mia", "lead-1")
    for key, label in ((new_key(), "lead-1"), (KEY, "lead-2")):
        with pytest.raises(InvalidTag):
            open_sealed(key, sealed, label)


@pytest.mark.parametrize("length", [0, 11, 12, 27])
def test_what_is_too_short_to_be_sealed_opens_nothing(length: int) -> None:
    with pytest.raises(InvalidTag):
        open_sealed(KEY, seal(KEY, b"", "lead-1")[:length], "lead-1")
