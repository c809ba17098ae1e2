"""Secrets at rest."""

import pytest
from cryptography.exceptions import InvalidTag

from services.identity.sealing import Vault

KEY = "a key of more than thirty-two characters"


class TestVault:
    def test_opens_what_it_sealed(self) -> None:
        sealed = Vault(KEY).seal(b"the secret", "totp:1")
        assert b"secret" not in sealed
        assert Vault(KEY).open(sealed, "totp:1") == b"the secret"

    def test_seals_the_same_twice_to_different_bytes(self) -> None:
        assert Vault(KEY).seal(b"the secret", "totp:1") != Vault(KEY).seal(b"the secret", "totp:1")

    def test_another_key_opens_nothing(self) -> None:
        with pytest.raises(InvalidTag):
            Vault("another" + KEY).open(Vault(KEY).seal(b"the secret", "totp:1"), "totp:1")

    def test_a_secret_in_another_rows_place_does_not_open(self) -> None:
        with pytest.raises(InvalidTag):
            Vault(KEY).open(Vault(KEY).seal(b"the secret", "totp:1"), "totp:2")

    def test_changed_bytes_do_not_open(self) -> None:
        sealed = bytearray(Vault(KEY).seal(b"the secret", "totp:1"))
        sealed[-1] ^= 1
        with pytest.raises(InvalidTag):
            Vault(KEY).open(bytes(sealed), "totp:1")

    def test_marks_are_equal_for_equal_texts_under_one_key_alone(self) -> None:
        mark = Vault(KEY).mark("robin@waybill.example")
        assert mark == Vault(KEY).mark("robin@waybill.example")
        assert mark != Vault(KEY).mark("robin@waybill.test")
        assert mark != Vault("another" + KEY).mark("robin@waybill.example")

    def test_marks_half_a_character_too(self) -> None:
        assert len(Vault(KEY).mark("\ud800")) == 32
