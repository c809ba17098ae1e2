"""The forms in which values stand on the wire, and how what people type becomes one of them: each rule once, for all.

A rule takes text and gives its normal form, or raises Fault. Pydantic runs it as it is: `AfterValidator(abn)`.
"""

import re

from pydantic_core import PydanticCustomError

from contracts.abn import is_abn


class Fault(PydanticCustomError):
    """A value that cannot be: `code` is stable, the message is for people and never repeats the value."""

    @property
    def code(self) -> str:
        return self.type


E164 = r"^\+[1-9][0-9]{6,14}$"
"""A telephone number of 7 to 15 digits with its country code; `contracts.phones` makes it of what people write."""

SERVICE = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
LONGEST_SERVICE = 80


def service_slug(given: str) -> str:
    """A service as `solar-battery`: lower-case words of letters and digits, joined by - or _."""
    slug = given.strip().lower()
    if len(slug) > LONGEST_SERVICE or not SERVICE.fullmatch(slug):
        raise Fault("service_invalid", "must be a slug of letters, digits, - and _, as solar-battery")
    return slug


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+(?!\d+$){_LABEL})")
LONGEST_EMAIL = 254
LONGEST_LOCAL_PART = 64


def email_address(given: str) -> str:
    """The address with its domain in lower case. Quoted local parts and non-ASCII addresses are refused."""
    address = given.strip()
    found = EMAIL.fullmatch(address) if len(address) <= LONGEST_EMAIL else None
    if found is None or len(found[1]) > LONGEST_LOCAL_PART:
        raise Fault("email_invalid", "must be an e-mail address")
    return f"{found[1]}@{found[2].lower()}"


_BETWEEN_DIGITS = re.compile(r"[\s.-]")


def abn(given: str) -> str:
    """The eleven digits of a valid ABN; spaces, dots and hyphens between them are let pass."""
    digits = _BETWEEN_DIGITS.sub("", given)
    if not re.fullmatch(r"[1-9][0-9]{10}", digits):
        raise Fault("abn_invalid", "must be an ABN of 11 digits")
    if not is_abn(digits):
        raise Fault("abn_invalid", "is no ABN: its check digits are wrong")
    return digits
