"""A sender process that is killed as soon as the mail server has taken a mail over: before it can say so."""

import asyncio
import os
import signal
import sys

from pydantic import SecretStr

from services.notifications.domain.replies import Reply
from services.notifications.main import build
from services.notifications.settings import Settings
from services.notifications.smtp_gateway import AiosmtplibGateway, Letter, SmtpServer


class Dying(AiosmtplibGateway):
    async def send(self, server: SmtpServer, letter: Letter) -> Reply:
        await super().send(server, letter)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives this")


async def main(database_url: str, smtp_url: str) -> None:
    settings = Settings.model_validate({"database_url": SecretStr(database_url), "smtp_url": SecretStr(smtp_url)})
    service = build(settings, gateway=Dying())
    while True:
        await service.loops[0].step()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
