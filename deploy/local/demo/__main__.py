"""`python -m deploy.local.demo`: starts everything, runs both flows, proves that the books tie, stops everything.

Progress and tables go to stderr as they come; the last line on stdout is one JSON object. Exit 0 only if all ties.
"""

import asyncio
import json
import sys
import time

from rich.console import Console as Terminal

from deploy.local.child import ChildFailed
from deploy.local.demo.operators import Refused
from deploy.local.demo.play import play
from deploy.local.demo.reader import TooLate
from deploy.local.demo.shown import show
from deploy.local.keeper import ToldToStop, stop_on_signals
from deploy.local.system import System


def main() -> None:
    stop_on_signals()
    terminal = Terminal(stderr=True, highlight=False)
    began = time.monotonic()

    def tell(line: str) -> None:
        terminal.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  {line}")

    try:
        tell("starting PostgreSQL, Kafka, the mail server, Stripe and the six services")
        with System(report=lambda line: tell(f"[dim]{line}[/dim]")) as system:
            played = asyncio.run(play(system, tell))
    except ToldToStop:
        sys.exit(130)
    except (Refused, TooLate, ChildFailed) as failed:
        terminal.print(f"[red]the demonstration failed:[/red] {failed}", markup=True)
        sys.exit(1)
    books = played.books
    show(books, played.certificate, terminal)
    print(json.dumps(books.summary(seconds=round(time.monotonic() - began, 1))), flush=True)
    sys.exit(0 if books.tie else 1)


if __name__ == "__main__":
    main()
