"""Requests to addresses that strangers gave us: only to the open internet, bounded in time and in what is read.

The host is resolved here and connected to by the very address that was checked, so that a name which answers another
way the next time (DNS rebinding) gains nothing; the certificate is still held against the name. A redirect is an
answer like any other and never followed. Each request has a connection of its own, and nothing is taken from the
environment: no proxy, no cookie, no credential.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from socket import SOCK_STREAM, getaddrinfo
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpcore

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host; raises OSError where it has none."""

PORTS = frozenset({443, 8443})
LONGEST_URL = 2_000
MOST_ADDRESSES = 3
"""How many of a host's addresses are tried."""
RESOLVERS = 16
"""Threads of their own: a name server that does not answer holds up nothing else of the process."""

_NOT_THE_INTERNET = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Of IPv6 what carries an IPv4 address in it (mapped, NAT64, Teredo, 6to4), or documentation, or is no unicast.
        *("::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1"),
    )
)


class Refused(Exception):
    """We do not call there; `why` is one of `not_a_url`, `not_https`, `port`, `private_address`, `unresolvable`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Fault(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    UNRESOLVABLE = "unresolvable"
    PRIVATE_ADDRESS = "private_address"
    TLS = "tls_failed"
    BROKEN = "answer_broken"


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None where none came whole, and `fault` says why. Of the body only its length is told."""

    status: int | None = None
    fault: Fault | None = None
    retry_after: str | None = None
    bytes_read: int = 0
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    connect_seconds: float = 3.0
    total_seconds: float = 10.0
    body_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """An address as it was read, once, by one parser."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


_DEFAULT_PORTS = {"http": 80, "https": 443}


class Guard:
    """What may be called. `local_networks` is for a laptop: there http and any port are let through besides."""

    def __init__(self, local_networks: Iterable[Network] = (), resolve: Resolve | None = None) -> None:
        self._local = tuple(local_networks)
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")
        self._resolve = resolve or self._ask_system

    def target_of(self, url: str) -> Target:
        """Raises Refused for what is not called whatever its host resolves to."""
        if len(url) > LONGEST_URL or not all("!" <= character <= "~" for character in url):
            raise Refused("not_a_url")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise Refused("not_a_url") from None
        if not host or "\\" in url or "%" in host or parts.fragment or parts.username is not None:
            raise Refused("not_a_url")
        if parts.scheme != "https" and not (parts.scheme == "http" and self._local):
            raise Refused("not_https")
        port = _DEFAULT_PORTS[parts.scheme] if port is None else port
        if port not in PORTS and not self._local:
            raise Refused("port")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port, path)

    async def check(self, url: str) -> Target:
        """The target, if a call would be let through now; where it leads is looked at again at each call."""
        target = self.target_of(url)
        await self.addresses_of(target.host, target.port)
        return target

    async def addresses_of(self, host: str, port: int) -> Sequence[str]:
        """All of them, or Refused where only one is not to be called: which is taken would be chance."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise Refused("unresolvable") from None
        if not addresses:
            raise Refused("unresolvable")
        if not all(self._is_let_through(address, port) for address in addresses):
            raise Refused("private_address")
        return addresses

    def _is_let_through(self, address: str, port: int) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if any(parsed in network for network in self._local):
            return True
        return port in PORTS and is_public(address)

    async def _ask_system(self, host: str, port: int) -> Sequence[str]:
        ask = partial(getaddrinfo, host, port, type=SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return list(dict.fromkeys(str(each[4][0]) for each in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def is_public(address: str) -> bool:
    """Whether it is a single machine on the open internet; what is in doubt is not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return parsed.is_global and not parsed.is_multicast and not any(parsed in each for each in _NOT_THE_INTERNET)


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to what the guard lets through, and to nothing else; of one request."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()
        self._opened: list[httpcore.AsyncNetworkStream] = []

    async def close(self) -> None:
        """httpcore leaves a connection open that is cut off in the middle of its TLS handshake."""
        for stream in self._opened:
            await stream.aclose()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failed: Exception | None = None
        for address in (await self._guard.addresses_of(host, port))[:MOST_ADDRESSES]:
            try:
                stream = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                failed = fault
            else:
                self._opened.append(stream)
                return stream
        raise failed or Refused("unresolvable")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface's
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Refused("not_a_url")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class Outbound:
    """Posts to addresses of others. Never raises for what they do: each ends in an Answer."""

    def __init__(self, guard: Guard, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._limits = limits or Limits()
        self._tls = tls or ssl.create_default_context()
        self.guard = guard

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _fault: BaseException | None, _: TracebackType | None
    ) -> None:
        self.guard.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        began = monotonic()
        answer = await self._answer(url, headers, body)
        return Answer(
            answer.status,
            answer.fault,
            answer.retry_after,
            answer.bytes_read,
            duration_ms=round((monotonic() - began) * 1000),
        )

    async def _answer(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        reading = _Reading(self._limits.body_bytes)
        try:
            # One deadline for all of it: a byte a second would pass any limit between two bytes.
            async with asyncio.timeout(self._limits.total_seconds):
                target = self.guard.target_of(url)
                await self._exchange(target, headers, body, reading)
        except TimeoutError:
            return reading.answer(Fault.TIMEOUT)
        except (Refused, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as fault:
            return reading.answer(_fault_of(fault))
        return reading.answer(Fault.BROKEN)

    async def _exchange(self, target: Target, headers: Mapping[str, str], body: bytes, reading: "_Reading") -> None:
        """On a connection of its own: what was checked for one request is not trusted for the next."""
        told = {"Host": target.netloc, "Connection": "close", "Content-Length": str(len(body)), **headers}
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        network = _GuardedNetwork(self.guard)
        pool = httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=network)
        timeouts = {"connect": self._limits.connect_seconds}
        try:
            async with pool.stream(
                "POST", url, headers=list(told.items()), content=body, extensions={"timeout": timeouts}
            ) as response:
                reading.begin(response)
                async for chunk in response.aiter_stream():
                    if reading.took_enough(len(chunk)):
                        return
        finally:
            await network.close()


class _Reading:
    """What has come so far: once status and headers are whole, nothing that the body does changes the answer."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._status: int | None = None
        self._retry_after: str | None = None
        self._bytes_read = 0

    def begin(self, response: httpcore.Response) -> None:
        self._status = response.status
        for name, value in response.headers:
            if name.lower() == b"retry-after":
                with suppress(UnicodeDecodeError):
                    self._retry_after = value.decode("ascii")

    def took_enough(self, number: int) -> bool:
        self._bytes_read = min(self._most_bytes, self._bytes_read + number)
        return self._bytes_read >= self._most_bytes

    def answer(self, fault: Fault) -> Answer:
        if self._status is None:
            return Answer(fault=fault)
        return Answer(self._status, retry_after=self._retry_after, bytes_read=self._bytes_read)


def _fault_of(raised: BaseException) -> Fault:
    match raised:
        case Refused():
            return _OF_REFUSALS.get(raised.why, Fault.UNREACHABLE)
        case httpcore.TimeoutException():
            return Fault.TIMEOUT
        case httpcore.ConnectError():
            return Fault.TLS if _is_of_tls(raised) else Fault.UNREACHABLE
        case _:
            return Fault.BROKEN


_OF_REFUSALS = {"private_address": Fault.PRIVATE_ADDRESS, "unresolvable": Fault.UNRESOLVABLE}


def _is_of_tls(raised: BaseException) -> bool:
    """httpcore tells one error for both; the one beneath knows."""
    cause: BaseException | None = raised
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
