"""A mail server in this process: no sockets, the same faults on order, the same replies. Passes the gateway's suite."""

import asyncio
from dataclasses import dataclass, field

from deploy.local.smtp_sink.faults import Action, Faults, Stage
from deploy.local.smtp_sink.mailbox import Mailbox
from services.notifications.domain.replies import Phase, Reply
from services.notifications.smtp_gateway import Letter, SmtpServer

PHASES = {
    Stage.MAIL: Phase.SENDER,
    Stage.RCPT: Phase.RECIPIENT,
    Stage.DATA: Phase.CONTENT,
    Stage.ACCEPTED: Phase.CONTENT,
}


@dataclass
class FakeGateway:
    """`accounts` asks for these names and passwords; `is_away` refuses every connection."""

    mailbox: Mailbox = field(default_factory=Mailbox)
    faults: Faults = field(default_factory=Faults)
    accounts: dict[str, str] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    is_away: bool = False
    takes_utf8: bool = True

    async def send(self, server: SmtpServer, letter: Letter) -> Reply:
        if self.is_away:
            return Reply(Phase.CONNECT, text="SMTPConnectError")
        if self.accounts and server.username is None:
            return Reply(Phase.SENDER, 530, "5.7.0 Authentication required")
        if self.accounts and self.accounts.get(server.username or "") != server.password:
            return Reply(Phase.AUTHENTICATE, 535, "5.7.8 Authentication credentials invalid")
        if letter.needs_utf8 and not self.takes_utf8:
            return Reply(Phase.RECIPIENT, 553, "5.6.7 the server takes no address beyond ASCII")
        for stage in (Stage.MAIL, Stage.RCPT, Stage.DATA):
            if (ended := await self._suffer(stage, letter)) is not None:
                return ended
        mail = self.mailbox.add(letter.sender, (letter.recipient,), letter.content, server.username)
        lost = await self._suffer(Stage.ACCEPTED, letter)
        return lost or Reply(Phase.CONTENT, 250, f"2.0.0 Kept as {mail.id}")

    async def _suffer(self, stage: Stage, letter: Letter) -> Reply | None:
        fault = self.faults.take(stage, letter.sender, (letter.recipient,))
        if fault is None:
            return None
        if fault.action is Action.SLOW:
            return await self._slow(stage, fault.seconds)
        if fault.action is Action.DROP:
            return Reply(PHASES[stage], text="SMTPServerDisconnected")
        code, _, text = fault.line.partition(" ")
        return Reply(PHASES[stage], int(code), text)

    async def _slow(self, stage: Stage, seconds: float) -> Reply | None:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await asyncio.sleep(seconds)
        except TimeoutError:
            return Reply(PHASES[stage], text="timed out")
        return None

    async def close(self) -> None:
        """There is nothing to close."""
