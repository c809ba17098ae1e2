"""HTTP in and out over uvicorn, and the two ways to leave a caller without an answer."""

import json
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from deploy.local.stripe.errors import ApiError, Json

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST_BODY_BYTES = 1024 * 1024


class CuttableProtocol(HttpToolsProtocol):
    """Hands each request its transport, so that a fault can cut the line instead of answering."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes
    caller: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Json, status: int = 200) -> "Answer":
        return cls(status, json.dumps(content).encode())

    @classmethod
    def refusal(cls, error: ApiError) -> "Answer":
        return cls.of(error.body(), error.status)


async def read_request(scope: Scope, receive: Receive) -> Request:
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY_BYTES:
            raise ApiError("The request body is too large.", status=413)
        parts.append(part)
        more = message.get("more_body", False)
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=b"".join(parts),
        caller=client[0] if client else "",
    )


async def send_answer(send: Send, answer: Answer) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def hang_up(scope: Scope, receive: Receive) -> None:
    """The connection ends without a byte of an answer, as when it is lost on the way back."""
    scope["state"]["transport"].close()
    await _wait_until_gone(receive)


async def reset(scope: Scope, receive: Receive) -> None:
    """A TCP reset, as from a host that went away."""
    transport = scope["state"]["transport"]
    line = transport.get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _wait_until_gone(receive)


async def _wait_until_gone(receive: Receive) -> None:
    """uvicorn answers 500 for an app that returns early, unless it has seen that the line is gone."""
    while (await receive())["type"] != "http.disconnect":
        continue
