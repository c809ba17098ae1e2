import argparse
import asyncio

import uvicorn

from deploy.local.smtp_sink.pages import mailbox_app
from deploy.local.smtp_sink.server import HOST, SmtpSink


async def serve(smtp_port: int, http_port: int, accounts: dict[str, str]) -> None:
    async with SmtpSink(smtp_port, accounts) as sink:
        config = uvicorn.Config(mailbox_app(sink), host=HOST, port=http_port, access_log=False, log_level="warning")
        await uvicorn.Server(config).serve()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.smtp_sink")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--account", action="append", default=[], metavar="USER:PASSWORD")
    options = parser.parse_args()
    accounts = dict(account.split(":", 1) for account in options.account)
    asyncio.run(serve(options.smtp_port, options.http_port, accounts))


if __name__ == "__main__":
    main()
