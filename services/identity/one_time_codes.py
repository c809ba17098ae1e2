"""One-time codes by TOTP (RFC 6238): six digits, steps of 30 seconds, one step of drift to either side."""

from datetime import datetime

import pyotp
from pyotp.exceptions import OTPVerificationError

DRIFT_STEPS = 1
MIN_SECRET_BITS = 128


class WeakSecret(ValueError):
    """Not base32, or shorter than RFC 4226 allows."""


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32()


def checked_secret(text: str) -> str:
    """A secret that came from outside, as apps show it: spaces and small letters are let pass."""
    secret = text.replace(" ", "").upper()
    try:
        bits = len(pyotp.TOTP(secret).byte_secret()) * 8
    except ValueError as fault:
        raise WeakSecret("the one-time-code secret is not base32") from fault
    if bits < MIN_SECRET_BITS:
        raise WeakSecret(f"the one-time-code secret has {bits} bits of at least {MIN_SECRET_BITS}")
    return secret


def matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The step whose code this is, at most one away from now; None where there is none."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=at, valid_window=DRIFT_STEPS)
    except OTPVerificationError:
        return None


def provisioning_uri(secret: str, email: str, issuer: str) -> str:
    """What an authenticator app reads from a QR code. It holds the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)
