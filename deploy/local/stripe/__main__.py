"""`python -m deploy.local.stripe --port N`: serves until it is stopped."""

import logging
import sys

import uvicorn

from deploy.local.stripe.app import Simulator
from deploy.local.stripe.settings import Settings
from deploy.local.stripe.transport import CuttableProtocol


def main() -> None:
    """Listens before it prints its address, so that whoever waits for the line can call at once."""
    logging.basicConfig(level=logging.WARNING)
    settings = Settings.read(sys.argv[1:])
    config = uvicorn.Config(
        Simulator(settings),
        host=settings.host,
        port=settings.port,
        http=CuttableProtocol,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )
    listener = config.bind_socket()
    listener.listen(config.backlog)
    host, port = listener.getsockname()[:2]
    print(f"Stripe simulator on http://{host}:{port}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
