"""The books as tables: what an independent reader sees of all services, and what billing certifies of itself."""

from typing import Any

from rich.console import Console as Terminal
from rich.table import Table

from deploy.local.demo.books import Books
from deploy.local.demo.equality import Equality


def show(books: Books, certificate: Any, terminal: Terminal) -> None:
    table = _table("The books", "what must be equal, or nothing")
    for equality in books.equalities:
        verdict = "[green]ties[/green]" if equality.holds else "[red]DIFFERS[/red]"
        table.add_row(equality.name, equality.shown(equality.left), equality.shown(equality.right), verdict)
    terminal.print()
    terminal.print(table)
    terminal.print()
    terminal.print(_certified(certificate))
    terminal.print()


def _table(title: str, what: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False, box=None)
    table.add_column(what)
    table.add_column("one side", justify="right")
    table.add_column("the other", justify="right")
    table.add_column("")
    return table


VERDICTS = {"holds": "[green]holds[/green]", "fails": "[red]FAILS[/red]"}


def _certified(certificate: Any) -> Table:
    """Billing's own, of one snapshot of its database."""
    signed = f"signed by key {certificate['key_id']}" if certificate["key_id"] else "unsigned"
    table = _table(f"Billing's certificate as of {certificate['as_of'][:16]}Z, {signed}", "equality")
    for row in certificate["equalities"]:
        line = Equality(row["title"], row["left"], row["right"], row["unit"] == "cents")
        verdict = VERDICTS.get(row["outcome"], row["outcome"].replace("_", " "))
        table.add_row(line.name, line.shown(line.left), line.shown(line.right), verdict)
    return table
