"""What a lead says, and the normal form in which two that say the same are the same."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address

from contracts.forms import Fault
from contracts.values import AustralianState, SelectedPath


@dataclass(frozen=True, slots=True)
class LeadContent:
    """A submission in its normal form. `phone` is E.164, `email` has a lower-case domain, white space is single.

    When and from where the consent was given is what the source says, if it does: an instant in UTC, and an address.
    """

    selected_path: SelectedPath
    service: str
    name: str
    email: str
    phone: str
    street: str
    suburb: str
    state: AustralianState
    postcode: str
    consent_text: str
    consent_url: str
    consent_given_at: str | None = None
    consent_remote_address: str | None = None


def fingerprint(content: LeadContent) -> bytes:
    """SHA-256 of the normal form: the same for two submissions that say the same.

    Kept for ever: whoever changes the normal form computes those of the kept leads anew, from their columns as they
    were before the first correction.
    """
    *said, given_at, remote_address = [getattr(content, name) for name in LeadContent.__slots__]
    # What does not say them is the same as it was before they could be said.
    said += [given_at, remote_address] if given_at or remote_address else []
    return sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()).digest()


CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def one_line(given: str) -> str:
    """Trimmed, with single spaces; everything else, mark-up too, is text and stays as it is."""
    line = " ".join(given.split())
    if CONTROL.search(line):
        raise Fault("string_control_character", "must not hold control characters")
    if not line:
        raise Fault("blank", "must not be blank")
    return line


def email_match(address: str) -> str:
    """The form under which two addresses are the same mailbox: lower case, without a plus-tag."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


WEB_ADDRESS = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)


def web_address(given: str) -> str:
    address = given.strip()
    if not WEB_ADDRESS.fullmatch(address):
        raise Fault("url_invalid", "must be an http or https address")
    return address


def instant(given: str) -> str:
    """Of ISO 8601, with its zone; in UTC."""
    try:
        told = datetime.fromisoformat(given.strip())
        utc = told.astimezone(UTC) if told.tzinfo else None
    except (ValueError, OverflowError):
        utc = None
    if utc is None:
        raise Fault("instant_invalid", "must be an instant with its zone, as 2026-03-03T13:15:04+11:00")
    return utc.isoformat()


def network_address(given: str) -> str:
    """Of either version, as it is usually written; without the name of an interface, which may be any word."""
    try:
        address = ip_address(given.strip())
    except ValueError:
        address = None
    if address is None or getattr(address, "scope_id", None):
        raise Fault("address_invalid", "must be an IPv4 or IPv6 address")
    return address.compressed


_BETWEEN_DIGITS = re.compile(r"[ ().\-/]")
_PART_OF_PHONE = re.compile(r"(?:\+61|0)?([0-9]{5,})|(\+[0-9]{5,})")


def part_of_phone(typed: str) -> str:
    """What somebody typed of a telephone number, as it stands in one that is kept: "0412 345" is `412345`.

    Empty for what is none, or too little of one to tell it from a postcode.
    """
    found = _PART_OF_PHONE.fullmatch(_BETWEEN_DIGITS.sub("", typed))
    return (found[1] or found[2]) if found else ""


SUBMISSION_KEY = r"^[\x21-\x7e]{1,200}$"
"""Visible ASCII: what fits a header as it fits a body."""
