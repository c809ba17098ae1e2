"""The person behind a lead, as a mail tells of them: known, not yet to be read, or gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.values import LeadContact, SealedContact
from services.notifications.domain.purposes import MailPurpose

SEALED = "sealed_contact"
WHOLE = "contact"
PARTS = frozenset(LeadContact.model_fields)
"""Of a delivered lead they stand in the mail's context one by one, of a corrected one together."""


@dataclass(frozen=True, slots=True)
class Known:
    contact: LeadContact


@dataclass(frozen=True, slots=True)
class Waits:
    """The key has not come yet; it comes by another topic."""

    sealed: SealedContact


class Gone:
    """They were erased, or never told of."""


Person = Known | Waits | Gone


def told_openly(contact: LeadContact | None) -> Person:
    return Known(contact) if contact is not None else Gone()


def told_in(purpose: MailPurpose, person: Person) -> dict[str, Any]:
    """What the mail's context holds of them."""
    match person:
        case Known(contact):
            told = contact.model_dump()
            return told if purpose is MailPurpose.LEAD_DELIVERY else {WHOLE: told}
        case Waits(sealed):
            return {SEALED: sealed}
        case _:
            return {} if purpose is MailPurpose.LEAD_DELIVERY else {WHOLE: None}


def opened(purpose: MailPurpose, context: Mapping[str, Any], contact: LeadContact) -> dict[str, Any]:
    """The context of a mail whose key has come."""
    return {**_without(context), **told_in(purpose, Known(contact))}


def contact_in(context: Mapping[str, Any]) -> LeadContact | None:
    """As far as they stand there in words."""
    told = context.get(WHOLE) or context
    return LeadContact.model_validate({part: told[part] for part in PARTS}) if told.keys() >= PARTS else None


def forgotten(purpose: MailPurpose, context: Mapping[str, Any]) -> dict[str, Any]:
    """Where and what for stays: it names nobody."""
    return {**_without(context), **told_in(purpose, Gone())}


def _without(context: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in context.items() if name not in PARTS and name not in (WHOLE, SEALED)}
