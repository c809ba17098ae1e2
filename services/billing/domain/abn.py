"""Australian Business Numbers as accounts hold them, with or without spaces, and as documents print them."""

from enum import StrEnum

from contracts.abn import is_abn


def digits_of(abn: str) -> str:
    return "".join(abn.split())


def is_valid_abn(abn: str | None) -> bool:
    return is_abn(digits_of(abn or ""))


class AbnCheck(StrEnum):
    """What the check digits say; whether the register knows it is another matter."""

    HOLDS = "holds"
    FAILS = "fails"
    MISSING = "missing"


def check_of(abn: str | None) -> AbnCheck:
    if not digits_of(abn or ""):
        return AbnCheck.MISSING
    return AbnCheck.HOLDS if is_valid_abn(abn) else AbnCheck.FAILS


def spaced(abn: str) -> str:
    """As the register prints it: `51 824 753 556`."""
    digits = digits_of(abn)
    return f"{digits[:2]} {digits[2:5]} {digits[5:8]} {digits[8:]}"
