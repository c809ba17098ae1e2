"""One line of the books."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Equality:
    """`left` and `right` are counted or added up from different places; they must be the same."""

    name: str
    left: int
    right: int
    is_money: bool = False

    @property
    def holds(self) -> bool:
        return self.left == self.right

    def shown(self, value: int) -> str:
        return f"{value / 100:,.2f}" if self.is_money else f"{value:,}"
