"""Forms in which the person behind a lead may stand in what others typed: what whoever erases them looks for."""

import re
from collections.abc import Iterator

from contracts.values import LeadContact

SHORTEST_PART = 4
"""Letters of a name's part; what is shorter is a word of many others."""
_AUSTRALIAN = "+61"


def literals_of(contact: LeadContact) -> tuple[str, ...]:
    """The whole name, the address of the mailbox, the telephone number however it is grouped, the street.

    Nothing that may as well be a common word: a name or a street of one word alone is left out, and so are a name's
    parts, which `parts_of_name` gives.
    """
    name = (contact.name.strip(),) if " " in contact.name.strip() else ()
    return (*name, *marks_of(contact))


def marks_of(contact: LeadContact) -> tuple[str, ...]:
    """Those of the literals that nobody else has: another may well be called the same."""
    street = (contact.street,) if " " in contact.street.strip() else ()
    found = [*street, *_mailboxes(contact.email), *_numbers(contact.phone)]
    return tuple(dict.fromkeys(literal.strip() for literal in found if literal.strip()))


def parts_of_name(contact: LeadContact) -> tuple[str, ...]:
    """By which somebody may have looked for them; each is a word that others may have too."""
    return tuple(part for part in re.split(r"[\s,]+", contact.name) if len(part) >= SHORTEST_PART)


def _mailboxes(email: str) -> Iterator[str]:
    """As it was given, and without the tag after a plus."""
    if "@" not in email:
        return
    yield email
    local, _, domain = email.rpartition("@")
    yield f"{local.partition('+')[0] or local}@{domain}"


def _numbers(e164: str) -> Iterator[str]:
    """The digits that stand in every form of it without spaces, and the groups in which people write it."""
    if not e164.startswith(_AUSTRALIAN):
        if e164:
            yield e164.removeprefix("+")
        return
    digits = e164.removeprefix(_AUSTRALIAN)
    yield digits
    groupings = ((3, 3, 3), (1, 4, 4)) if digits.startswith("4") else ((1, 4, 4), (1, 2, 3, 3))
    for grouping in groupings:
        for between in (" ", "-"):
            yield between.join(_grouped(digits, grouping))
    if not digits.startswith("4"):
        # The area code is often left out, or stands in parentheses.
        yield f"{digits[1:5]} {digits[5:]}"


def _grouped(digits: str, sizes: tuple[int, ...]) -> Iterator[str]:
    place = 0
    for size in sizes:
        yield digits[place : place + size]
        place += size
    if place < len(digits):
        yield digits[place:]
