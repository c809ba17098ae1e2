"""A past decision made again from what it was made from, by the rules of then: the text is the same, or says where not.

Whoever changes a rule, what it compares or the ordering leaves the rules as they were under their version here.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from services.routing.domain.decision import decide
from services.routing.domain.inputs import Inputs, Profiles, rule_set_of
from services.routing.domain.record import record_of

EXCERPT = 60
"""How much of both texts is told around the first difference."""


def _by_rule_set_4(inputs_text: str, profiles: Profiles) -> str:
    """Nothing is looked up but what the inputs and the profiles tell."""
    inputs = Inputs.from_text(inputs_text, profiles)
    return record_of(decide(inputs.request, inputs.candidates))


def _by_rule_set_3(inputs_text: str, profiles: Profiles) -> str:
    """It judged alike, but asked the time zone database when a closed installer opens again, as it does when it is made
    again: its inputs are of format 1.
    """
    return _by_rule_set_4(inputs_text, profiles)


RULE_SETS: Mapping[str, Callable[[str, Profiles], str]] = {"3": _by_rule_set_3, "4": _by_rule_set_4}


ASKS_TODAYS_ZONES = frozenset({"3"})
"""Those whose inputs do not tell when clocks change: by what was announced since one may come out otherwise."""


class NoSuchRuleSet(Exception):
    """The decision was made by rules that are kept nowhere."""


class Replay(NamedTuple):
    """`first_difference` shows both texts where they part, None where they are the same to the last sign."""

    rule_set: str
    first_difference: str | None

    @property
    def is_identical(self) -> bool:
        return self.first_difference is None


def replay(inputs_text: str, profiles: Profiles) -> str:
    """The record that the inputs lead to. Raises NoSuchRuleSet, ProfileMissing."""
    rule_set = rule_set_of(inputs_text)
    if rule_set not in RULE_SETS:
        raise NoSuchRuleSet(f"rule set {rule_set}")
    return RULE_SETS[rule_set](inputs_text, profiles)


def proved(inputs_text: str, profiles: Profiles, record: str) -> Replay:
    """Against the record as it was kept."""
    return Replay(rule_set_of(inputs_text), difference(record, replay(inputs_text, profiles)))


def difference(kept: str, made: str) -> str | None:
    """Where the two part, with a little before it, as `at 41: kept "…", made "…"`."""
    if kept == made:
        return None
    shorter = min(len(kept), len(made))
    at = next((place for place in range(shorter) if kept[place] != made[place]), shorter)
    start = max(0, at - EXCERPT // 2)
    return f'at {at}: kept "{kept[start : at + EXCERPT]}", made "{made[start : at + EXCERPT]}"'
