"""SMTP: the only module that speaks it. One exchange is one mail to one recipient; connections are kept and reused.

The real gateway is written against aiosmtplib 5.1.3. Its answers are bare replies; what they mean is the domain's.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException

from services.notifications.domain.replies import Phase, Reply

IDLE_SECONDS = 20.0
MAILS_PER_CONNECTION = 200
QUIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to hand mail over. `start_tls` None takes it where it is offered.

    With `is_xoauth2` the password is an access token.
    """

    host: str
    port: int
    uses_tls: bool = False
    start_tls: bool | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    is_xoauth2: bool = False

    @property
    def mailbox(self) -> tuple[str, int, str | None]:
        """Whose connections these are, whatever the password is now."""
        return (self.host, self.port, self.username)

    @classmethod
    def of_url(cls, url: str) -> "SmtpServer":
        """Of `smtp[s]://user:password@host:port?starttls=required|never&auth=xoauth2`; raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("an SMTP URL begins with smtp:// or smtps:// and names a host")
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        uses_tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if uses_tls else 25),
            uses_tls=uses_tls,
            start_tls=False if uses_tls else {"required": True, "never": False}.get(options.get("starttls", "")),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            is_xoauth2=options.get("auth") == "xoauth2",
        )


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail, rendered: the envelope's two addresses, and the content byte for byte.

    By `envelope_id` a server names it again when it sends it back (RFC 3461).
    """

    sender: str
    recipient: str
    content: bytes
    envelope_id: str | None = None

    @property
    def needs_utf8(self) -> bool:
        return not (self.sender.isascii() and self.recipient.isascii())


class SmtpGateway(Protocol):
    async def send(self, server: SmtpServer, letter: Letter) -> Reply:
        """Hands one mail over. Never raises for what a server or a network does: that is the reply."""
        ...

    async def close(self) -> None: ...


@dataclass
class AiosmtplibGateway:
    """`connections` are open at once to one server at the most; `timeout_seconds` is of a whole exchange."""

    connections: int = 8
    timeout_seconds: float = 60.0
    local_hostname: str | None = None
    _pools: dict[tuple[str, int, str | None], "_Pool"] = field(default_factory=dict)

    async def send(self, server: SmtpServer, letter: Letter) -> Reply:
        pool = await self._pool_of(server)
        exchange = _Exchange(pool)
        async with pool.places:
            try:
                async with asyncio.timeout(self.timeout_seconds):
                    return await exchange.run(letter)
            except TimeoutError:
                return Reply(exchange.phase, text="timed out")

    async def _pool_of(self, server: SmtpServer) -> "_Pool":
        """A changed password makes a new pool; the old one's connections end."""
        pool = self._pools.get(server.mailbox)
        if pool is not None and pool.server == server:
            return pool
        self._pools[server.mailbox] = fresh = _Pool(server, self._client, self.connections)
        if pool is not None:
            await pool.close()
        return fresh

    def _client(self, server: SmtpServer) -> SMTP:
        async def token() -> str:
            return server.password or ""

        return SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.uses_tls,
            start_tls=server.start_tls,
            tls_context=None if server.start_tls is False and not server.uses_tls else _tls_context(),
            username=server.username,
            password=None if server.is_xoauth2 else server.password,
            oauth_token_generator=token if server.is_xoauth2 else None,
            local_hostname=self.local_hostname,
            timeout=self.timeout_seconds,
        )

    async def close(self) -> None:
        pools, self._pools = self._pools, {}
        await asyncio.gather(*(pool.close() for pool in pools.values()))


@cache
def _tls_context() -> ssl.SSLContext:
    """Made once: reading the certificate authorities takes longer than a mail."""
    return ssl.create_default_context()


class _Connection:
    def __init__(self, client: SMTP) -> None:
        self.client = client
        self.mails = 0
        self.used_at = monotonic()

    @property
    def is_fit(self) -> bool:
        """Servers drop connections that idle or that carry too much: better not to meet that in the middle."""
        fresh = monotonic() - self.used_at < IDLE_SECONDS
        return self.client.is_connected and fresh and self.mails < MAILS_PER_CONNECTION

    async def quit(self) -> None:
        with suppress(SMTPException, OSError, TimeoutError):
            await self.client.quit(timeout=QUIT_SECONDS)
        self.client.close()


