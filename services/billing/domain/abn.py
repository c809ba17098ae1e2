"""Australian Business Numbers as accounts hold them, with or without spaces, and as documents print them."""

from contracts.abn import is_abn


def digits_of(abn: str) -> str:
    return "".join(abn.split())


def is_valid_abn(abn: str | None) -> bool:
    return is_abn(digits_of(abn or ""))


def spaced(abn: str) -> str:
    """As the register prints it: `51 824 753 556`."""
    digits = digits_of(abn)
    return f"{digits[:2]} {digits[2:5]} {digits[5:8]} {digits[8:]}"
