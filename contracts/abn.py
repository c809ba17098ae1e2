"""Australian Business Numbers, by the rule of the Australian Business Register. Events carry their eleven digits."""

import re

WEIGHTS = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
_FORM = re.compile(r"[1-9][0-9]{10}")


def is_abn(digits: str) -> bool:
    """Whether the check digits are right: with one taken from the first digit, the weighted sum is a multiple of 89."""
    if not _FORM.fullmatch(digits):
        return False
    numbers = [int(digits[0]) - 1, *map(int, digits[1:])]
    return sum(weight * number for weight, number in zip(WEIGHTS, numbers, strict=True)) % 89 == 0
