"""What was accepted, in memory."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from itertools import count

KEPT = 20_000


@dataclass(frozen=True)
class Attachment:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """`recipients` are the envelope's; `account` is who had signed in."""

    id: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    account: str | None = None

    @cached_property
    def message(self) -> EmailMessage:
        message = message_from_bytes(self.raw, policy=default)
        assert isinstance(message, EmailMessage)  # noqa: S101  # the default policy makes no other
        return message

    @property
    def subject(self) -> str:
        return str(self.message["subject"] or "")

    @property
    def text(self) -> str | None:
        return self._body("plain")

    @property
    def html(self) -> str | None:
        return self._body("html")

    def _body(self, kind: str) -> str | None:
        """With the line ends of a text, not the wire's."""
        part = self.message.get_body((kind,))
        return None if part is None else str(part.get_content()).replace("\r\n", "\n")

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        return tuple(
            Attachment(part.get_filename() or "unnamed", part.get_content_type(), _bytes_of(part))
            for part in self.message.iter_attachments()
        )

    def is_to(self, address: str) -> bool:
        return address.casefold() in (recipient.casefold() for recipient in self.recipients)


class Mailbox:
    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=KEPT)
        self._ids = count(1)

    def __len__(self) -> int:
        return len(self._mails)

    def __iter__(self) -> Iterator[Mail]:
        """Oldest first."""
        return iter(tuple(self._mails))

    def add(self, sender: str, recipients: tuple[str, ...], raw: bytes, account: str | None = None) -> Mail:
        mail = Mail(next(self._ids), datetime.now(UTC), sender, recipients, raw, account)
        self._mails.append(mail)
        return mail

    def find(self, to: str | None = None, subject: str | None = None) -> list[Mail]:
        """Newest first."""
        return [
            mail
            for mail in reversed(self._mails)
            if (to is None or mail.is_to(to)) and (subject is None or subject.casefold() in mail.subject.casefold())
        ]

    def get(self, mail_id: int) -> Mail | None:
        return next((mail for mail in self._mails if mail.id == mail_id), None)

    def clear(self) -> None:
        self._mails.clear()


def _bytes_of(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
