"""Where a number's door leads to: the rows behind it, as the list of that room has them."""

from chassis.console.lists.asking import read_query
from chassis.console.lists.reading import read_page, read_totals
from services.billing.pages import adjustments, journal
from tests.billing.arrangements import SYDNEY, Books


async def in_the_journal(books: Books, path: str) -> list[int]:
    """The amounts of its postings."""
    room, _, query = path.partition("?")
    assert room == journal.PATH
    asked = read_query(journal.LISTING, query, SYDNEY)
    async with books.database.reading() as session:
        return [row.amount for row in (await read_page(session, asked, books.clock.now())).rows]


async def adjusted_cents(books: Books, path: str) -> int:
    """What the adjustments behind it come to, inc. GST."""
    room, _, query = path.partition("?")
    assert room == adjustments.PATH
    asked = read_query(adjustments.LISTING, query, SYDNEY)
    async with books.database.reading() as session:
        return (await read_totals(session, asked, books.clock.now())).sums["effect"]
