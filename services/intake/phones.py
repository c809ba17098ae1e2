"""Telephone numbers, by the `phonenumbers` library; only this module knows it."""

import re

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_valid_number, parse

from services.intake.domain import Fault

HOME = "AU"
# The library looks for a number in any text; a form's field is to hold a number and nothing else.
DIALLED = re.compile(r"\+?[0-9 ().\-/]+")


def e164(given: str) -> str:
    """The number in E.164; one without a country code is taken as Australian. Raises Fault for what cannot ring."""
    if not DIALLED.fullmatch(given.strip()):
        raise Fault("phone_invalid", "must be a telephone number")
    try:
        number = parse(given, HOME)
    except NumberParseException:
        raise Fault("phone_invalid", "must be a telephone number") from None
    if not is_valid_number(number):
        raise Fault("phone_invalid", "is no valid telephone number")
    return format_number(number, PhoneNumberFormat.E164)
