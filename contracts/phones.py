"""Telephone numbers as people write them, by the `phonenumbers` library, which only this module knows.

It comes with the extra `phones`: who reads events alone does without.
"""

import re

from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumberFormat,
    format_number,
    is_valid_number,
    parse,
)

from contracts.forms import E164, Fault

HOME = "AU"
# The library looks for a number in any text; a form's field is to hold a number and nothing else.
DIALLED = re.compile(r"\+?[0-9 ().\-/]+")

_HOME_CODE = "+61"


def _landlines_and_mobiles() -> str:
    """The library's own pattern of what most people have, without the zero."""
    plan = PhoneMetadata.metadata_for_region(HOME)
    if plan is None or plan.fixed_line is None or plan.mobile is None:
        raise LookupError(f"phonenumbers knows no plan of {HOME}")
    return f"{plan.fixed_line.national_number_pattern}|{plan.mobile.national_number_pattern}"


# The library answers the same of these, thirty times as slowly.
_HOME_NUMBER = re.compile(rf"(?:\{_HOME_CODE}|0)({_landlines_and_mobiles()})", re.ASCII)
_BETWEEN_DIGITS = str.maketrans("", "", " ()-")
_LONGEST_AT_HOME = 40


def e164(given: str) -> str:
    """The number in E.164; one without a country code is taken as Australian. Raises Fault for what cannot ring."""
    return _at_home(given) or _anywhere(given)


def _at_home(given: str) -> str | None:
    """The answer for an Australian landline with its area code or mobile; None leaves it to the library."""
    if len(given) > _LONGEST_AT_HOME or given.rfind("+") > 0:
        return None
    found = _HOME_NUMBER.fullmatch(given.translate(_BETWEEN_DIGITS))
    return None if found is None else f"{_HOME_CODE}{found[1]}"


def _anywhere(given: str) -> str:
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
