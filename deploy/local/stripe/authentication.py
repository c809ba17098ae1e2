"""The secret key, as bearer or as the user of basic authentication, and the account it acts for."""

import binascii
from base64 import b64decode
from hmac import compare_digest

from deploy.local.stripe import PINNED_API_VERSION
from deploy.local.stripe.errors import ApiError, no_access
from deploy.local.stripe.transport import Request
from deploy.local.stripe.world import World


def authenticate(request: Request, api_key: str) -> None:
    given = _key_of(request.headers.get("authorization", ""))
    if not given:
        raise ApiError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if not compare_digest(given.encode(), api_key.encode()):
        raise ApiError(f"Invalid API Key provided: {masked(given)}", status=401)


def connected_account(request: Request, world: World) -> str | None:
    account = request.headers.get("stripe-account")
    if account is None or account == world.platform_account:
        return None
    if account not in world.connected:
        raise no_access(masked(world.settings.api_key), account)
    if request.method != "GET":
        raise ApiError("This simulator takes the Stripe-Account header on reads alone.", param="Stripe-Account")
    return account


def check_version(request: Request) -> None:
    """Other versions have other shapes; answering them with ours would be a lie."""
    version = request.headers.get("stripe-version", PINNED_API_VERSION)
    if version != PINNED_API_VERSION:
        raise ApiError(f"Invalid Stripe API version: {version}. This server speaks {PINNED_API_VERSION} alone.")


def masked(key: str) -> str:
    """`sk_test_****abcd`: enough to see which key it was."""
    shown, tail = key[:8], key[-4:]
    return f"{shown}{'*' * max(4, len(key) - 12)}{tail}" if len(key) > 12 else "*" * len(key)


def _key_of(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
