"""A small program with the outside of a service, for the tests of what starts and stops programs.

`python -m tests.kit.stand_in --port N` answers 200 on every path until SIGTERM; its environment on `/environment`.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.addresses import Addresses
from deploy.local.child import Program
from deploy.local.paths import ROOT, is_listening
from deploy.local.programs import service


def stand_in(name: str, port: int, *flags: str, ready_seconds: float = 30, stop_seconds: float = 10) -> Program:
    return Program(
        name=name,
        command=[sys.executable, "-m", "tests.kit.stand_in", "--port", str(port), *flags],
        ready=lambda: is_listening(port),
        directory=ROOT,
        ready_seconds=ready_seconds,
        stop_seconds=stop_seconds,
    )


def stand_in_service(name: str, addresses: Addresses) -> Program:
    """In a service's place, with the environment that the service would have."""
    port = urlsplit(addresses.services[name]).port or 0
    flags = ["--fail", "ordered to fail"] if os.environ.get("STAND_IN_FAILS") == name else []
    flags += ["--mute"] if os.environ.get("STAND_IN_IS_MUTE") == name else []
    real, shape = service(name, addresses), stand_in(name, port, *flags)
    return Program(name, shape.command, real.ready, real.environment, ROOT)


def no_migration(_addresses: Addresses) -> Program:
    return Program("migrate", [sys.executable, "-c", "print('nothing to migrate')"])


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the library's name
        body = json.dumps(dict(os.environ)).encode() if self.path == "/environment" else b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Requests are not worth a line."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kit.stand_in")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--deaf", action="store_true", help="does not listen to SIGTERM")
    parser.add_argument("--mute", action="store_true", help="runs and is never ready")
    parser.add_argument("--fail", metavar="LAST_WORDS", help="ends at once with 7")
    parser.add_argument("--note", type=Path, help="a file to which a line is added when told to stop")
    options = parser.parse_args(arguments)
    if options.fail:
        sys.stderr.write(options.fail + "\n")
        sys.exit(7)
    _listen_to_sigterm(options)
    if options.mute:
        while True:
            signal.pause()
    ThreadingHTTPServer(("127.0.0.1", options.port), _Answers).serve_forever()


def _listen_to_sigterm(options: argparse.Namespace) -> None:
    def stop(*_: object) -> None:
        if options.note:
            with options.note.open("a") as note:
                note.write(f"{options.port}\n")
        os._exit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if options.deaf else stop)


if __name__ == "__main__":
    main()
