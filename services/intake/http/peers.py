"""Where a request comes from."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from litestar import Request

UNKNOWN = "unknown"


def remote_address(request: Request[Any, Any, Any], trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The peer of the connection; behind proxies of ours the last address in X-Forwarded-For that is none of them.

    What stands before that one was written by whoever sent it, so it is not believed.
    """
    peer = request.client.host if request.client else UNKNOWN
    if not trusted or not _is_in(peer, trusted):
        return peer
    told = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    for address in reversed(told):
        if not _is_address(address):
            return peer
        if not _is_in(address, trusted):
            return address
        peer = address
    return peer


def _is_in(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
