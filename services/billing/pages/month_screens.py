"""What a step's screen is made of in a month's close."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chassis.console.actions import Action
from chassis.console.documents import Fact, Note, Table

MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Screen:
    title: str
    text: str = ""
    notes: Sequence[Note] = ()
    facts: Sequence[Fact] = ()
    actions: Sequence[Action] = ()
    tables: Sequence[Table] = ()
    links: Sequence[tuple[str, str]] = ()
    """What is downloaded, or another room that the step leads to: label and path."""
    asks_month: bool = False


def said(text: str | Markup) -> Markup:
    """A sentence in a cell, which wraps."""
    return Markup('<span class="said">{}</span>').format(text)


def said_each(sentences: Sequence[Markup]) -> Markup:
    """One below the other."""
    return said(Markup("<br>").join(sentences))


def more(number: int, path: str, shown: int = MOST_ROWS) -> tuple[str, str] | None:
    return (f"{number - shown:,} more are not shown here: open all {number:,}", path) if number > shown else None
