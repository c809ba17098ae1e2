"""Delivery status notifications (RFC 3464): of which mail one tells, and whether that mail has come back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from uuid import UUID

from contracts.values import BounceClass
from services.notifications.domain.replies import GIVEN_UP, reason_of_status

OUR_HEADER = "X-Waybill-Message"
"""Beside the Message-ID, which some relays write anew."""
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_RETURNED = ("message/rfc822", "text/rfc822-headers")


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notification says. `header_ids` and `ids` are what it calls the mail by: Message-IDs, and ids of ours.

    `status` is RFC 3463's `class.subject.detail`. Nothing of it names a person.
    """

    header_ids: tuple[str, ...]
    ids: tuple[UUID, ...]
    action: str
    status: str

    @property
    def is_bounce(self) -> bool:
        """What is only delayed is still tried, and what was relayed or expanded is on its way."""
        return self.action == "failed" and self.status[0] in "45"

    @property
    def bounce_class(self) -> BounceClass:
        return BounceClass.PERMANENT if self.status.startswith("5") else BounceClass.TRANSIENT

    @property
    def reason_code(self) -> str:
        if self.bounce_class is BounceClass.TRANSIENT:
            return GIVEN_UP
        return reason_of_status(self.status, "content_refused" if self.status[:4] == "5.6." else "recipient_refused")


def read_notice(raw: bytes) -> Notice | None:
    """None for what is no notification, or does not say for any recipient what became of the mail."""
    try:
        mail = message_from_bytes(raw)
        return _notice(mail) if mail.get_content_type() == "multipart/report" else None
    except RecursionError:
        # Mails within mails, deeper than any report is: the parser goes down into each.
        return None


def _notice(report: Message) -> Notice | None:
    parts = _parts(report)
    told = next((part for part in parts if _is_status(part)), None)
    if told is None:
        return None
    about, *recipients = _parts(told)
    ends = [end for recipient in recipients if (end := _end(recipient)) is not None]
    if not ends:
        return None
    # A mail of ours has one recipient; where that one was a list, its worst end is the mail's.
    action, status = max(ends, key=lambda end: (end[0] == "failed", end[1]))
    originals = [headers for part in parts if (headers := _returned(part)) is not None]
    return Notice(
        header_ids=tuple(_words(originals, "Message-ID")),
        ids=tuple(_ids([*_words([about], "Original-Envelope-Id"), *_words(originals, OUR_HEADER)])),
        action=action,
        status=status,
    )


def _parts(of: Message) -> list[Message]:
    """None of what says to have some and has not."""
    return [part for part in of.get_payload() if isinstance(part, Message)] if of.is_multipart() else []


def _is_status(part: Message) -> bool:
    return part.get_content_type() == "message/delivery-status" and bool(_parts(part))


def _end(recipient: Message) -> tuple[str, str] | None:
    """Action and status of one recipient's block."""
    action = str(recipient.get("Action", "")).strip().lower()
    status = _STATUS.match(str(recipient.get("Status", "")))
    return (action, status.group(1)) if action and status else None


def _returned(part: Message) -> Message | None:
    """The headers of the original, which comes back whole or without its body."""
    if part.get_content_type() not in _RETURNED:
        return None
    if inner := _parts(part):
        return inner[0]
    content = part.get_payload(decode=True)
    return message_from_string(content.decode("utf-8", "replace")) if isinstance(content, bytes) else None


def _words(blocks: list[Message], header: str) -> Iterator[str]:
    for block in blocks:
        yield from str(block.get(header, "")).split()


def _ids(words: list[str]) -> Iterator[UUID]:
    for word in words:
        try:
            yield UUID(word)
        except ValueError:
            # Whatever else it was named by, on its way or by another sender.
            continue
