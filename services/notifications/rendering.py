"""Messages as bytes: templates to text and HTML, both to MIME. The same message always gives the same bytes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifications.domain.addresses import one_line
from services.notifications.domain.bounces import OUR_HEADER
from services.notifications.domain.purposes import MailPurpose
from services.notifications.smtp_gateway import Letter
from services.notifications.wording import filters

CURRENT_VERSION: Mapping[MailPurpose, int] = {
    MailPurpose.LEAD_DELIVERY: 1,
    MailPurpose.INVOICE: 1,
    MailPurpose.PAYOUT_RECEIPT: 1,
    MailPurpose.OPS_ALERT: 1,
    MailPurpose.TICKET_REPLY: 1,
    MailPurpose.ESCALATION: 1,
    MailPurpose.LEAD_CORRECTION: 1,
    MailPurpose.RETURN_ANSWER: 1,
    MailPurpose.STATEMENT: 1,
}
"""The template that new messages of a purpose take; a queued one keeps the version it was queued with."""

LONGEST_SUBJECT = 150
LONGEST_LINE = 200
"""In characters. A Message-ID that is folded, as a ticket's would be at 78, is one that some servers do not find."""
_AUTOMATIC = frozenset({MailPurpose.OPS_ALERT, MailPurpose.DIGEST, MailPurpose.ESCALATION})
_EXTRA_HEADERS = ("Reply-To", "In-Reply-To", "References")


class Attached(Protocol):
    """A document as it was kept."""

    @property
    def file_name(self) -> str: ...
    @property
    def media_type(self) -> str: ...
    @property
    def content(self) -> bytes: ...


class Renderable(Protocol):
    """A message in hand, as far as its bytes depend on it."""

    @property
    def message_id(self) -> UUID: ...
    @property
    def purpose(self) -> MailPurpose: ...
    @property
    def template(self) -> str: ...
    @property
    def template_version(self) -> int: ...
    @property
    def context(self) -> Mapping[str, Any]: ...
    @property
    def recipient_email(self) -> str: ...
    @property
    def recipient_name(self) -> str: ...
    @property
    def header_id(self) -> str: ...
    @property
    def extra_headers(self) -> Mapping[str, str]: ...
    @property
    def dated_at(self) -> datetime: ...
    @property
    def document(self) -> Attached | None: ...
    @property
    def traceparent(self) -> str | None: ...
    @property
    def from_address(self) -> str: ...
    @property
    def from_name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Written:
    """What a template says, before it is a mail."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class House:
    """What every mail says about its sender."""

    brand: str
    support_address: str
    zone: ZoneInfo
    payment_instructions: str | None = None


class Renderer:
    def __init__(self, house: House) -> None:
        self._house = house
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters.update(filters(house.zone))
        self._templates.globals["house"] = house

    def write(self, template: str, version: int, context: Mapping[str, Any]) -> Written:
        name = f"{template}.v{version}"
        subject, text, html = (
            self._templates.get_template(f"{name}{part}").render(context) for part in (".subject.txt", ".txt", ".html")
        )
        return Written(one_line(subject, LONGEST_SUBJECT), text.strip() + "\n", html)

    def letter(self, message: Renderable) -> Letter:
        """Byte for byte the same however often it is asked for, so that a second try is the same mail."""
        sender, recipient = ascii_domain(message.from_address), ascii_domain(message.recipient_email)
        written = self.write(message.template, message.template_version, message.context)
        policy = SMTP if (sender + recipient).isascii() else SMTPUTF8
        mail = EmailMessage(policy=policy.clone(max_line_length=LONGEST_LINE))
        mail["From"] = _mailbox(message.from_name, sender)
        mail["To"] = _mailbox(message.recipient_name, recipient)
        mail["Subject"] = written.subject
        mail["Date"] = format_datetime(message.dated_at)
        mail["Message-ID"] = message.header_id
        for name, value in self._further_headers(message).items():
            mail[name] = one_line(value, 900)
        _fill(mail, written, message)
        return Letter(sender, recipient, bytes(mail), str(message.message_id))

    def _further_headers(self, message: Renderable) -> dict[str, str]:
        headers = {"Reply-To": self._house.support_address, OUR_HEADER: str(message.message_id)}
        headers |= {name: message.extra_headers[name] for name in _EXTRA_HEADERS if name in message.extra_headers}
        if message.traceparent is not None:
            headers["traceparent"] = message.traceparent
        if message.purpose in _AUTOMATIC:
            headers["Auto-Submitted"] = "auto-generated"
        return headers


def ascii_domain(address: str) -> str:
    """An internationalised domain in the form that every server knows; the local part stays as it is."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"


def sha256_of(letter: Letter) -> str:
    return hashlib.sha256(letter.content).hexdigest()


def _mailbox(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=one_line(name), username=local, domain=domain)


def _fill(mail: EmailMessage, written: Written, message: Renderable) -> None:
    mail.set_content(written.text)
    mail.add_alternative(written.html, subtype="html")
    if message.document is not None:
        maintype, _, subtype = message.document.media_type.partition("/")
        file_name = one_line(message.document.file_name)
        mail.add_attachment(message.document.content, maintype=maintype, subtype=subtype, filename=file_name)
    multiparts = [part for part in mail.walk() if part.is_multipart()]
    for place, part in enumerate(multiparts):
        # Random boundaries would make the second try another mail.
        part.set_boundary(f"=_{message.message_id.hex}_{place}")
