"""`python -m deploy.local.webhook_sink --port N`: /<name> is an installer's address, /control/ is for the play."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deploy.local.webhook_sink.receivers import Receivers

HOST = "127.0.0.1"
CONTROL = "/control/"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((HOST, port), _Answers)
        self.receivers = Receivers()


class _Answers(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the library's name
        self._answer(200, self.server.receivers.told() if self.path == CONTROL else {})

    def do_POST(self) -> None:  # the library's name
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(self.server.receivers.take(self.path.removeprefix("/"), headers, body), {})

    def do_PUT(self) -> None:  # the library's name
        self.server.receivers.control(self.path.removeprefix(CONTROL), json.loads(self._body()))
        self._answer(200, {})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _answer(self, status: int, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Nothing: who is told what is in the books."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.webhook_sink")
    parser.add_argument("--port", type=int, required=True)
    _Server(parser.parse_args().port).serve_forever()


if __name__ == "__main__":
    main()
