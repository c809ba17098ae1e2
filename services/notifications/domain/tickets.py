"""Tickets: their states, and the signed token by which an answer finds its ticket and none but its ticket."""

import base64
import hashlib
import hmac
from enum import StrEnum
from uuid import UUID

_SIGNATURE_BYTES = 10
"""80 bits: with the id it fits into the 64 characters of a local part, and each guess costs a mail."""


class TicketState(StrEnum):
    """`pending` waits for the requester, `open` for us."""

    OPEN = "open"
    PENDING = "pending"
    CLOSED = "closed"


class TicketAction(StrEnum):
    REPLY = "reply"
    CLOSE = "close"


class TicketObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    CLOSED = "it is closed"


def obstacle_to(action: TicketAction, state: TicketState) -> TicketObstacle | None:
    """A closed ticket may be replied to: the reply takes it up again."""
    is_done = action is TicketAction.CLOSE and state is TicketState.CLOSED
    return TicketObstacle.CLOSED if is_done else None


class EntryKind(StrEnum):
    REQUEST = "request"
    REPLY = "reply"
    NOTE = "note"


def reply_token(ticket_id: UUID, key: bytes) -> str:
    """Lower-case letters and digits, as servers on the way may fold the case."""
    return _base32(ticket_id.bytes + _signature(ticket_id, key))


def reply_address(support_address: str, token: str) -> str:
    """`support+<token>@…`: where the requester's answer goes."""
    local, _, domain = support_address.rpartition("@")
    return f"{local}+{token}@{domain}"


def thread_header_id(token: str, place: int, mail_domain: str) -> str:
    """The Message-ID of a thread's mail; place 0 is the ticket itself, which every reply refers to."""
    return f"<ticket.{token}.{place}@{mail_domain}>"


def _signature(ticket_id: UUID, key: bytes) -> bytes:
    return hmac.digest(key, b"waybill ticket " + ticket_id.bytes, hashlib.sha256)[:_SIGNATURE_BYTES]


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
