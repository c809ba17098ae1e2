"""Australian Business Numbers: eleven digits, of which the first two check the others."""

WEIGHTS = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)


def digits_of(abn: str) -> str:
    return "".join(abn.split())


def is_valid_abn(abn: str | None) -> bool:
    digits = digits_of(abn or "")
    if len(digits) != len(WEIGHTS) or not (digits.isascii() and digits.isdigit()):
        return False
    checked = [int(digits[0]) - 1, *map(int, digits[1:])]
    return sum(weight * digit for weight, digit in zip(WEIGHTS, checked, strict=True)) % 89 == 0


def spaced(abn: str) -> str:
    """As the register prints it: `51 824 753 556`."""
    digits = digits_of(abn)
    return f"{digits[:2]} {digits[2:5]} {digits[5:8]} {digits[8:]}"
