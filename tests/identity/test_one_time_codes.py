"""TOTP."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from services.identity.one_time_codes import (
    WeakSecret,
    checked_secret,
    matching_step,
    new_secret,
    provisioning_uri,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
# RFC 6238, appendix B: the secret "12345678901234567890" at 1111111111, of whose eight digits six are the last.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


class TestMatchingStep:
    def test_knows_the_code_of_the_rfc(self) -> None:
        assert matching_step(RFC_SECRET, "050471", datetime.fromtimestamp(1111111111, UTC)) == 1111111111 // 30

    @pytest.mark.parametrize("steps", [-1, 0, 1])
    def test_finds_the_step_whose_code_it_is(self, steps: int) -> None:
        code = pyotp.TOTP(RFC_SECRET).at(NOON + timedelta(seconds=30 * steps))
        assert matching_step(RFC_SECRET, code, NOON) == int(NOON.timestamp()) // 30 + steps

    @pytest.mark.parametrize("steps", [-2, 2])
    def test_finds_none_two_steps_away(self, steps: int) -> None:
        code = pyotp.TOTP(RFC_SECRET).at(NOON + timedelta(seconds=30 * steps))
        assert matching_step(RFC_SECRET, code, NOON) is None


class TestSecrets:
    def test_a_new_one_has_160_bits(self) -> None:
        assert len(pyotp.TOTP(new_secret()).byte_secret()) == 20

    def test_one_from_outside_may_be_written_as_apps_show_it(self) -> None:
        assert checked_secret("gezd gnbv gy3t qojq gezd gnbv gy3t qojq") == RFC_SECRET

    @pytest.mark.parametrize("text", ["", "GEZDGNBVGY3TQOJQ", "not base32!", "GEZDGNBVGY3TQOJQGEZDGNBV"])
    def test_refuses_a_weak_one(self, text: str) -> None:
        with pytest.raises(WeakSecret):
            checked_secret(text)


class TestProvisioningUri:
    def test_is_what_authenticator_apps_read(self) -> None:
        uri = urlsplit(provisioning_uri(RFC_SECRET, "robin@waybill.example", "Waybill"))
        assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Waybill:robin%40waybill.example")
        assert parse_qs(uri.query) == {"secret": [RFC_SECRET], "issuer": ["Waybill"]}
