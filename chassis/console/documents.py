"""A document's page as its room declares it: identity, state, facts, tables, actions and timeline. It draws nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import QueryParameter
from markupsafe import Markup

from chassis.console.actions import Action
from chassis.console.cells import Kind, Shown
from chassis.console.charts import Charts
from chassis.console.page import Console
from chassis.console.timeline import Moment

Done = Annotated[str | None, QueryParameter(max_length=60)]
"""A document's handler takes `done: Done = None`, and hands it on to `show_document`."""

Told = Shown | Markup | str


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: Told


@dataclass(frozen=True, slots=True)
class Note:
    """`tone`: info, positive, warning or danger. `items` stand beneath the text: each a text and its path, if any."""

    title: str
    text: str = ""
    tone: str = "info"
    items: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """A section that is a grid of facts."""

    title: str
    facts: Sequence[Fact]
    kind: str = "facts"


@dataclass(frozen=True, slots=True)
class Table:
    """A section that is a small table: all of its rows are here. `foot` is a last row of sums.

    `empty` is what it says without rows; `more` a label and path to the list that has them all.
    """

    title: str
    heads: Sequence[tuple[str, Kind]]
    rows: Sequence[Sequence[Told]]
    empty: str = ""
    foot: Sequence[Told] = ()
    more: tuple[str, str] | None = None
    note: str = ""
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Prose:
    """A section of paragraphs, as people wrote them."""

    title: str
    paragraphs: Sequence[str]
    kind: str = "prose"


@dataclass(frozen=True, slots=True)
class Part:
    """A section with a template of the room's own, which gets `part` and its `context`."""

    title: str
    template: str
    context: Mapping[str, Any]
    kind: str = "part"


Section = Facts | Table | Prose | Charts | Part


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What another service knows of it: fetched by the page, and a link for who has no scripts. See desk.About."""

    title: str
    service: str
    kind: str
    id: UUID


@dataclass(frozen=True, slots=True)
class Document:
    """`sentence` reads aloud what it is and why it matters now; `amount` is what it is about, with its unit beneath."""

    title: str
    room: str
    up: tuple[str, str] | None
    """The list that it is of: label and path."""
    states: Sequence[Markup] = ()
    sentence: Told = ""
    amount: str = ""
    amount_note: str = ""
    notes: Sequence[Note] = ()
    facts: Sequence[Fact] = ()
    actions: Sequence[Action] = ()
    past: Sequence[Action] = ()
    """Actions that are not offered any more once they are done; what they say then is told all the same."""
    sections: Sequence[Section] = ()
    timeline: Sequence[Moment] | None = ()
    """None where nothing can happen to it, as to a reckoning."""
    links: Sequence[tuple[str, str]] = ()
    elsewhere: Sequence[Elsewhere] = ()


def show_document(
    console: Console,
    request: Request[Any, Any, Any],
    document: Document,
    done: str | None = None,
    template: str = "document.html",
) -> Response[str]:
    """`template` extends document.html where a room needs more than the slots."""
    actions = (*document.actions, *document.past)
    finished = next((action.done for action in actions if action.name == done and action.done), "")
    return console.page(request, template, {"document": document, "finished": finished}, room=document.room)
