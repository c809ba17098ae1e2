"""Telephone numbers as people write them, by the `phonenumbers` library, which only this module knows.

It comes with the extra `phones`: who reads events alone does without.
"""

import re

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_valid_number, parse

from contracts.forms import E164, Fault

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
    normal = format_number(number, PhoneNumberFormat.E164)
    # Some plans have valid numbers of fewer digits than 7, or of more than the 15 that E.164 allows.
    if not is_valid_number(number) or not re.fullmatch(E164, normal):
        raise Fault("phone_invalid", "is no valid telephone number")
    return normal
