"""Which state a postcode is of."""

from collections.abc import Iterable

from contracts.forms import Fault
from contracts.values import AustralianState

_S = AustralianState
# Australia Post's allocation. Both ends belong to the range; boxes and large volume receivers have ranges of their own.
POSTCODE_RANGES: tuple[tuple[int, int, AustralianState], ...] = (
    (200, 299, _S.ACT),  # boxes and large volume receivers
    (800, 899, _S.NT),
    (900, 999, _S.NT),  # boxes and large volume receivers
    (1000, 1999, _S.NSW),  # boxes and large volume receivers
    (2000, 2599, _S.NSW),
    (2600, 2618, _S.ACT),
    (2619, 2899, _S.NSW),
    (2900, 2920, _S.ACT),
    (2921, 2999, _S.NSW),
    (3000, 3999, _S.VIC),
    (4000, 4999, _S.QLD),
    (5000, 5799, _S.SA),
    (5800, 5999, _S.SA),  # boxes and large volume receivers
    (6000, 6797, _S.WA),
    (6798, 6799, _S.WA),  # Christmas Island and the Cocos Islands, addressed as Western Australia
    (6800, 6999, _S.WA),  # boxes and large volume receivers
    (7000, 7799, _S.TAS),
    (7800, 7999, _S.TAS),  # boxes and large volume receivers
    (8000, 8999, _S.VIC),  # boxes and large volume receivers
    (9000, 9999, _S.QLD),  # boxes and large volume receivers
)

# Towns served from over the border: the states that a postcode also reaches into.
POSTCODES_OVER_THE_BORDER: dict[str, frozenset[AustralianState]] = {
    "0872": frozenset({_S.SA, _S.WA}),
    "2406": frozenset({_S.QLD}),
    "2540": frozenset({_S.ACT}),
    "2611": frozenset({_S.NSW}),
    "2618": frozenset({_S.NSW}),
    "2620": frozenset({_S.ACT}),
    "3500": frozenset({_S.NSW}),
    "3585": frozenset({_S.NSW}),
    "3586": frozenset({_S.NSW}),
    "3644": frozenset({_S.NSW}),
    "3691": frozenset({_S.NSW}),
    "3707": frozenset({_S.NSW}),
    "4377": frozenset({_S.NSW}),
    "4380": frozenset({_S.NSW}),
    "4383": frozenset({_S.NSW}),
    "4385": frozenset({_S.NSW}),
    "4825": frozenset({_S.NT}),
}


def states_of(postcode: str) -> frozenset[AustralianState]:
    """The states that a postcode of four digits reaches into; none for one that is not allocated."""
    number = int(postcode)
    home = frozenset(state for first, last, state in POSTCODE_RANGES if first <= number <= last)
    return home | POSTCODES_OVER_THE_BORDER.get(postcode, frozenset())


def check_postcode(postcode: str, state: AustralianState) -> None:
    states = states_of(postcode)
    if not states:
        raise Fault("postcode_unknown", "is no Australian postcode")
    if state not in states:
        raise Fault("postcode_state_mismatch", f"is a postcode of {_either(states)}, not of {state}")


def _either(states: Iterable[AustralianState]) -> str:
    return " or ".join(sorted(states))
