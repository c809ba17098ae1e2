"""The SMTP side, on aiosmtpd."""

import asyncio
from types import TracebackType
from typing import Any, NoReturn, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from deploy.local.paths import free_port
from deploy.local.smtp_sink.faults import Action, Faults, Stage
from deploy.local.smtp_sink.mailbox import Mailbox

HOST = "127.0.0.1"
MAX_MAIL_BYTES = 26_214_400


class SmtpSink:
    """Runs in the event loop of who enters it; `listen` and `stop_listening` may alternate on the same port."""

    def __init__(self, port: int | None = None, accounts: dict[str, str] | None = None) -> None:
        self.port = port or free_port()
        self.mailbox = Mailbox()
        self.faults = Faults()
        self.accounts = accounts or {}
        self._server: asyncio.Server | None = None
        self._sessions: set[SMTP] = set()

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    def url_of(self, account: str) -> str:
        return f"smtp://{account}:{self.accounts[account]}@{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _fault: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.stop_listening()

    async def listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(self._open_session, HOST, self.port)

    async def stop_listening(self) -> None:
        """Cuts the open connections too: a server that went away."""
        if self._server is None:
            return
        self._server.close()
        for session in list(self._sessions):
            _cut(session)
        ends = [session._handler_coroutine for session in self._sessions if session._handler_coroutine]
        await asyncio.gather(*ends, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        self._sessions.clear()

    def _open_session(self) -> SMTP:
        session = SMTP(
            _Hooks(self),
            hostname="mail.waybill.example",
            ident="Waybill sink",
            data_size_limit=MAX_MAIL_BYTES,
            enable_SMTPUTF8=True,
            authenticator=self._authenticate,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        self._sessions = {known for known in self._sessions if known.transport is not None} | {session}
        return session

    def _authenticate(self, _server: Any, session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
        if not isinstance(login, LoginPassword):
            return AuthResult(success=False, handled=False)
        user = login.login.decode()
        is_known = self.accounts.get(user) == login.password.decode()
        session.waybill_account = user if is_known else None
        return AuthResult(success=is_known, handled=False)


class _Hooks:
    """What aiosmtpd calls at each step; an answer is the line that the sender gets."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self._sink.accounts and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if refused := await self._suffer(server, Stage.MAIL, address, ()):
            return refused
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if refused := await self._suffer(server, Stage.RCPT, envelope.mail_from, (address,)):
            return refused
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        sender, recipients = envelope.mail_from, tuple(envelope.rcpt_tos)
        if refused := await self._suffer(server, Stage.DATA, sender, recipients):
            return refused
        account = getattr(session, "waybill_account", None)
        mail = self._sink.mailbox.add(sender, recipients, bytes(envelope.content), account)
        await self._suffer(server, Stage.ACCEPTED, sender, recipients)
        return f"250 2.0.0 Kept as {mail.id}"

    async def _suffer(self, server: Any, stage: Stage, sender: str, recipients: tuple[str, ...]) -> str | None:
        """The ordered fault of this step, if any: a line to answer, a delay, or the end of the connection."""
        fault = self._sink.faults.take(stage, sender, recipients)
        if fault is None:
            return None
        if fault.action is Action.DROP:
            await _hang_up(server)
        if fault.action is Action.SLOW:
            await asyncio.sleep(fault.seconds)
        return fault.line or None


async def _hang_up(session: Any) -> NoReturn:
    _cut(session)
    # The loss of the connection cancels this task, so that no answer is written.
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a session outlived its connection")


def _cut(session: Any) -> None:
    if session.transport is not None:
        session.transport.abort()