class _Pool:
    """The connections to one server that wait for their next mail, the latest used first."""

    def __init__(self, server: SmtpServer, make: Callable[[SmtpServer], SMTP], places: int) -> None:
        self.server = server
        self.places = asyncio.Semaphore(places)
        self._make = make
        self._idle: list[_Connection] = []
        self._is_closed = False

    async def idle(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fit:
                return connection
            await connection.quit()
        return None

    def fresh(self) -> _Connection:
        return _Connection(self._make(self.server))

    def give_back(self, connection: _Connection) -> None:
        connection.used_at = monotonic()
        connection.mails += 1
        if self._is_closed:
            connection.client.close()
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        self._is_closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.quit() for connection in idle))


class _Exchange:
    """One mail's way through the protocol; `phase` tells how far it came when it ends early."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        self.phase = Phase.CONNECT

    async def run(self, letter: Letter) -> Reply:
        reused = await self._pool.idle()
        if reused is not None:
            reply = await self._hand_over(reused, letter)
            # The server had let go of the connection meanwhile; nothing was handed over yet.
            if not (reply.phase is Phase.SENDER and reply.code in (None, 421)):
                return reply
        self.phase = Phase.CONNECT
        fresh = self._pool.fresh()
        failed = await self._connect(fresh.client)
        return failed or await self._hand_over(fresh, letter)

    async def _connect(self, client: SMTP) -> Reply | None:
        try:
            await client.connect()
        except SMTPAuthenticationError as refused:
            return Reply(Phase.AUTHENTICATE, refused.code, refused.message)
        except SMTPResponseException as refused:
            return Reply(Phase.CONNECT, refused.code, refused.message)
        except (SMTPException, OSError) as fault:
            return _unanswered(Phase.CONNECT, fault)
        return None

    async def _hand_over(self, connection: _Connection, letter: Letter) -> Reply:
        self.phase = Phase.SENDER
        async with self._returned(connection):
            try:
                return await self._exchange(connection.client, letter)
            except SMTPResponseException as refused:
                with suppress(SMTPException, OSError):
                    await connection.client.rset()
                return Reply(self.phase, refused.code, refused.message)
            except (SMTPException, OSError) as fault:
                connection.client.close()
                return _unanswered(self.phase, fault)

    @asynccontextmanager
    async def _returned(self, connection: _Connection) -> AsyncIterator[None]:
        """A connection that still stands goes back to the pool; one that was left in the middle is closed."""
        try:
            yield
        except BaseException:
            connection.client.close()
            raise
        if connection.client.is_connected:
            self._pool.give_back(connection)

    async def _exchange(self, client: SMTP, letter: Letter) -> Reply:
        options, encoding = ([], "ascii") if not letter.needs_utf8 else (["SMTPUTF8"], "utf-8")
        if letter.needs_utf8 and not await _offers(client, "smtputf8"):
            return Reply(Phase.RECIPIENT, 553, "5.6.7 the server takes no address beyond ASCII")
        if letter.envelope_id is not None and await _offers(client, "dsn"):
            # Should it come back, without its content: the person whom it tells of has no need to travel again.
            options = [*options, "RET=HDRS", f"ENVID={letter.envelope_id}"]
        await client.mail(letter.sender, options=options, encoding=encoding)
        self.phase = Phase.RECIPIENT
        await client.rcpt(letter.recipient, encoding=encoding)
        self.phase = Phase.CONTENT
        answer = await client.data(letter.content)
        return Reply(Phase.CONTENT, answer.code, answer.message)


async def _offers(client: SMTP, extension: str) -> bool:
    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    return client.supports_extension(extension)


def _unanswered(phase: Phase, fault: Exception) -> Reply:
    """Whatever went wrong without an answer, by its type: the library's messages can hold addresses."""
    no_means = isinstance(fault, SMTPException) and not isinstance(fault, OSError | TimeoutError)
    if no_means and phase is Phase.CONNECT:
        # No AUTH or no STARTTLS on offer: nothing that trying again would change, and the account's own affair.
        return Reply(Phase.AUTHENTICATE, 535, f"5.7.0 {type(fault).__name__}")
    return Reply(phase, text=type(fault).__name__)
